"""Errors of libraries about the arguments that a config gives to their components, in one line."""

from __future__ import annotations

import sys
import traceback

from iac_components.common.causes import chain, first_cause, in_package, one_line, transform_message

__all__ = ["component_message"]


def component_message(error: BaseException) -> str | None:
    """Name the component of a config that could not be built or used, and the reason.

    Args:
        error: whatever ended the run.

    Returns:
        One line; None if no component was at work, or the fault lies in this package's own code.
    """
    cause = first_cause(error)
    if in_package(cause):
        return None
    place = _place(error)
    if place is not None:
        return (
            f"OptionError: {place} cannot be built: {one_line(cause)} Check --{place} and "
            f"--{place}#..."
        )
    message = transform_message(error)
    return None if message is None else f"OptionError: {message}"


def _place(error: BaseException) -> str | None:
    """Find the id of the innermost component that was being built when the error came."""
    # Where MONAI's bundles were never loaded, none was at work, and they need not be loaded now.
    bundles = sys.modules.get("monai.bundle.config_item")
    if bundles is None:
        return None
    for link in reversed(list(chain(error))):
        for frame, _ in reversed(list(traceback.walk_tb(link.__traceback__))):
            item = frame.f_locals.get("self")
            if frame.f_code.co_name == "instantiate" and isinstance(item, bundles.ConfigComponent):
                return str(item.id).replace("::", "#")
    return None
