"""The two data of a bilevel search, which share no patient."""

from __future__ import annotations

from dataclasses import replace

from iac_components.api.arguments import RunSettings
from iac_components.api.batches import Batches
from iac_components.api.parts import Part
from iac_components.api.sources import Source, read_source
from iac_components.data import check_split
from iac_components.options import OptionError

__all__ = ["read_halves"]


def read_halves(
    weights: Source, architecture: Source, settings: RunSettings, *, default: int
) -> tuple[dict[str, Batches], RunSettings]:
    """Bring both sources of a search to one form, and settle the batch size.

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
