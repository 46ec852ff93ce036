"""The error of a stage that failed."""

from __future__ import annotations

__all__ = ["StageError"]


class StageError(RuntimeError):
    """A ``monai.bundle run`` that ended with an error, which it has reported itself.

    Attributes:
        status: its exit status.
    """

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)
