"""A released network made to fit a new site by an adapter that can be taken off again.

``candidates`` are what an adapter may consist of; ``adapter`` holds its files and puts it into a
copy of the network.
"""

from __future__ import annotations

from iac_components.adaptation.adapter.adapter_file import Adapter, AdapterError, load_adapter
from iac_components.adaptation.adapter.applying import AdaptableNetwork, apply_adapter
from iac_components.adaptation.candidates import register_candidate, registered_candidates

__all__ = [
    "AdaptableNetwork",
    "Adapter",
    "AdapterError",
    "apply_adapter",
    "load_adapter",
    "register_candidate",
    "registered_candidates",
]
