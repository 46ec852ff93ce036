"""Components of a config that are built before data are read, so that their faults come first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from monai.bundle import ConfigParser

from iac_components.bundling.options.first_use import Setting, use_once
from iac_components.bundling.options.values import OptionError, reason_of
from iac_components.common.console.brief_errors import brief_message
from iac_components.common.console.config_stack import running_parser

__all__ = ["build_components"]

COMPONENTS = (
    *("loss", "optimizer", "lr_scheduler", "architecture_optimizer", "regularizer"),
    *("stability", "criterion"),
    *("train#preprocessing", "train#augmentation", "train#inferer"),
    *("validate#inferer", "validate#preprocessing", "validate#postprocessing"),
    "validate#key_metric",
)
"""Components of a training or a search, in the order in which faults are reported."""


def build_components(*names: str) -> None:
    """Build components of the calling config, and use those that need no data once.

    Each is built once and then kept.

    Args:
        *names: their ids, by default those of a training or a search; one that the config lacks
            is left out.

    Raises:
        OptionError: if one cannot be built or used, naming it and the reason. What this package
            raises on purpose is passed on as it is.
    """
    parser = running_parser()
    for name in names or COMPONENTS:
        if name not in parser:
            continue
        try:
            component = parser.get_parsed_content(name)
        # A component of any library may raise anything.
        except Exception as error:
            if brief_message(error) is not None:
                raise
            raise _refusal(name, "built", error) from error
        setting = _setting(parser)
        if setting is None:
            continue
        try:
            use_once(component, setting)
        except Exception as error:
            raise _refusal(name, "used", error) from error


def _refusal(name: str, what: str, error: Exception) -> OptionError:
    place = name.replace("::", "#")
    return OptionError(
        f"{place} cannot be {what}: {reason_of(error)} Check --{place} and --{place}#..."
    )


def _setting(parser: ConfigParser) -> Setting | None:
    """Read what the run's objects are made for; None for a config that does not say."""
    if "in_channels" not in parser or "out_channels" not in parser:
        return None
    values = {
        name: parser.get_parsed_content(name) if name in parser else None
        for name in ("in_channels", "out_channels", "patch_size", "field_of_view", "device")
    }
    view = cast(Sequence[int] | None, values["field_of_view"])
    sizes = view[:2] if view is not None else cast(Sequence[int] | None, values["patch_size"])
    return Setting(
        in_channels=cast(int, values["in_channels"]),
        out_channels=cast(int, values["out_channels"]),
        spatial_dims=len(sizes or (0, 0)),
        device=torch.device(cast(str, values["device"] or "cpu")),
    )
