"""Provenance of a searched architecture, for the file that keeps it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import ignite.distributed as idist
import torch

from iac_components.engine import RunRecord, package_versions
from iac_components.search.results.trace import SearchTrace

__all__ = ["search_provenance", "settings_digest"]


def settings_digest(settings: Mapping[str, object]) -> str:
    """SHA-256 of the canonical JSON of a search's settings."""
    return "sha256:" + hashlib.sha256(_canonical(settings).encode("utf-8")).hexdigest()


def _canonical(settings: Mapping[str, object]) -> str:
    # What JSON lacks (a path, a device) becomes text: it must not cost a search its result.
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), default=str)


def search_provenance(
    trace: SearchTrace,
    *,
    settings: Mapping[str, object],
    decided: bool,
    searched: bool = True,
    device: torch.device,
    record: RunRecord | None = None,
) -> dict[str, object]:
    """Describe the search that ended: length, reason, machine, versions and settings.

    Args:
        trace: of the search.
        settings: plain values that define the search; what JSON lacks becomes text.
        decided: whether pruning left one architecture.
        searched: whether every part was decided by evidence or as the cheaper of equals.
        device: where it ran.
        record: of the run, of which the digests and the changes of length are kept.

    Raises:
        ValueError: if no architecture parameter was ever moved: then nothing was searched.
    """
    if trace.architecture_steps == 0:
        raise ValueError(
            f"no architecture step was made in {len(trace)} epoch(s), so nothing was found and no "
            "result is written: every epoch was warm-up, or no gradient of the architecture was "
            "finite. Look at epochs, warmup_epochs, architecture_every and the losses in the log."
        )
    return {
        "kind": "searched" if searched else "undecided",
        "epochs": len(trace),
        "architecture_steps": trace.architecture_steps,
        "stop_reason": "genotype decided" if decided else "max_epochs reached",
        "seconds": round(trace.total_seconds, 1),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "ranks": idist.get_world_size(),
        "versions": package_versions(),
        "settings": json.loads(_canonical(settings)),
        "settings_digest": settings_digest(settings),
        **({} if record is None else {"run": record.summary()}),
    }
