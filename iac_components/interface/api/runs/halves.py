"""Checks of a bilevel search: disjoint patients, and at least one architecture step."""

from __future__ import annotations

from dataclasses import replace

from iac_components.bundling.options import OptionError
from iac_components.data import check_split
from iac_components.interface.api.inputs.batches import Batches
from iac_components.interface.api.inputs.parts import Part
from iac_components.interface.api.inputs.sources import Source, read_source
from iac_components.interface.api.runs.arguments import RunSettings, as_arguments
from iac_components.search import check_planned_steps

__all__ = ["check_steps", "read_halves"]


def read_halves(
    weights: Source, architecture: Source, settings: RunSettings, *, default: int
) -> tuple[dict[str, Batches], RunSettings]:
    """Convert both sources of a search to the common interface, and settle the batch size.

    Raises:
        OptionError: if they are no sources, or one and the same.
        DatasetError: if both parts share a patient.
    """
    if weights is architecture:
        raise OptionError(
            "weights and architecture are the same data: an architecture must be judged on other "
            "patients. Pass data.weights and data.architecture."
        )
    if isinstance(weights, Part) and isinstance(architecture, Part):
        check_split({"weights": weights.entries, "architecture": architecture.entries})
    given: dict[str, Source] = {"weights": weights, "architecture": architecture}
    size: int | None = None
    halves: dict[str, Batches] = {}
    for name, source in given.items():
        halves[name], found = read_source(
            source,
            name,
            batch_size=settings.batch_size,
            default=default,
            num_workers=settings.num_workers,
        )
        size = size or found
    if halves["weights"].shape[0] != halves["architecture"].shape[0]:
        shapes = " and ".join(f"{name} {list(half.shape)}" for name, half in halves.items())
        raise OptionError(f"images differ in their channels: {shapes}.")
    return halves, replace(settings, batch_size=size)


def check_steps(settings: RunSettings, *, warmup_epochs: int, architecture_every: int) -> None:
    """Refuse a search that would never move the architecture.

    Raises:
        OptionError: naming the arguments and their values.
    """
    try:
        check_planned_steps(
            epochs=settings.epochs,
            warmup_epochs=warmup_epochs,
            architecture_every=architecture_every,
            steps_per_epoch=settings.steps_per_epoch,
        )
    except ValueError as error:
        raise OptionError(as_arguments(str(error))) from None
