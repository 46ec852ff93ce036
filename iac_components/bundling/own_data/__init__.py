"""Bundles for a user's data set, which ``iac new`` writes.

``description``, ``geometry`` and ``sample`` read the data set (gathered by ``facts``), ``planes``
and ``rules`` decide the values of the configs, ``words`` the texts, ``names`` says which names are
possible, ``writing`` writes the bundles all or not at all.
"""

from __future__ import annotations

from iac_components.bundling.own_data.facts import DatasetFacts, read_facts
from iac_components.bundling.own_data.names import require_name
from iac_components.bundling.own_data.planes import PLANES, Plane, other_planes
from iac_components.bundling.own_data.rules import Choice, config_of, make_choices
from iac_components.bundling.own_data.words import license_text, words_of
from iac_components.bundling.own_data.writing import require_folders, write_combination

__all__ = [
    "PLANES",
    "Choice",
    "DatasetFacts",
    "Plane",
    "config_of",
    "license_text",
    "make_choices",
    "other_planes",
    "read_facts",
    "require_folders",
    "require_name",
    "words_of",
    "write_combination",
]
