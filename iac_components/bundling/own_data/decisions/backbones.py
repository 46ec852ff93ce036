"""Backbones of a plan: for slices, for volumes, for what suits the data, or for both."""

from __future__ import annotations

from iac_components.bundling.own_data.decisions.dimensions import choose_dimensions
from iac_components.bundling.own_data.decisions.memory import GIGABYTE
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.rendering.facts import VOLUMES, backbones, known, load_backbone

__all__ = ["backbones_of"]

DEFAULT = "unet"
OF_VOLUMES = "3d"
"""End of the name of a backbone of volumes whose twin sees slices."""


def backbones_of(
    backbone: str | None,
    *,
    dimensions: str | None = None,
    facts: DatasetFacts | None = None,
    memory: float,
) -> list[str]:
    """Return the backbones to plan for.

    Args:
        backbone: as asked for; None takes the U-Net.
        dimensions: ``2``, ``3``, ``auto`` (3 where nnU-Net plans it and no axis is coarse) or
            ``both`` (3 only where nnU-Net plans it); None takes those of ``backbone``.
        facts: of the data set, for ``auto`` and ``both``.
        memory: gigabytes that a training may take.

    Raises:
        ValueError: if the backbone is unknown, or has no twin of these dimensions.
    """
    name = backbone or DEFAULT
    own = load_backbone(name).spatial_dims
    wanted = [own] if dimensions is None else [int(dimensions)] if dimensions.isdigit() else []
    if facts is not None and not wanted:
        found = choose_dimensions(facts, budget=memory * GIGABYTE)
        both = [2, 3] if found.suited == 3 else [2]
        wanted = both if dimensions == "both" else [found.advised]
    return [_twin(name, own, dims) for dims in wanted]


def _twin(name: str, own: int, wanted: int) -> str:
    if own == wanted:
        return name
    twin = f"{name}{OF_VOLUMES}" if wanted == 3 else name.removesuffix(OF_VOLUMES)
    if twin not in backbones():
        volumes = known(VOLUMES / "backbones")
        fitting = [other for other in backbones() if (other in volumes) == (wanted == 3)]
        raise ValueError(
            f"--backbone '{name}' has no twin of {wanted} dimensions. Pass one of "
            f"{', '.join(fitting)}, or other --dimensions."
        )
    return twin
