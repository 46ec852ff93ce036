"""Files and folders, for configs of version 0.3 and before."""

from __future__ import annotations

from iac_components.common.files.atomic import require_writable_directory

__all__ = ["require_writable_directory"]
