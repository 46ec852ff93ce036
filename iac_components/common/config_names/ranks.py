"""The processes of one job, for configs."""

from __future__ import annotations

from iac_components.common.ranks import is_first_rank, join_ranks, leave_ranks

__all__ = ["is_first_rank", "join_ranks", "leave_ranks"]
