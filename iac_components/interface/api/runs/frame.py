"""Frame of a run: its folder, its record, and the check that network and data fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import ignite.distributed as idist
import torch
from monai.utils import set_determinism
from torch import nn

from iac_components.bundling.options import OptionError
from iac_components.engine import OwnedFolders, RunRecord
from iac_components.interface.api.inputs.batches import Batches
from iac_components.interface.api.runs.arguments import RunSettings
from iac_components.interface.api.runs.plain import digest_of_tensors, plain, structure_of
from iac_components.networks import check_patch
from iac_components.networks.sizing.dry_pass import undisturbed

__all__ = ["check_network", "name_classes", "number_classes", "owned_folder", "record_of"]


@contextmanager
def owned_folder(output_dir: str | Path, *, seed: int | None = None) -> Iterator[Path]:
    """Own a run's folder while the block runs, and seed its random numbers.

    Raises:
        OSError: if it cannot be written.
        FolderInUseError: if another process writes into it.
    """
    folders = OwnedFolders(output_dir=output_dir)
    if seed is not None:
        set_determinism(seed=seed)
    folders.claim()
    try:
        yield Path(output_dir)
    finally:
        folders.release()


def record_of(
    stage: str,
    network: nn.Module,
    settings: RunSettings,
    *,
    parts: Mapping[str, Batches],
    others: Mapping[str, object],
) -> RunRecord:
    """Record all that defines a run, so that a resume can recognize it.

    Weights that are trained come from the checkpoint; those that are not count by their values.

    Args:
        stage: kind of the run.
        network: before the run.
        settings: of the run.
        parts: its training data.
        others: further arguments that change a number of it.
    """
    numbers = {
        "seed": settings.seed,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "steps_per_epoch": settings.steps_per_epoch,
    }
    merged = {key: value for part in parts.values() for key, value in part.settings.items()}
    fixed = [parameter for parameter in network.parameters() if not parameter.requires_grad]
    return RunRecord(
        stage=stage,
        options={**merged, **numbers, **{name: plain(value) for name, value in others.items()}},
        config={"network": structure_of(network)},
        files={"weights that are not trained": digest_of_tensors(fixed)},
        cases={name: part.cases for name, part in parts.items()},
        ranks=idist.get_world_size(),
        epochs=settings.epochs,
    )


def check_network(
    network: nn.Module,
    shape: Sequence[int],
    *,
    class_names: Sequence[str] | None,
    option: str = "patch_size",
) -> int:
    """Run one empty image through a network.

    Args:
        network: left as it was.
        shape: (C, *S) of the image.
        class_names: names of the foreground classes, if known.
        option: name of the sizes in a message.

    Returns:
        Channels that the network gives.

    Raises:
        OptionError: if it gives another number of channels than there are classes and background,
            or no image of the same size.
        ValueError: if it cannot take the image.
    """
    channels, *sizes = shape
    try:
        check_patch(network, num_channels=channels, patch_size=sizes)
    except ValueError as error:
        raise OptionError(str(error).replace("--patch_size", option)) from error
    example = next(network.parameters())
    with undisturbed(network):
        output = network(torch.zeros((1, *shape), device=example.device, dtype=example.dtype))
    right = isinstance(output, torch.Tensor) and output.ndim == len(shape) + 1
    if not right or (len(output), *output.shape[2:]) != (1, *sizes):
        found = list(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise OptionError(
            f"{type(network).__name__} gives {found} for an image of {[1, *shape]}: it must give "
            f"one tensor (B, classes, {', '.join(map(str, sizes))}) in eval mode."
        )
    outputs = int(output.shape[1])
    if class_names is not None and outputs != len(class_names) + 1:
        raise OptionError(
            f"{type(network).__name__} gives {outputs} channels, but there are "
            f"{len(class_names)} classes ({', '.join(class_names)}) and the background: give it "
            f"out_channels={len(class_names) + 1}."
        )
    if outputs < 2:
        raise OptionError(
            f"{type(network).__name__} gives 1 channel: it must give one for each class and one "
            "for the background (softmax)."
        )
    return outputs


def name_classes(given: Sequence[str] | None, *sources: Batches | None) -> tuple[str, ...] | None:
    """Return the classes' names: as given, as the data know them, or None."""
    if given is not None:
        return tuple(given)
    known = (source.class_names for source in sources if source is not None)
    return next((names for names in known if names), None)


def number_classes(outputs: int) -> tuple[str, ...]:
    """Return names of the classes that a network with that many channels distinguishes."""
    return tuple(f"class_{label}" for label in range(1, outputs))
