"""The DiNTS bundles of the other tasks start, and their networks fit their metadata."""

from __future__ import annotations

METHOD = "dints"
DATASETS = ("brain_tumour", "heart", "liver", "lung", "pancreas", "hepaticvessel", "colon")


def CHECKS_OF(bundle):
    # The supernets differ in their first and last layer alone: one of the full space is enough.
    return ("properties",) if bundle.stage == "search" else ("properties", "net_in_out")


def test_nothing_is_at_fault(running_check):
    faults = running_check().faults
    assert not faults, "\n".join(faults)
