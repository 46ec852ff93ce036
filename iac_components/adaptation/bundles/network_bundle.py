"""An inference bundle of the Model Zoo or of this collection as a network with its surroundings."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import torch
from monai.bundle import ConfigParser
from monai.inferers import Inferer, SimpleInferer, SliceInferer, SlidingWindowInferer
from monai.transforms import Compose
from torch import nn

from iac_components.adaptation.adapter.base_network import is_scripted
from iac_components.adaptation.fitting.cases import WindowShape
from iac_components.bundling.options import OptionError, check_values, parse_with_paths
from iac_components.common.causes import first_cause, one_line
from iac_components.networks import AveragingInferer, load_weights

__all__ = ["NetworkBundle", "chosen_device", "config_file", "read_bundle", "weights_file"]

T = TypeVar("T")

SCRIPTED = Path("models", "model.ts")
"""The network as TorchScript, for bundles that come without weights."""

CONFIGS = ("inference.json", "inference.yaml", "inference.yml")
EVALUATORS_INFERER = "evaluator#inferer"
_REFERENCE = re.compile(r"@([\w#:]+)")
_OURS = {"bundle_code": None, "num_workers": 0}
"""Items of this collection's configs that only a run of theirs needs."""


@dataclass(frozen=True)
class NetworkBundle:
    """Contents of an inference bundle.

    Attributes:
        root: the bundle's folder.
        name: of the folder, with the version of its metadata.
        network: with its weights, in eval mode; where there is no file of weights, the TorchScript
            of ``models/model.ts``, or what the config loads.
        preprocessing: of ``{"image": file}``.
        inferer: applies the network to a whole image; that of the config's evaluator.
        window: what the network is given at a time.
        class_names: of the foreground classes.
        channels: of an image.
        digest: SHA-256 of what the config says of the preprocessing.
        inferer_digest: the same of the inferer.
        parser: of the config, for what comes after the network.
    """

    root: Path
    name: str
    network: nn.Module
    preprocessing: Compose
    inferer: Inferer
    window: WindowShape
    class_names: tuple[str, ...]
    channels: int
    digest: str
    inferer_digest: str
    parser: ConfigParser


def read_bundle(
    folder: str | Path, *, device: torch.device | None = None, **overrides: object
) -> NetworkBundle:
    """Read an inference bundle's network, weights, preprocessing, inferer and class names.

    Args:
        folder: the bundle's folder.
        device: where the network is put; None leaves it to the bundle.
        **overrides: values of the config's top-level keys.

    Raises:
        OptionError: in one line that names the bundle and what is wrong with it.
    """
    root = Path(folder).expanduser().absolute()
    file = config_file(root)
    parser = ConfigParser()
    try:
        parser.read_config(str(file))
    except Exception as error:
        raise OptionError(f"'{file}' cannot be read: {one_line(error)}") from error
    meta = _metadata(root)
    parser.update({key: value for key, value in _OURS.items() if key in parser.get()})
    parser.update({"bundle_root": str(root), **overrides})
    if device is not None:
        parser.update({"device": device})
    try:
        parse_with_paths(parser)
    # A macro may name a file that is not there.
    except Exception as error:
        raise OptionError(f"'{file}' cannot be read: {one_line(error)}") from error
    if str(root) not in sys.path:  # as MONAI does for the scripts of a bundle
        sys.path.append(str(root))
    network = _network(parser, root)
    inferring = _inferer_key(parser)
    inferer = _get(parser, root, inferring, Inferer, default=SimpleInferer)
    names, channels = _format(meta, root)
    version = meta.get("version")
    return NetworkBundle(
        root,
        f"{root.name} {version}" if version else root.name,
        network.eval(),
        _get(parser, root, "preprocessing", Compose),
        inferer,
        _window(inferer),
        names,
        channels,
        _digest(parser, "preprocessing"),
        _digest(parser, inferring),
        parser,
    )


def chosen_device(device: str | torch.device | None) -> torch.device | None:
    """Return a device to compute on; None leaves it to the bundle.

    Raises:
        OptionError: if this machine has no such device.
    """
    if device is None:
        return None
    check_values({"device": str(device)}, method="iac")
    return torch.device(device)


def config_file(root: Path) -> Path:
    """Return a bundle's config for inference.

    Raises:
        OptionError: if there is none.
    """
    if not root.is_dir():
        raise OptionError(f"bundle '{root}' is no folder. Pass that of a downloaded bundle.")
    file = next((f for name in CONFIGS if (f := root / "configs" / name).is_file()), None)
    if file is None:
        raise OptionError(
            f"bundle '{root}' has no configs/inference.json (or .yaml): it is not laid out as the "
            "Model Zoo's, or not for inference."
        )
    return file


def _metadata(root: Path) -> Mapping[str, object]:
    file = root / "configs" / "metadata.json"
    try:
        content: Mapping[str, object] = dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise OptionError(
            f"'{file}' cannot be read: it names the classes and channels of the network."
        ) from error
    return content


def _network(parser: ConfigParser, root: Path) -> nn.Module:
    known = [key for key in ("network", "network_def") if key in parser.get()]
    if not known:
        raise OptionError(
            f"bundle '{root}': inference config has neither 'network_def' nor 'network'."
        )
    averaged = parser.get("fold_weights") if "fold_weights" in parser.get() else None
    if isinstance(averaged, list):
        raise OptionError(
            f"bundle '{root}' averages {len(averaged)} networks, and one can be read. Pass a "
            "bundle of one fold: iac export RUN --fold N."
        )
    network = _get(parser, root, known[0], nn.Module)
    weights = weights_file(parser, root)
    scripted = root / SCRIPTED
    if not weights.is_file() and is_scripted(network):
        return network
    if not weights.is_file() and scripted.is_file():
        return _scripted(scripted, next(network.parameters()).device)
    if not weights.is_file():
        raise OptionError(
            f"bundle '{root}' comes without weights ('{weights}' is missing). Download them, or "
            "pass a bundle that holds them."
        )
    load_weights(network, weights)
    return network


def _scripted(file: Path, device: torch.device) -> nn.Module:
    load: Callable[..., torch.jit.ScriptModule] = torch.jit.load  # it has no types
    try:
        return load(str(file), map_location=device)
    except RuntimeError as error:
        raise OptionError(
            f"'{file}' cannot be read as TorchScript. Download it again, or the weights."
        ) from error


def weights_file(parser: ConfigParser, root: Path) -> Path:
    """Find the file of the weights: by an option, a loader, or its usual place."""
    for key in ("checkpoint", "load_path"):
        if key in parser.get():
            return Path(str(parser.get_parsed_content(key)))
    for place in ("handlers", "evaluator#val_handlers"):
        handlers = parser.get(place) if place in parser else None
        for index, handler in enumerate(handlers if isinstance(handlers, list) else ()):
            if isinstance(handler, dict) and "load_path" in handler:
                return Path(str(parser.get_parsed_content(f"{place}#{index}#load_path")))
    return root / "models" / "model.pt"


def _get(
    parser: ConfigParser,
    root: Path,
    key: str,
    kind: type[T],
    *,
    default: Callable[[], T] | None = None,
) -> T:
    if key not in parser:
        if default is not None:
            return default()
        raise OptionError(f"bundle '{root}': inference config has no '{key}'.")
    try:
        found = parser.get_parsed_content(key)
    # A config may run anything.
    except Exception as error:
        raise OptionError(
            f"bundle '{root}': '{key}' of its inference config fails: "
            f"{one_line(first_cause(error))}"
        ) from error
    if not isinstance(found, kind):
        raise OptionError(
            f"bundle '{root}': '{key}' is a {type(found).__name__}, expected a {kind.__name__}."
        )
    return found


def _format(meta: Mapping[str, object], root: Path) -> tuple[tuple[str, ...], int]:
    """Return the foreground classes and the image's channels from the metadata."""
    try:
        data = cast(dict[str, dict[str, dict[str, object]]], meta["network_data_format"])
        stated = cast(dict[str, str], data["outputs"]["pred"]["channel_def"])
        channels = cast(int, data["inputs"]["image"]["num_channels"])
        names = [str(stated[key]) for key in sorted(stated, key=int)]
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(
            f"bundle '{root}': metadata.json does not name the classes in network_data_format."
            "outputs.pred.channel_def and the channels of inputs.image."
        ) from error
    return tuple(names if len(names) == 1 else names[1:]), channels


def _inferer_key(parser: ConfigParser) -> str:
    """Return the id of what the evaluator infers with: options may put another before 'inferer'."""
    return EVALUATORS_INFERER if EVALUATORS_INFERER in parser else "inferer"


def _window(inferer: Inferer) -> WindowShape:
    if isinstance(inferer, AveragingInferer):
        return _window(inferer.inferer)
    if isinstance(inferer, SlidingWindowInferer):
        size = inferer.roi_size
        sizes = (size,) if isinstance(size, int) else tuple(int(n) for n in size)
        axis = int(inferer.spatial_dim) if isinstance(inferer, SliceInferer) else None
        return WindowShape(sizes if min(sizes) > 0 else None, axis)
    return WindowShape()


def _digest(parser: ConfigParser, start: str) -> str:
    """Digest what the config says under an id, with all that it refers to."""
    raw: dict[str, object] = {}
    open_keys = [start]
    while open_keys:
        key = open_keys.pop()
        if key in raw or key in ("bundle_root", "device", *_OURS) or key not in parser:
            continue
        raw[key] = parser.get(key)
        text = json.dumps(raw[key], default=str)
        open_keys += [name.replace("::", "#") for name in _REFERENCE.findall(text)]
    canonical = json.dumps(raw, sort_keys=True, default=str)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
