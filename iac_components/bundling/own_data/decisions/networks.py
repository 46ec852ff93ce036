"""Networks of a plan: for slices, for volumes, for what suits the data, or for both."""

from __future__ import annotations

from iac_components.bundling.own_data.decisions.dimensions import choose_dimensions
from iac_components.bundling.own_data.decisions.memory import GIGABYTE
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.rendering import DintsCombination
from iac_components.bundling.rendering.facts import VOLUMES, backbones, known, load_backbone

__all__ = ["networks_of"]

DEFAULT = "unet"
OF_VOLUMES = "3d"
"""End of the name of a backbone of volumes whose twin sees slices."""


def networks_of(
    backbone: str | None,
    *,
    method: str = "iac",
    dimensions: str | None = None,
    facts: DatasetFacts | None = None,
    memory: float,
) -> list[str]:
    """Return the networks to plan for: backbones, or ``dints``.

    Args:
        backbone: as asked for; None takes the U-Net.
        method: ``iac`` for cells in a backbone, ``dints`` for whole networks of volumes.
        dimensions: ``2``, ``3``, ``auto`` (3 where nnU-Net plans it and no axis is coarse) or
            ``both`` (3 only where nnU-Net plans it); None takes those of ``backbone``.
        facts: of the data set, for ``auto`` and ``both``.
        memory: gigabytes that a training may take.

    Raises:
        ValueError: if the backbone is unknown, has no twin of these dimensions, or the method
            cannot have the one or the other.
    """
    if method == DintsCombination.method:
        _require_whole_network(backbone, dimensions)
        return [method]
    name = backbone or DEFAULT
    own = load_backbone(name).spatial_dims
    wanted = [own] if dimensions is None else [int(dimensions)] if dimensions.isdigit() else []
    if facts is not None and not wanted:
        found = choose_dimensions(facts, budget=memory * GIGABYTE)
        both = [2, 3] if found.suited == 3 else [2]
        wanted = both if dimensions == "both" else [found.advised]
    return [_twin(name, own, dims) for dims in wanted]


def _require_whole_network(backbone: str | None, dimensions: str | None) -> None:
    """Refuse what a search of whole 3-D networks cannot have."""
    if backbone is not None:
        raise ValueError(
            f"--backbone {backbone}: --method dints searches the whole network and has none. Leave "
            "one of the two out."
        )
    if dimensions not in (None, "3"):
        raise ValueError(
            f"--dimensions {dimensions}: --method dints sees volumes alone. Leave --dimensions "
            "out; cells are planned for slices by a command of their own, without --method."
        )


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
