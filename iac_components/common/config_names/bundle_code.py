"""The package's copy in a bundle's zip, for configs."""

from __future__ import annotations

from iac_components.common.console.bundle_code import evaluate_again

__all__ = ["evaluate_again"]
