"""Writes the found genotype, with where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import ignite
import monai
import numpy as np
import torch

import iac_components
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.ranks import count_ranks, is_first_rank
from iac_components.search.pruning import is_decided
from iac_components.search.trace import SearchTrace
from iac_components.search_space.discretization import discretize
from iac_components.search_space.genotype import Genotype
from iac_components.search_space.genotype_file import save_genotype

__all__ = ["save_found_genotype", "settings_digest"]


def settings_digest(settings: Mapping[str, object]) -> str:
    """SHA-256 of the canonical JSON of a search's settings."""
    return "sha256:" + hashlib.sha256(_canonical(settings).encode("utf-8")).hexdigest()


def _canonical(settings: Mapping[str, object]) -> str:
    # What JSON lacks (a path, a device) becomes text: it must not cost a search its result.
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), default=str)


def save_found_genotype(
    path: str | Path,
    network: CellSearchNetwork,
    *,
    trace: SearchTrace,
    settings: Mapping[str, object],
) -> Genotype:
    """Discretize a searched supernet and write ``genotype.json``.

    The distributions are those of the last epoch, so the file agrees with ``search_trace.csv``.
    Of several ranks the first writes; all return the same genotype.

    Args:
        path: the file to write.
        network: the supernet.
        trace: of the search.
        settings: plain values that define the search: data set, backbone, seed, fold, rates,
            criterion. They go into the provenance with their digest.

    Raises:
        ValueError: if the search has no epoch.
    """
    probabilities, edge_weights = trace.last()
    genotype = discretize(
        network.space,
        probabilities,
        edge_weights=edge_weights,
        provenance=_provenance(network, trace, settings),
    )
    if is_first_rank():
        save_genotype(genotype, path)
    return genotype


def _provenance(
    network: CellSearchNetwork, trace: SearchTrace, settings: Mapping[str, object]
) -> dict[str, object]:
    decided = is_decided(network.space, network.architecture.alive.cpu().numpy())
    device = network.architecture.alphas.device
    return {
        "kind": "searched",
        "epochs": len(trace),
        "stop_reason": "genotype decided" if decided else "max_epochs reached",
        "seconds": round(trace.total_seconds, 1),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "ranks": count_ranks(),
        "versions": {
            "iac_components": iac_components.__version__,
            "monai": monai.__version__,
            "torch": torch.__version__,
            "pytorch-ignite": ignite.__version__,
            "numpy": np.__version__,
        },
        "settings": json.loads(_canonical(settings)),
        "settings_digest": settings_digest(settings),
    }
