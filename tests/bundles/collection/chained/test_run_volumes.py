"""The bundles of hippocampus with networks of volumes run, chained, on a phantom of its layout."""

from __future__ import annotations

METHOD = "iac_3d"
DATASETS = ("hippocampus",)


def test_nothing_is_at_fault(running_check):
    faults = running_check().faults
    assert not faults, "\n".join(faults)
