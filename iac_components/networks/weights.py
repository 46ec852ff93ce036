"""Loading of trained weights into a network: everything fits, or nothing is changed."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from iac_components.common.files.tensor_files import read_tensors
from iac_components.networks.implanted_network import ImplantedNetwork
from iac_components.networks.implanting.fusion import SkipFusion, implanted_key

__all__ = ["load_state", "load_weights", "prune_before_loading"]

_SHOWN = 3
_HEADS = re.compile(r"(^|\.)(deep_supervision_heads|super_head)\.")


def load_state(path: str | Path) -> dict[str, Tensor]:
    """Read a state dict; nothing in the file can run code.

    Args:
        path: a file written by ``torch.save``: a state dict, or a mapping with one under
            ``"model"`` or ``"state_dict"``.

    Returns:
        Tensors on the CPU by state-dict key.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a directory.
        ValueError: if it is empty, cut off, no checkpoint, needs Python objects to be built, or
            holds anything but tensors. Every message is one line and names the file.
    """
    content = _read(Path(path))
    if isinstance(content, Mapping):
        for key in ("model", "state_dict"):
            if isinstance(content.get(key), Mapping):
                content = content[key]
                break
    if not isinstance(content, Mapping) or not any(isinstance(v, Tensor) for v in content.values()):
        raise ValueError(
            f"{path}: holds no tensors. Expected a state dict, itself or under 'model' or "
            "'state_dict'."
        )
    foreign = [k for k, v in content.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if foreign:
        raise ValueError(f"{path}: not a state dict, these are no tensors: {_some(foreign)}.")
    return dict(content)


def load_weights(
    network: nn.Module, path: str | Path, *, allow_missing_cells: bool = False
) -> None:
    """Load a checkpoint whose every key and shape fits; otherwise leave the network untouched.

    The heads of a DynUNet's deep supervision serve the loss of a training alone: they are left out
    where the network has none, and keep their values where the checkpoint has none.

    Args:
        network: a plain network, an implanted one, or an ``ImplantedNetwork``.
        path: a file as for ``load_state``.
        allow_missing_cells: also accept a trained plain backbone, without any key of the skip
            modules (which keep their values) and without an ``ImplantedNetwork``'s key prefix.

    Raises:
        OSError: as ``load_state``.
        ValueError: as ``load_state``, or if the checkpoint is of another network; the message
            names the file and the first keys at fault.
    """
    state = load_state(path)
    prefix = "backbone."
    if (
        allow_missing_cells
        and isinstance(network, ImplantedNetwork)
        and not any(key.startswith(prefix) for key in state)
    ):
        network = network.backbone
    fusions = _children_by_prefix(network)
    for prefix, children in fusions.items():
        state = {implanted_key(key, prefix, children=children): t for key, t in state.items()}

    expected = network.state_dict()
    heads = {key: tensor for key, tensor in expected.items() if _HEADS.search(key)}
    kept = {key: t for key, t in state.items() if key in heads or not _HEADS.search(key)}
    state = {**heads, **kept}
    own = tuple(f"{f}{name}." for f, names in fusions.items() for name in names if name != "block")
    cells = {key for key in expected if key.startswith(own)}
    missing = [key for key in expected if key not in state]
    plain = bool(cells) and set(missing) == cells
    if plain and allow_missing_cells:
        missing = []
    faults = _describe_faults(expected, state, missing)
    if faults:
        remedy = " For a plain backbone's weights, pass allow_missing_cells=True." if plain else ""
        raise ValueError(f"{path}: checkpoint of another network ({faults}).{remedy}")
    network.load_state_dict(state, strict=not allow_missing_cells)


def _read(path: Path) -> object:
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a directory, expected a checkpoint file.")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint file.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: is empty, expected a checkpoint.")
    try:
        content: object = read_tensors(path)
    except OSError:
        raise
    # What the reader raises on foreign bytes is not specified, so all of it is translated.
    except Exception as error:
        raise ValueError(f"{path}: {_explain(path, error)}") from error
    return content


def _explain(path: Path, error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):
        return "refused, since it holds Python objects that are not plain tensors and values."
    with path.open("rb") as stream:
        is_archive = stream.read(2) == b"PK"
    if is_archive or isinstance(error, EOFError):
        return "cannot be read as a checkpoint; it is cut off, damaged or of another kind."
    return "is not a checkpoint written by torch.save."


def _children_by_prefix(network: nn.Module) -> dict[str, list[str]]:
    """Return the names of each fusion's children, by its place in the state dict."""
    return {
        f"{name}." if name else "": [child for child, _ in module.named_children()]
        for name, module in network.named_modules(remove_duplicate=False)
        if isinstance(module, SkipFusion)
    }


def _describe_faults(
    expected: Mapping[str, Tensor], state: Mapping[str, Tensor], missing: list[str]
) -> str:
    unexpected = [key for key in state if key not in expected]
    differing = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if key in state and state[key].shape != tensor.shape
    ]
    parts = {"missing": missing, "unexpected": unexpected, "shape": differing}
    return "; ".join(f"{name}: {_some(keys)}" for name, keys in parts.items() if keys)


def _some(keys: Iterable[object]) -> str:
    names = [str(key) for key in keys]
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


Network = TypeVar("Network", bound=nn.Module)


def prune_before_loading(
    network: Network, alive_name: str, prune: Callable[[Network, torch.Tensor], None]
) -> None:
    """Delete the parts that the saved network had lost before its weights are loaded.

    Args:
        network: whose ``load_state_dict`` to prepare.
        alive_name: name of the buffer, within the network's state, that marks what lives.
        prune: called with the network (a copy's, if it was copied) and the saved mask.
    """

    def hook(module: nn.Module, state: Mapping[str, torch.Tensor], prefix: str, *_: object) -> None:
        alive = state.get(f"{prefix}{alive_name}")
        if alive is not None:
            prune(cast(Network, module), alive)

    network.register_load_state_dict_pre_hook(hook)  # type: ignore[no-untyped-call]
