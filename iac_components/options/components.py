"""Objects of a config that are built before any data are read, so that their faults come first."""

from __future__ import annotations

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.console.config_stack import running_parser
from iac_components.options.errors import OptionError, reason_of

__all__ = ["build_components"]


def build_components(*names: str) -> None:
    """Build components of the config that calls this; each is built once and then kept.

    Args:
        *names: their ids; one that the config lacks is left out.

    Raises:
        OptionError: if one cannot be built, naming it and the reason. What this package raises on
            purpose is passed on as it is.
    """
    parser = running_parser()
    for name in names:
        if name not in parser:
            continue
        try:
            parser.get_parsed_content(name)
        # A component of any library may raise anything.
        except Exception as error:
            if brief_message(error) is not None:
                raise
            raise OptionError(
                f"{name} cannot be built: {reason_of(error)} Check --{name} and --{name}#..."
            ) from error
