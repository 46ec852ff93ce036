"""The package's copy in a bundle's zip, for configs."""

from __future__ import annotations

from iac_components.common.console.bundle_code import reload_bundle_imports

__all__ = ["evaluate_again"]

# MONAI takes every expression with "import" in it for an import statement, which holds no @.
evaluate_again = reload_bundle_imports
