"""From what was read of a data set to the values in its configs, each with reason and source."""

from __future__ import annotations

from iac_components.bundling.own_data.decisions.choices import config_of, make_choices
from iac_components.bundling.own_data.decisions.networks import networks_of
from iac_components.bundling.own_data.decisions.rule import Choice
from iac_components.bundling.own_data.decisions.topologies import make_topology_choices

__all__ = ["Choice", "config_of", "make_choices", "make_topology_choices", "networks_of"]
