"""Files and folders as the user named them, for configs."""

from __future__ import annotations

from iac_components.common.console.paths import PATH_OPTIONS, PathError, take_paths_as_typed

__all__ = ["PATH_OPTIONS", "PathError", "take_paths_as_typed"]
