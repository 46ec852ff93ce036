"""All that is read of a data set of one's own before anything is decided."""

from __future__ import annotations

from iac_components.bundling.own_data.reading.facts import DatasetFacts, read_facts
from iac_components.bundling.own_data.reading.planes import PLANES, Plane

__all__ = ["PLANES", "DatasetFacts", "Plane", "read_facts"]
