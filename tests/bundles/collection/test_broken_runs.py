"""Copies of bundles that run, and do the wrong thing: the chained run and the export find it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.maintenance.verification import Bundle, run_check
from tools.maintenance.verification.bundle import STAGES
from tools.maintenance.verification.runners import CommandLine

BUNDLES = Path(__file__).parents[3] / "bundles"
PREFIX = "hippocampus_unet_iac_segmentation"
DINTS_PREFIX = "hippocampus_dints_segmentation"


def copied(prefix, folder):
    ignore = shutil.ignore_patterns("*.png", "*.csv", "*.gz")
    for stage in STAGES:
        name = f"{prefix}_{stage}"
        shutil.copytree(BUNDLES / name, folder / name, ignore=ignore)
    return {stage: Bundle(folder / f"{prefix}_{stage}") for stage in STAGES}


@pytest.fixture
def copies(tmp_path):
    """Copies of the three bundles, by stage."""
    return copied(PREFIX, tmp_path)


@pytest.fixture
def dints_copies(tmp_path):
    """The same of a task."""
    return copied(DINTS_PREFIX, tmp_path)


def replace(bundle, name, old, new):
    path = bundle.config_path(name)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def faults(check, bundle, workbench):
    outcome = run_check(check, bundle, workbench)
    assert outcome.word == "FAILED"
    return " / ".join(outcome.faults)


def test_training_that_leaves_the_found_genotype_out(copies, workbench):
    given = '"skip_module": "@skip_module", "genotype_path": '
    shipped = "$@bundle_root + '/genotype.json'"
    replace(copies["train"], "train", f'{given}"@genotype_path"', f'{given}"{shipped}"')
    assert "checkpoint of another network" in faults("run", copies["train"], workbench)


def test_training_that_starts_from_a_fresh_backbone(copies, workbench):
    frozen = ', "frozen_backbone": '
    replace(
        copies["train"],
        "train",
        f'"@backbone_ckpt"{frozen}',
        f'"$@backbone_ckpt and None"{frozen}',
    )
    found = faults("run", copies["train"], workbench)
    assert "the frozen backbone is not the trained one" in found


def test_inference_that_loads_no_weights(copies, workbench):
    replace(
        copies["inference"],
        "inference",
        "$@checkpointloader() if @load_pretrain and not @fold_weights else @averaging_inferer",
        "$None",
    )
    found = faults("run", copies["inference"], workbench)
    assert "Dice of" in found or "the value" in found


def test_topology_search_of_another_space(dints_copies, workbench):
    replace(
        dints_copies["search"],
        "search",
        '"num_depths": "@num_depths"',
        '"num_depths": "$@num_depths + 1"',
    )
    found = faults("run", dints_copies["search"], workbench)
    assert "search/architecture.json: num_depths is 3, not 2" in found


def test_training_that_leaves_the_found_architecture_out(dints_copies, workbench):
    shipped = "\"$@bundle_root + '/architecture.json'\""
    train = dints_copies["train"]
    replace(train, "train", '"@architecture_path"', shipped)
    evaluated = faults("run", train, workbench)
    assert "checkpoint of another network" in evaluated


def test_search_that_fails(copies, workbench):
    replace(copies["search"], "search", '"torch.optim.Adam"', '"torch.optim.Adamm"')
    assert faults("run", copies["search"], workbench).startswith("stage 'search': ")
    later = run_check("run", copies["inference"], workbench)
    assert (later.word, later.skipped) == ("skipped", "stage 'search' failed before")


def test_network_that_cannot_be_exported(copies, workbench, monkeypatch):
    monkeypatch.setattr(type(workbench), "may_export", lambda self, bundle: True)
    replace(copies["inference"], "inference", '"BasicUNet"', '"BasicUnet2"')
    assert "BasicUnet2" in faults("export", copies["inference"], workbench)


def test_command_line_runs_and_gives_its_last_line(tmp_path, workbench):
    bundle = Bundle(BUNDLES / f"{PREFIX}_train")
    options = {**workbench.options(bundle), "skip_module": "nothing", "ckpt_dir": str(tmp_path)}
    settings = {**options, "output_dir": str(tmp_path), "patch_size": [32, 32]}
    with pytest.raises(
        RuntimeError, match=r"exit status 1: .*--skip_module is 'nothing': it must be"
    ):
        CommandLine().run([bundle.config_path("train")], settings, workbench.elsewhere)
