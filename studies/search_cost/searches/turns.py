"""Searches that take turns, so that whatever else the machine does falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

from studies.search_cost.searches.plan import SearchPlan
from studies.search_cost.searches.searches import SEARCH_MODES, Search, start

__all__ = ["Deadline", "run_in_turns"]

say = partial(print, flush=True)


class Deadline:
    """The moment at which no more work is begun.

    Args:
        minutes: from now on; None is never.
    """

    def __init__(self, minutes: float | None = None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    @property
    def over(self) -> bool:
        """True once it has passed."""
        return self._end is not None and time.monotonic() >= self._end


def run_in_turns(
    plans: Sequence[SearchPlan], *, session: Mapping[str, object], deadline: Deadline
) -> bool:
    """Run the searches that have not ended, the one that is furthest behind always next.

    Returns:
        Whether all have ended; if not, the deadline has passed.
    """
    waiting = [plan for plan in plans if not plan.finished]
    if any(plan.log.setup is None for plan in waiting):
        # The first to be built would pay for what libraries load late and for cold files.
        SEARCH_MODES[waiting[0].mode](waiting[0])
    searches = [start(plan, session) for plan in waiting]
    while searches:
        if deadline.over:
            return False
        search = min(searches, key=lambda search: len(search.log.epochs))
        before = len(search.log.epochs)
        search.turn()
        if len(search.log.epochs) > before:
            say(describe(search))
        if search.ended:
            search.finish()
            searches.remove(search)
            say(f"{search.plan.name}: ended after {len(search.log.epochs)} epochs")
    return True


def describe(search: Search) -> str:
    """One line on the epoch that is over."""
    record = search.log.epochs[-1]
    return (
        f"{search.plan.name}: epoch {record.epoch}, {record.total.wall:.2f} s "
        f"({record.total.cpu:.2f} s of CPU), {record.living} operations"
    )
