"""Every check that reads files, on every bundle. What each check finds: tests/bundles/tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from iac_components.bundling.rendering.adapt import ADAPT_BUNDLE
from tools.maintenance.verification import CHECKS, Bundle, run_check
from tools.maintenance.verification.bundle import STAGES

ROOT = Path(__file__).parents[3]
BUNDLES = [
    Bundle(path)
    for path in sorted((ROOT / "bundles").iterdir())
    # The one that adapts belongs to no data set: tests/method/adaptation checks it.
    if path.is_dir() and path.name != ADAPT_BUNDLE
]
DATASETS = ("acdc", "amos", "brats", "hippocampus", "kits")
TASKS = (
    "brain_tumour",
    "heart",
    "liver",
    "hippocampus",
    "prostate",
    "lung",
    "pancreas",
    "hepaticvessel",
    "spleen",
    "colon",
)
BACKBONES = ("efficientnet", "nnunet", "resnet", "unet")
VOLUMES = ("nnunet3d", "segresnet3d", "unet3d")
EVERY_TASK = "nnunet3d"
RUNNING = ("properties", "net_in_out", "export", "run")


def test_these_are_all_bundles():
    cells = {f"{d}_{b}_iac_segmentation" for d in DATASETS for b in BACKBONES}
    cells |= {f"hippocampus_{backbone}_iac_segmentation" for backbone in VOLUMES}
    cells |= {f"{task}_{EVERY_TASK}_iac_segmentation" for task in TASKS}
    expected = cells | {f"{task}_dints_segmentation" for task in TASKS}
    assert {bundle.name for bundle in BUNDLES} == {f"{n}_{s}" for n in expected for s in STAGES}


@pytest.mark.parametrize("check", [name for name in CHECKS if name not in RUNNING])
@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_nothing_is_at_fault(bundle, check, workbench):
    outcome = run_check(check, bundle, workbench)
    if check == "schema" and outcome.skipped:
        pytest.skip(outcome.skipped)
    assert not outcome.faults, "\n".join(outcome.faults)
