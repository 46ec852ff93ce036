"""Label maps by a downloaded bundle, with an adapter or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose

from iac_components.adaptation.adapter.adapter_file import Adapter, AdapterError, load_adapter
from iac_components.adaptation.adapter.applying import OFF, apply_adapter
from iac_components.adaptation.bundles.network_bundle import (
    NetworkBundle,
    chosen_device,
    read_bundle,
)
from iac_components.adaptation.bundles.readable import check_images, readable_entries
from iac_components.bundling.options import OptionError
from iac_components.common.causes import first_cause, one_line
from iac_components.data import DatalistEntry, DatasetError, image_datalist
from iac_components.engine import OwnedFolders, run_until_signal

__all__ = ["adapted_network", "predict_with_bundle"]


def adapted_network(bundle: NetworkBundle, adapter: str | Path) -> torch.nn.Module:
    """Return a bundle's network with an adapter, or as it is with ``"none"``.

    Raises:
        AdapterError: if the adapter cannot be read, is for another network, or for images that
            were preprocessed in another way.
    """
    if str(adapter) == OFF:
        return bundle.network
    found = load_adapter(adapter)
    network = apply_adapter(bundle.network, found)
    _require_same_images(bundle, found)
    return network


def predict_with_bundle(
    network_bundle: str | Path,
    images: str | Path,
    output_dir: str | Path,
    *,
    adapter: str | Path | Mapping[str, str | Path] = OFF,
    device: str | torch.device | None = None,
) -> int:
    """Segment the images of a folder with a bundle's own preprocessing and postprocessing.

    Args:
        network_bundle: the bundle's folder, which is only read.
        images: folder of images in any format that the project reads; those that the bundle itself
            cannot read are converted to NIfTI on the way.
        output_dir: gets what the bundle's postprocessing writes.
        adapter: an adapter's folder, or ``"none"`` for the network as released. Several by name
            write into a folder each, called by the name.
        device: where to compute; None leaves it to the bundle.

    Returns:
        The number of images.

    Raises:
        AdapterError: as ``adapted_network``, before any image is segmented.
        OptionError: if an option or the bundle is at fault.
        DatasetError: if there are no images, or some are at fault; nothing is written then.
    """
    out = Path(output_dir).expanduser().absolute()
    # Also by a link.
    if out.resolve() == Path(images).expanduser().resolve():
        raise OptionError(f"--output_dir '{output_dir}' holds the images: choose another folder.")
    places = {"": adapter} if isinstance(adapter, str | Path) else dict(adapter)
    chosen = chosen_device(device)
    bundles = {
        name: read_bundle(network_bundle, device=chosen, output_dir=str(out / name))
        for name in places
    }
    networks = {name: adapted_network(bundles[name], place) for name, place in places.items()}
    first = next(iter(bundles.values()))
    entries = image_datalist(images, num_channels=first.channels)
    check_images(first, entries)
    folders = OwnedFolders(output_dir=out)
    folders.claim()
    try:
        with TemporaryDirectory(prefix="iac_images_") as converted:
            readable = _readable(first, entries, Path(converted))
            for name, bundle in bundles.items():
                run_until_signal(_evaluator(bundle, networks[name], readable))
    finally:
        folders.release()
    return len(entries)


def _readable(
    bundle: NetworkBundle, entries: Sequence[DatalistEntry], folder: Path
) -> list[DatalistEntry]:
    try:
        return readable_entries(bundle, entries, folder)
    # What a damaged file makes libraries raise is not specified.
    except Exception as error:
        raise DatasetError(f"an image cannot be read: {one_line(first_cause(error))}") from error


def _evaluator(
    bundle: NetworkBundle, network: torch.nn.Module, entries: Sequence[DatalistEntry]
) -> SupervisedEvaluator:
    if "postprocessing" not in bundle.parser.get():
        raise OptionError(f"bundle '{bundle.root}': inference config has no 'postprocessing'.")
    postprocessing = cast(Compose, bundle.parser.get_parsed_content("postprocessing"))
    loader = DataLoader(Dataset(list(entries), bundle.preprocessing), batch_size=1, num_workers=0)
    device = next(network.parameters()).device
    return SupervisedEvaluator(
        device=device,
        val_data_loader=loader,
        network=network,
        inferer=bundle.inferer,
        postprocessing=postprocessing,
        amp=device.type == "cuda",
    )


def _require_same_images(bundle: NetworkBundle, adapter: Adapter) -> None:
    if adapter.preprocessing is not None and adapter.preprocessing != bundle.digest:
        raise AdapterError(
            f"the adapter was made with another preprocessing than that of bundle "
            f"'{bundle.root}' now: the bundle was changed since, or is another version. Take the "
            "one that it was made for, or adapt again."
        )
