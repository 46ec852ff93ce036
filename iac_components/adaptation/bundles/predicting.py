"""Label maps by a downloaded bundle, with an adapter or without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose

from iac_components.adaptation.adapter.adapter_file import Adapter, AdapterError, load_adapter
from iac_components.adaptation.adapter.applying import OFF, apply_adapter
from iac_components.adaptation.bundles.network_bundle import NetworkBundle, read_bundle
from iac_components.bundling.options import OptionError
from iac_components.data import DatalistEntry, image_datalist
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
    adapter: str | Path = OFF,
    device: str | torch.device | None = None,
) -> int:
    """Segment the images of a folder with a bundle's own preprocessing and postprocessing.

    Args:
        network_bundle: the bundle's folder, which is only read.
        images: folder of NIfTI images.
        output_dir: gets what the bundle's postprocessing writes.
        adapter: an adapter's folder, or ``"none"`` for the network as released.
        device: where to compute; None leaves it to the bundle.

    Returns:
        The number of images.

    Raises:
        AdapterError: as ``adapted_network``.
        OptionError: if the bundle is at fault.
        DatasetError: if there are no images.
    """
    out = Path(output_dir).expanduser().absolute()
    if out == Path(images).expanduser().absolute():
        raise OptionError(f"--output_dir '{output_dir}' holds the images: choose another folder.")
    bundle = read_bundle(
        network_bundle, device=torch.device(device) if device else None, output_dir=str(out)
    )
    entries = image_datalist(images, num_channels=bundle.channels)
    network = adapted_network(bundle, adapter)
    folders = OwnedFolders(output_dir=out)
    folders.claim()
    try:
        run_until_signal(_evaluator(bundle, network, entries))
    finally:
        folders.release()
    return len(entries)


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
