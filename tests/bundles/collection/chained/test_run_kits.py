"""The bundles of KiTS run, chained, on a phantom of its layout."""

from __future__ import annotations

METHOD = "iac"
DATASETS = ("kits",)


def test_nothing_is_at_fault(running_check):
    faults = running_check().faults
    assert not faults, "\n".join(faults)
