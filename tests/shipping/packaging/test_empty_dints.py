"""Zips of DiNTS bundles search, train and segment where this package is not installed."""

from __future__ import annotations

import json
import zipfile

import pytest

from iac_components.bundling.rendering.packing import plan_zip
from tools.maintenance.verification import Bundle
from tools.maintenance.verification.methods.dints_budgets import QUICK

PREFIX = "hippocampus_dints_segmentation"
ROUND = {"epochs": 1, "val_interval": 1, "num_workers": 0}


@pytest.fixture(scope="module")
def bundles(command, tmp_path_factory):
    """The three bundles, unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    for stage in ("search", "train", "inference"):
        path = folder / f"{stage}.zip"
        with path.open("wb") as stream:
            plan_zip(command.BUNDLES / f"{PREFIX}_{stage}").write(stream)
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    return folder


def test_what_is_searched_is_trained_and_used(empty, bundles, workbench, tmp_path):
    def run(stage, dataset_dir, **options):
        config = bundles / f"{PREFIX}_{stage}" / "configs" / f"{stage}.json"
        small = {**QUICK.options(stage, "dints"), "dataset_dir": dataset_dir}
        empty.bundle("run", {"config_file": config, **small, **options})

    bundle = Bundle(bundles / f"{PREFIX}_train")
    phantom, folds = workbench.dataset_dir(bundle), {"folds_file": tmp_path / "folds.json"}
    run("search", phantom, output_dir=tmp_path / "search", **folds, **ROUND, warmup_epochs=0)
    found = {"architecture_path": tmp_path / "search" / "architecture.json"}
    content = json.loads(found["architecture_path"].read_text(encoding="utf-8"))
    assert content["provenance"]["kind"] == "undecided"
    models, train = tmp_path / "models", tmp_path / "train"
    run("train", phantom, output_dir=train, ckpt_dir=models, **folds, **ROUND, **found)
    images, output = workbench.images(bundle), tmp_path / "out"
    run("inference", images, output_dir=output, checkpoint=models / "model.pt", **found)
    assert {p.name.removesuffix("_seg.nii.gz") for p in output.iterdir()} == {
        p.name.removesuffix(".nii.gz") for p in images.iterdir()
    }
    assert not list(empty.cwd.iterdir())
