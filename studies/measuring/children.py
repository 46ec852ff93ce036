"""Environment of the processes that a study starts."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["environment_of_children"]

ROOT = Path(__file__).parents[2]


def environment_of_children(**more: str) -> dict[str, str]:
    """Return this process's environment, in which ``studies`` can be imported from any folder."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **more}
