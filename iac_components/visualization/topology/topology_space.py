"""Whether a trace and an architecture are of the same DiNTS space."""

from __future__ import annotations

from iac_components.visualization.architecture_file import DrawnTopology
from iac_components.visualization.topology.path_trace import PathTrace

__all__ = ["require_same_space"]


def require_same_space(paths: PathTrace, topology: DrawnTopology | None) -> None:
    """Raise unless both have the same blocks and depths.

    Raises:
        ValueError: giving both sizes.
    """
    if topology is None:
        return
    traced = paths.num_blocks, paths.num_depths
    chosen = topology.num_blocks, topology.num_depths
    if traced != chosen:
        raise ValueError(
            f"the architecture has {chosen[0]} blocks of {chosen[1]} depths, the trace "
            f"{traced[0]} of {traced[1]}: pass files of the same search"
        )
