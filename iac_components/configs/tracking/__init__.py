"""What experiment trackers are told beside the losses and scores that MONAI's handlers write."""

from __future__ import annotations

from iac_components.configs.tracking.run_tracking import RunTracking

__all__ = ["RunTracking"]
