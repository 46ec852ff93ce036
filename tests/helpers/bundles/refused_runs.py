"""Runs that are refused: their one line, and the files that they leave alone."""

from __future__ import annotations

import pytest

from iac_components.common.console.brief_errors import brief_message
from iac_components.engine.owned_folders import LOCK_NAME

__all__ = ["files", "refusal"]


def refusal(run):
    """The one line of a run that must fail."""
    with pytest.raises(RuntimeError) as caught:
        run()
    message = brief_message(caught.value)
    assert message is not None
    assert "\n" not in message
    return message


def files(folder):
    """Every file with its time; a failed run's lock goes when its workflow is collected."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != LOCK_NAME)
    return {path: path.stat().st_mtime_ns for path in found}
