"""The options of a run, for configs."""

from __future__ import annotations

from iac_components.bundling.options import build_components, check_options

__all__ = ["build_components", "check_options"]
