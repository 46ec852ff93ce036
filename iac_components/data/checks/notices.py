"""Notices about usable data, collected and then logged in a line for each kind."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from iac_components.common.ranks import is_first_rank

__all__ = ["Matter", "Notice", "report_notices"]

_LOGGER = logging.getLogger("iac_components.data")

EXAMPLES = 3
"""Places that a line names; a data set can have thousands."""


@dataclass(frozen=True)
class Matter:
    """Kind of notice that several places of a data set can show.

    Attributes:
        finding: what they show, as the end of a sentence that starts with their number.
        advice: what follows for the user, whole sentences.
    """

    finding: str
    advice: str


@dataclass(frozen=True)
class Notice:
    """One place with a notice.

    Attributes:
        matter: what it shows.
        where: the file or files.
        detail: a measure of it, if there is one.
    """

    matter: Matter
    where: str
    detail: str = ""


def report_notices(notices: Iterable[Notice], *, subject: str) -> None:
    """Log a warning for each kind, with its number of places and the first of them.

    Args:
        notices: what was found.
        subject: what was checked, to begin each line.
    """
    places: dict[Matter, list[Notice]] = {}
    for notice in notices:
        places.setdefault(notice.matter, []).append(notice)
    if not is_first_rank():
        return
    for matter, found in places.items():
        named = [
            f"{notice.where} ({notice.detail})" if notice.detail else notice.where
            for notice in found[:EXAMPLES]
        ]
        more = f" and {len(found) - len(named)} more" if len(found) > len(named) else ""
        _LOGGER.warning(
            f"{subject}: {len(found)} {matter.finding}: {', '.join(named)}{more}. {matter.advice}"
        )
