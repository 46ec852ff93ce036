"""A bundle with its adapter as an inference bundle of its own, which runs as any other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import cast

import torch
from monai.bundle import ConfigParser
from torch import nn

import iac_components
from iac_components.adaptation.adapter.adapter_file import (
    Adapter,
    AdapterError,
    load_adapter,
)
from iac_components.adaptation.adapter.base_network import is_scripted
from iac_components.adaptation.bundles.network_bundle import (
    NetworkBundle,
    config_file,
    read_bundle,
    weights_file,
)
from iac_components.adaptation.bundles.new_bundle import (
    add_to_metadata,
    add_to_readme,
    bundle_place,
    copy_bundle,
    copy_models,
    write_weights,
)
from iac_components.adaptation.bundles.predicting import adapted_network
from iac_components.adaptation.bundles.retraining import (
    ADAPTER_FOLDER,
    BUILDER,
    RELEASED,
    adapter_reference,
    write_training,
)
from iac_components.adaptation.bundles.traced import (
    EXTRA_FORMATS,
    example_input,
    extra_formats,
    write_traced,
)
from iac_components.bundling.options import OptionError
from iac_components.common.files import write_json

__all__ = ["export_adapted_bundle"]

TRAINING = "training"
_PART_OF_NETWORK = re.compile(r"([@%]network(?:_def)?)(#|::)")


def export_adapted_bundle(
    network_bundle: str | Path,
    adapter: str | Path,
    output_dir: str | Path,
    *,
    also: str | list[str] | tuple[str, ...] = (),
) -> Path:
    """Write a bundle whose network is the adapted one, and check that it gives the same.

    Its weights file holds the adapted network as a whole. Where the adapter adds modules, the
    config's network is built by this package; otherwise nothing but weights has changed, and the
    new bundle needs what the old one needs.

    Args:
        network_bundle: the bundle that the adapter was made for; it is only read.
        adapter: the adapter's folder.
        output_dir: of the new bundle; must not exist, or be empty.
        also: ``torchscript`` and ``onnx`` write ``models/model.ts`` and ``models/model.onnx``, too;
            ``training`` adds ``configs/train.json``, which trains the adapter again, and the
            released weights that it starts from.

    Returns:
        The new bundle's folder.

    Raises:
        OptionError: if an option or the bundle is at fault.
        AdapterError: if the adapter is for another bundle, or changes nothing.
    """
    formats = extra_formats(also, (*EXTRA_FORMATS, TRAINING))
    base = read_bundle(network_bundle, device=torch.device("cpu"))
    if is_scripted(base.network):
        raise OptionError(
            f"bundle '{base.root}' ships its network as TorchScript, and no weights that a config "
            "could load. Write it by torch.jit.save(iac.apply_adapter(network, adapter), "
            "'model.ts')."
        )
    found = load_adapter(adapter)
    if found.is_identity:
        raise AdapterError(
            f"adapter '{adapter}' leaves the network as it is: use the bundle '{base.root}' itself."
        )
    network = adapted_network(base, adapter)
    with bundle_place(output_dir, base.root) as made:
        place = _write(base, found, network, made)
        _require_same(read_bundle(made, device=torch.device("cpu")), network, base)
        if TRAINING in formats:
            if not place.is_dir():
                found.save(place)
            write_training(made, weights_file(base.parser, base.root), place.name)
        for name in (name for name in formats if name != TRAINING):
            write_traced(network, example_input(base), name, made / "models")
    return Path(output_dir).expanduser().absolute()


def _write(base: NetworkBundle, adapter: Adapter, network: nn.Module, made: Path) -> Path:
    """Write the new bundle; returns the folder in it that is the adapter's."""
    copy_bundle(base.root, made)
    # A bundle that was adapted before builds its network with the adapters that it has.
    names = chain([ADAPTER_FOLDER], (f"{ADAPTER_FOLDER}_{number}" for number in count(2)))
    place = next(made / name for name in names if not (made / name).exists())
    structural = _changes_structure(base.network, network)
    weights = weights_file(base.parser, base.root)
    try:
        inside = weights.absolute().relative_to(base.root)
    except ValueError as error:
        raise OptionError(
            f"bundle '{base.root}' reads its weights from '{weights}', outside its folder. Copy "
            "them into models/model.pt, and let the config read them there."
        ) from error
    copy_models(base.root, made, but=(inside, RELEASED))
    write_weights(made / inside, network, like=weights)
    source = config_file(base.root)
    config = ConfigParser.load_config_file(str(source))
    if structural:
        adapter.save(place)
        config = _with_adapter(config, place.name)
    if source.suffix == ".json":
        write_json(made / "configs" / source.name, config)
    else:
        ConfigParser.export_config_file(config, str(made / "configs" / source.name), fmt="yaml")
    _write_metadata(base, adapter, made / "configs" / "metadata.json", structural=structural)
    _write_readme(base, adapter, made / "docs" / "README.md")
    return place


def _changes_structure(network: nn.Module, adapted: nn.Module) -> bool:
    shapes = [
        {name: value.shape for name, value in one.state_dict().items()}
        for one in (network, adapted)
    ]
    return shapes[0] != shapes[1]


def _with_adapter(config: Mapping[str, object], folder: str) -> dict[str, object]:
    """Build the config's network with the modules of a folder's adapter in it."""
    key = "network_def" if "network_def" in config else "network"
    changed = cast(
        dict[str, object],
        json.loads(_PART_OF_NETWORK.sub(r"\1\2network\2", json.dumps(dict(config))))
        if key == "network_def"
        else dict(config),
    )
    built: dict[str, object] = {"_target_": BUILDER}
    if "bundle_code" in config:
        built["_requires_"] = "@bundle_code"
    changed[key] = {**built, "network": config[key], "adapter": adapter_reference(folder)}
    return changed


def _write_metadata(base: NetworkBundle, adapter: Adapter, file: Path, *, structural: bool) -> None:
    told = f"{adapter.describe()} of '{adapter.base_name}' adapted to a site with iac_components"
    needs = {"required_packages_version": {"iac_components": iac_components.__version__}}
    add_to_metadata(
        file, mark="adapted", told=f"Adapted: {told}.", added=needs if structural else {}
    )


def _write_readme(base: NetworkBundle, adapter: Adapter, file: Path) -> None:
    parts = ", ".join(f"{part.kind} ({part.parameters} values)" for part in adapter.parts)
    add_to_readme(
        file,
        f"# {base.root.name}, adapted to a site\n\n"
        f"The network of '{adapter.base_name}' with an adapter that was found by iac_components "
        f"{iac_components.__version__}: {parts}. What it gained, and on which cases: "
        "`record` in its adapter.json. What is told below is told of the network as released.",
    )


@torch.no_grad()
def _require_same(made: NetworkBundle, network: nn.Module, base: NetworkBundle) -> None:
    image = example_input(base)
    for one in (made.network, network):
        # Where only the memory formats differ, a CPU may round otherwise.
        one.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    found, expected = made.network(image), network(image)
    pairs = zip(_flat(found), _flat(expected), strict=True)
    if not all(torch.equal(one, other) for one, other in pairs):
        raise OptionError(
            f"the bundle made of '{base.root}' does not give what the adapted network gives: its "
            "config builds the network otherwise than it is read here. Please report it."
        )


def _flat(output: object) -> list[torch.Tensor]:
    return list(output) if isinstance(output, list | tuple) else [cast(torch.Tensor, output)]
