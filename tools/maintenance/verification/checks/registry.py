"""Registry of checks, and the outcome of a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.registry import Registry
from tools.maintenance.verification.bundle import Bundle

if TYPE_CHECKING:
    from tools.maintenance.verification.workbench import Workbench

__all__ = [
    "CHECKS",
    "Check",
    "Outcome",
    "Skipped",
    "StageError",
    "first_line",
    "register_check",
    "run_check",
]


class Skipped(Exception):  # noqa: N818  (not an error: the reason why there is nothing to check)
    """Raised by a check that cannot be made; its message is the reason."""


class StageError(Exception):
    """A stage of a run failed; the message tells which, and why, in one line."""


Check = Callable[[Bundle, "Workbench"], Iterable[str]]
"""``check(bundle, workbench)`` yields one line for each fault, naming its file or field."""

CHECKS: Registry[Check] = Registry("check")

register_check = CHECKS.register


@dataclass(frozen=True)
class Outcome:
    """Outcome of one check of a bundle.

    Attributes:
        check: the check's name.
        bundle: the bundle's name.
        faults: one line each; none if the bundle passed or the check was skipped.
        skipped: why the check was not made, or empty.
    """

    check: str
    bundle: str
    faults: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def word(self) -> str:
        """The outcome in one word, for the table."""
        return "FAILED" if self.faults else "skipped" if self.skipped else "ok"


def run_check(name: str, bundle: Bundle, workbench: Workbench) -> Outcome:
    """Run a check; whatever it raises is a fault as well."""
    faults: list[str] = []
    skipped = ""
    try:
        for fault in CHECKS.require(name)(bundle, workbench):
            faults.append(fault)
    except Skipped as reason:
        skipped = str(reason)
    except Exception as error:
        faults.append(first_line(error))
    return Outcome(name, bundle.name, tuple(faults), skipped)


def first_line(error: BaseException) -> str:
    """Return the message of the first cause in one line: MONAI wraps errors several deep."""
    message = str(error) if isinstance(error, StageError) else brief_message(error)
    if message is None:
        cause = error
        while (earlier := cause.__cause__ or cause.__context__) is not None:
            cause = earlier
        message = f"{type(cause).__name__}: {cause}"
    return " ".join(message.split())[:400]
