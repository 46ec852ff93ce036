"""The DiNTS bundles of three tasks run, chained, on phantoms: MR, two channels, CT."""

from __future__ import annotations

METHOD = "dints"
DATASETS = ("hippocampus", "prostate", "spleen")


def test_nothing_is_at_fault(running_check):
    faults = running_check().faults
    assert not faults, "\n".join(faults)
