"""From what was read of a data set to the values in its configs, each with reason and source."""

from __future__ import annotations

from iac_components.bundling.own_data.decisions.backbones import backbones_of
from iac_components.bundling.own_data.decisions.choices import config_of, make_choices
from iac_components.bundling.own_data.decisions.rule import Choice

__all__ = ["Choice", "backbones_of", "config_of", "make_choices"]
