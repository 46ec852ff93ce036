"""The copy of this package inside a bundle, so that a bundle runs where nothing is installed."""

from __future__ import annotations

import warnings
from pathlib import Path

from monai.bundle import ConfigExpression, ConfigParser

import iac_components
from iac_components.common.console.config_stack import running_parser

__all__ = ["reload_bundle_imports", "warn_of_other_version"]


def reload_bundle_imports() -> None:
    """Evaluate the ``imports`` of the config that is being evaluated once more.

    MONAI evaluates them before any other item, keeps a failed one as a stub that raises when it is
    called, and puts the bundle's folder on ``sys.path`` only after ``initialize``. So a config that
    has put its folder there itself calls this function of the copy found there. Where the package
    is installed, that one is used and nothing changes; a version other than the bundle's is warned
    about.
    """
    parser = running_parser()
    for statement in parser.get("imports", []):
        ConfigExpression(statement, globals=parser.globals).evaluate()
    warn_of_other_version(parser)


def warn_of_other_version(parser: ConfigParser) -> None:
    """Warn if a bundle was made with another version of this package than the one that is used."""
    version = parser.get("_meta_#version")
    # After a plus: what was made of the bundle since.
    made_with = None if version is None else str(version).partition("+")[0]
    if made_with not in (None, iac_components.__version__):
        warnings.warn(
            f"this bundle was made with iac_components {made_with}, but version "
            f"{iac_components.__version__} in '{Path(iac_components.__file__).parent}' is used. "
            f"Install version {made_with}, or uninstall it to use the copy in the bundle's zip.",
            stacklevel=1,
        )
