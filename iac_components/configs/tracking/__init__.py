"""Parameters, figures and files of a run for experiment trackers, beside MONAI's own handlers."""

from __future__ import annotations

from iac_components.configs.tracking.run_tracking import RunTracking

__all__ = ["RunTracking"]
