"""A released network made to fit a new site by an adapter that can be taken off again.

``candidates`` are what an adapter may consist of; ``adapter`` holds its files and puts it into a
copy of the network. ``fitting`` trains parts on a few cases, ``choice`` judges them on held-out
patients, ``report`` writes the page about it. ``bundles`` reads downloaded bundles, which are
adapted by :func:`adapt_bundle` and used by :func:`predict_with_bundle`.
"""

from __future__ import annotations

from iac_components.adaptation.adapter.adapter_file import Adapter, AdapterError, load_adapter
from iac_components.adaptation.adapter.applying import (
    AdaptableNetwork,
    apply_adapter,
    build_adapted_network,
)
from iac_components.adaptation.bundles.adapting import adapt_bundle
from iac_components.adaptation.bundles.exporting import export_adapted_bundle
from iac_components.adaptation.bundles.predicting import predict_with_bundle
from iac_components.adaptation.bundles.retraining import AdapterTrainer, site_datalist
from iac_components.adaptation.candidates import register_candidate, registered_candidates
from iac_components.adaptation.settings import AdaptSettings

__all__ = [
    "AdaptSettings",
    "AdaptableNetwork",
    "Adapter",
    "AdapterError",
    "AdapterTrainer",
    "adapt_bundle",
    "apply_adapter",
    "build_adapted_network",
    "export_adapted_bundle",
    "load_adapter",
    "predict_with_bundle",
    "register_candidate",
    "registered_candidates",
    "site_datalist",
]
