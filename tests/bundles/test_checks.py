"""Every check that reads files, on every bundle. What each check finds: tests/tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from verification import CHECKS, Bundle, run_check
from verification.bundle import STAGES

BUNDLES = [Bundle(path) for path in sorted((Path(__file__).parents[2] / "bundles").iterdir())]
DATASETS = ("acdc", "amos", "brats", "hippocampus", "kits")
BACKBONES = ("efficientnet", "nnunet", "resnet", "unet")
RUNNING = ("properties", "net_in_out", "export", "run")


def test_these_are_all_bundles():
    expected = {(f"{d}_{b}", stage) for d in DATASETS for b in BACKBONES for stage in STAGES}
    assert {(bundle.combination, bundle.stage) for bundle in BUNDLES} == expected


@pytest.mark.parametrize("check", [name for name in CHECKS if name not in RUNNING])
@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_nothing_is_at_fault(bundle, check, workbench):
    outcome = run_check(check, bundle, workbench)
    if check == "schema" and outcome.skipped:
        pytest.skip(outcome.skipped)
    assert not outcome.faults, "\n".join(outcome.faults)
