"""Handlers that belong together, as one entry of a trainer's list."""

from __future__ import annotations

from iac_components.engine.stacks.run_checkpoints import CHECKPOINTS, RunCheckpoints
from iac_components.engine.stacks.step_handlers import StepHandlers

__all__ = ["CHECKPOINTS", "RunCheckpoints", "StepHandlers"]
