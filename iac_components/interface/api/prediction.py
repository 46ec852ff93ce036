"""Label maps of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedEvaluator
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from iac_components.bundling.options import OptionError
from iac_components.data import (
    CaseDataset,
    CaseNames,
    DatalistEntry,
    SaveImageLikeInputd,
    check_datalist,
    image_datalist,
)
from iac_components.data.layouts.channel_groups import group_channels
from iac_components.engine import run_until_signal
from iac_components.interface.api.inputs.parts import Part
from iac_components.interface.api.inputs.recipe import Recipe
from iac_components.interface.api.inputs.transforms import class_maps, whole_volumes, window_inferer
from iac_components.interface.api.runs.arguments import choose_amp, choose_device, require
from iac_components.interface.api.runs.frame import check_network, owned_folder

__all__ = ["predict"]

Images: TypeAlias = str | Path | Sequence[str | Path] | Part
LabelMap: TypeAlias = NDArray[np.uint8]


def predict(
    network: nn.Module,
    images: Images,
    recipe: Recipe,
    *,
    output_dir: str | Path | None = None,
    device: str | torch.device | None = None,
    amp: bool | None = None,
    num_workers: int = 0,
) -> dict[str, Path] | dict[str, LabelMap]:
    """Segment images; a label map has the grid of its image.

    Args:
        network: trained with this recipe.
        images: a folder of NIfTI files, such a file, several of them, or a :class:`Part`. Channels
            in separate files are distinguished by their names.
        recipe: settings that turn volumes into the network's input, ``data.recipe``.
        output_dir: folder of ``<case>_seg.nii.gz``; None returns the label maps.
        device: of the computation; the GPU if there is one, else the CPU.
        amp: mixed precision (bfloat16 on a CPU); None turns it on with CUDA.
        num_workers: processes that load images.

    Returns:
        By case, the file that was written, or the label map (X, Y, Z).

    Raises:
        OptionError: if an argument is not allowed, or the network does not fit the recipe.
        DatasetError: naming all faults of all images.
        FolderInUseError: if another process writes into ``output_dir``.

    Example:
        >>> masks = iac.predict(model, "images", data.recipe, output_dir="masks")
        >>> masks["hippocampus_001"].name
        'hippocampus_001_seg.nii.gz'
    """
    if not isinstance(recipe, Recipe):
        raise OptionError(
            f"recipe is a {type(recipe).__name__}: pass data.recipe of iac.load_dataset."
        )
    require({"output_dir": output_dir, "num_workers": num_workers})
    where = choose_device(device)
    mixed = choose_amp(amp, where)
    entries = _entries(images, recipe.in_channels)
    _require_apart(entries, output_dir)
    check_datalist(
        entries, labels=recipe.labels, num_channels=recipe.in_channels, min_size=(1, 1, 1)
    )
    network.to(where)
    shape = (recipe.in_channels, *recipe.patch_size)
    names = recipe.class_names
    check_network(network, shape, class_names=names, option="patch_size")
    if output_dir is None:
        arrays: dict[str, LabelMap] = {}
        evaluator = _evaluator(network, entries, recipe, None, (where, mixed), num_workers)
        evaluator.add_event_handler(Events.ITERATION_COMPLETED, _keep, arrays)
        run_until_signal(evaluator)
        return arrays
    with owned_folder(output_dir) as folder:
        run_until_signal(_evaluator(network, entries, recipe, folder, (where, mixed), num_workers))
    return {str(entry["case"]): folder / f"{entry['case']}_seg.nii.gz" for entry in entries}


def _entries(images: Images, num_channels: int) -> list[DatalistEntry]:
    """List images by case.

    Raises:
        OptionError: if there is no file, or one is absent.
        DatasetError: if two would be one case, or a channel is missing.
    """
    if isinstance(images, Part):
        return [{key: entry[key] for key in ("image", "case")} for entry in images.entries]
    if isinstance(images, str | Path) and Path(images).expanduser().is_dir():
        return list(image_datalist(images, num_channels=num_channels))
    given = [images] if isinstance(images, str | Path) else list(images)
    files = [Path(file).expanduser().absolute() for file in given]
    absent = [str(file) for file in files if not file.is_file()]
    if absent or not files:
        raise OptionError(
            f"images: {', '.join(absent) or 'there is none'}; pass a folder of NIfTI files, or "
            "files that exist."
        )
    found = group_channels(files, num_channels=num_channels, subject="Images")
    return [{"image": image, "case": case} for case, image in found.items()]


def _require_apart(entries: Sequence[DatalistEntry], output_dir: str | Path | None) -> None:
    """Refuse to write label maps into the images' folder, where they would be taken for images."""
    if output_dir is None:
        return
    target = Path(output_dir).expanduser().resolve()
    for entry in entries:
        files = entry["image"] if isinstance(entry["image"], list) else [entry["image"]]
        if any(Path(file).resolve().parent == target for file in files):
            raise OptionError(f"output_dir '{output_dir}' holds the images: choose another folder.")


def _evaluator(
    network: nn.Module,
    entries: Sequence[DatalistEntry],
    recipe: Recipe,
    output_dir: Path | None,
    machine: tuple[torch.device, bool],
    num_workers: int,
) -> SupervisedEvaluator:
    volumes = whole_volumes(recipe, labelled=False)
    saver = []
    if output_dir is not None:
        names = CaseNames(recipe.in_channels)
        saver = [SaveImageLikeInputd("pred", output_dir=output_dir, output_name_formatter=names)]
    device, amp = machine
    dataset = CaseDataset(list(entries), volumes, keys=("image",))
    return SupervisedEvaluator(
        device=device,
        val_data_loader=DataLoader(dataset, batch_size=1, shuffle=False, num_workers=num_workers),
        network=network,
        inferer=window_inferer(recipe),
        postprocessing=class_maps(volumes, *saver),
        amp=amp,
    )


def _keep(engine: Engine, arrays: dict[str, LabelMap]) -> None:
    """Collect the label maps of a batch."""
    for source, output in zip(engine.state.batch, engine.state.output, strict=True):
        prediction = cast(Mapping[str, torch.Tensor], output)["pred"]
        arrays[str(source["case"])] = prediction[0].cpu().numpy().astype(np.uint8)
