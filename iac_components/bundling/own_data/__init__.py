"""Bundles for a user's data set, which ``iac new`` writes.

``reading`` reads the data set, ``decisions`` decides the values of the configs, each with a reason
and a source, ``remarks`` says what else to know, ``plan_file`` keeps it all in one file; ``words``
has the texts, ``names`` says which names are possible, ``writing`` writes the bundles all or not
at all; ``planned`` does all of it in turn.
"""

from __future__ import annotations

from iac_components.bundling.own_data.decisions import (
    Choice,
    config_of,
    make_choices,
    make_topology_choices,
    networks_of,
)
from iac_components.bundling.own_data.names import name_of_folder, require_name
from iac_components.bundling.own_data.plan_file import Plan, compare_plan, read_plan, write_plan
from iac_components.bundling.own_data.planned import MEMORY, Planned, create_bundles
from iac_components.bundling.own_data.reading import PLANES, DatasetFacts, Plane, read_facts
from iac_components.bundling.own_data.remarks import remarks_on
from iac_components.bundling.own_data.words import license_text, words_of
from iac_components.bundling.own_data.writing import require_folders, write_combination

__all__ = [
    "MEMORY",
    "PLANES",
    "Choice",
    "DatasetFacts",
    "Plan",
    "Plane",
    "Planned",
    "compare_plan",
    "config_of",
    "create_bundles",
    "license_text",
    "make_choices",
    "make_topology_choices",
    "name_of_folder",
    "networks_of",
    "read_facts",
    "read_plan",
    "remarks_on",
    "require_folders",
    "require_name",
    "words_of",
    "write_combination",
    "write_plan",
]
