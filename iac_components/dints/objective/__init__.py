"""Terms of the architecture's loss, and their weighted sum."""

from __future__ import annotations

from iac_components.dints.objective.regularizer import ArchitectureRegularizer

__all__ = ["ArchitectureRegularizer"]
