"""The bundle config that is being evaluated: MONAI does not tell a function who calls it."""

from __future__ import annotations

import inspect

from monai.bundle import ConfigParser

__all__ = ["active_config"]


def active_config() -> ConfigParser:
    """Find the parser of the config whose expression or component is being evaluated.

    Raises:
        RuntimeError: if the caller was not called by a config.
    """
    frame = inspect.currentframe()
    while frame is not None:
        parser = frame.f_locals.get("self")
        if isinstance(parser, ConfigParser):
            return parser
        frame = frame.f_back
    raise RuntimeError("this is called by a bundle's config, and there is none.")
