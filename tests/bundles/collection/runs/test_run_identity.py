"""Runs of the bundles: whose checkpoint is resumed, whose folder it is, whether it would search."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from refused_runs import files, refusal

from iac_components.engine.owned_folders import LOCK_NAME
from iac_components.evaluation import read_metrics
from iac_components.search_space import load_genotype
from tools.maintenance.verification import Bundle

BUNDLES = Path(__file__).parents[4] / "bundles"
DINTS = Bundle(BUNDLES / "hippocampus_dints_segmentation_search")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 1}, ["seed: checkpoint 0, this run 1"]),
        ({"fold": 1}, ["fold: checkpoint 0, this run 1", "part 'weights' of the data"]),
        ({"split_seed": 1}, ["split_seed: checkpoint 0, this run 1"]),
        ({"learning_rate": 0.1}, ["learning_rate: checkpoint 0.003, this run 0.1"]),
        ({"num_nodes": 3, "seed": 2}, ["num_nodes: checkpoint 2, this run 3", "seed: check"]),
        ({"stability#threshold": 0.5}, ["stability#threshold: checkpoint 1000000000.0, this run"]),
        ({"optimizer#weight_decay": 0.5}, ["optimizer#weight_decay: checkpoint 0.0001, this run"]),
        ({"backbone_ckpt": None}, ["content of backbone_ckpt: checkpoint sha256:"]),
        ({"augment": "false"}, ["augment: checkpoint true, this run false"]),
        ({"epochs": 2}, ["epochs is 2, but checkpoint"]),
    ],
)
@pytest.mark.filterwarnings("ignore:folds file")
def test_search_goes_on_from_its_own_checkpoint_alone(chain, unread, tmp_path, options, words):
    # Its own copy: the search was decided in its third epoch, and is now one that was not.
    folder = tmp_path / "search"
    shutil.copytree(chain.root / "search", folder)
    newest = folder / "checkpoints" / "checkpoint_epoch=3.pt"
    torch.save({**torch.load(newest, weights_only=True), "ended": False}, newest)
    before = files(folder)
    settings = {**chain.search_options("search"), "output_dir": str(folder), "resume": "true"}
    message = refusal(lambda: chain.bundles.run("search", {**settings, **options}))
    assert message.startswith("CheckpointError: ")
    assert all(word in message for word in words)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 1}, "seed: checkpoint 0, this run 1"),
        ({"fold": 1}, "fold: checkpoint 0, this run 1"),
        ({"learning_rate": 0.1}, "learning_rate: checkpoint 0.001, this run 0.1"),
        ({"skip_module": "attention"}, "skip_module: checkpoint plain, this run attention"),
        ({"epochs": 1}, "epochs is 1, but checkpoint"),
    ],
)
def test_training_goes_on_from_its_own_checkpoint_alone(chain, unread, options, words):
    folder = chain.root / "plain"
    before = files(folder)
    places = {"output_dir": str(folder), "ckpt_dir": str(folder / "models"), **chain.common}
    settings = {**places, "skip_module": "plain", "resume": True, **options}
    assert words in refusal(lambda: chain.bundles.run("train", settings))
    assert files(folder) == before


def test_extended_training_follows_its_new_length(chain, tmp_path):
    folder = tmp_path / "plain"
    shutil.copytree(chain.root / "plain", folder)
    places = {"output_dir": str(folder), "ckpt_dir": str(folder / "models"), **chain.common}
    settings = {**places, "skip_module": "plain", "resume": "true", "epochs": 4}
    chain.bundles.run("train", settings)
    rates = {}
    for epoch in (3, 4):
        path = folder / "checkpoints" / f"checkpoint_epoch={epoch}.pt"
        content = torch.load(path, weights_only=True)
        rates[epoch] = content["objects"]["optimizer"]["param_groups"][0]["lr"]
    # Cosine of four epochs from 0.001, after three and after four: not that of two, which rises.
    assert rates[3] == pytest.approx(0.001 * (1 - 0.5**0.5) / 2)
    assert rates[4] == pytest.approx(0, abs=1e-12)
    run = torch.load(folder / "models" / "model_final.pt", weights_only=True)["run"]
    assert run["extensions"] == [{"after_epoch": 2, "from": 2, "to": 4}]
    assert run["epochs"] == run["epoch"] == 4


def test_weights_and_metrics_say_what_ran(chain):
    _ = chain.evaluation
    run = torch.load(chain.ckpt, weights_only=True)["run"]
    assert run["options"]["seed"] == run["options"]["fold"] == 0
    assert run["options"]["skip_module"] == "iac"
    assert run["cases"].keys() == {"train", "validation"}
    assert run["files"]["genotype_path"].startswith("sha256:")
    assert run["files"]["backbone_ckpt"].startswith("sha256:")
    assert (run["stage"], run["epochs"], run["steps_per_epoch"]) == ("training", 2, 2)
    assert read_metrics(chain.root / "evaluate")
    info = json.loads((chain.root / "evaluate" / "metrics.json").read_text())["info"]
    assert info["weights"]["run"] == run
    assert info["weights"]["trained_for_this_fold"] is True


def test_genotype_says_what_ran(chain):
    provenance = load_genotype(chain.genotype).provenance
    run, steps = provenance["run"], provenance["architecture_steps"]
    saved = torch.load(
        chain.root / "search" / "checkpoints" / "checkpoint_epoch=3.pt", weights_only=True
    )["run"]
    assert steps == provenance["epochs"] * run["steps_per_epoch"] == 6
    assert run["cases"].keys() == {"weights", "architecture"}
    assert run["extensions"] == []
    assert run["stage"] == saved["identity"]["stage"] == "cell search"
    assert str(run["cases"]["weights"]["count"]) in saved["identity"]["part 'weights' of the data"]


HOLDER = """
import sys, time
from iac_components.engine import OwnedFolders
folders = OwnedFolders(any_dir=sys.argv[1])
folders.claim()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """A folder that another process owns, and the number of that process."""
    folder = tmp_path_factory.mktemp("taken")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    yield folder, process.pid
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize(
    ("stage", "configs", "place"),
    [
        ("search", (), "output_dir"),
        ("train", (), "output_dir"),
        ("train", (), "ckpt_dir"),
        ("train", ("evaluate",), "output_dir"),
        ("inference", (), "output_dir"),
    ],
)
def test_folder_of_another_run_is_refused(hippocampus, taken, tmp_path, stage, configs, place):
    folder, process = taken
    options = {"output_dir": str(tmp_path / "out"), "skip_module": "plain", place: str(folder)}
    if stage == "train":
        options.setdefault("ckpt_dir", str(tmp_path / "models"))
    if stage == "search":
        del options["skip_module"]
    if stage == "inference":
        options["dataset_dir"] = str(hippocampus.phantom / "imagesTr")
    if stage == "inference" or configs:
        options["load_pretrain"] = False  # weights are looked for before the folder
    message = refusal(lambda: hippocampus.run(stage, options, *configs))
    assert message.startswith(
        f"FolderInUseError: {place} '{folder}' is in use by process {process}"
    )
    assert [path.name for path in folder.iterdir()] == [LOCK_NAME]


def test_ended_run_leaves_its_folders_free(chain):
    """Its lock went with it, although its workflow is still there."""
    _ = chain.evaluation
    for name in ("search", "cells", "evaluate"):
        assert not (chain.root / name / LOCK_NAME).exists()


STEPLESS = [
    ({"epochs": 2, "warmup_epochs": 5}, ("--warmup_epochs is 5", "--epochs 2")),
    ({"epochs": 2, "warmup_epochs": 1, "architecture_every": 99}, ("architecture_every is 99",)),
]


@pytest.mark.parametrize(("options", "words"), STEPLESS)
@pytest.mark.parametrize("method", ["iac", "dints"])
def test_search_without_architecture_steps_is_refused(
    hippocampus, workbench, unread, tmp_path, method, options, words
):
    bundle = DINTS if method == "dints" else hippocampus.bundle("search")
    settings = {**workbench.options(bundle), "output_dir": str(tmp_path / "out"), **options}
    config = [bundle.config_path("search")]
    message = refusal(lambda: workbench.runner.run(config, settings, workbench.elsewhere))
    assert all(word in message for word in words)
    assert not (tmp_path / "out" / "folds.json").exists()


@pytest.mark.parametrize("method", ["iac", "dints"])
def test_steps_that_depend_on_the_data_are_counted_before_the_search(
    hippocampus, workbench, tmp_path, method
):
    bundle = DINTS if method == "dints" else hippocampus.bundle("search")
    options = {"steps_per_epoch": None, "epochs": 2, "warmup_epochs": 1, "architecture_every": 999}
    settings = {**workbench.options(bundle), "output_dir": str(tmp_path), **options}
    config = [bundle.config_path("search")]
    message = refusal(lambda: workbench.runner.run(config, settings, workbench.elsewhere))
    assert "architecture_every is 999" in message
    assert not list(tmp_path.glob("search_*"))


CONFIGS = sorted(BUNDLES.glob("*_segmentation_*/configs/*.json"))


@pytest.mark.parametrize("stage", ["search", "train", "inference"])
def test_every_bundle_is_wired_alike(stage):
    """All bundles have what was tried above on those of hippocampus."""
    found = [
        p for p in CONFIGS if p.name == f"{stage}.json" and f"_{stage}" in p.parent.parent.name
    ]
    assert len(found) >= 30
    for path in found:
        config = json.loads(path.read_text(encoding="utf-8"))
        text = path.read_text(encoding="utf-8")
        assert config["initialize"][:2] == ["$@session.begin()", "$@session.build()"], path
        assert config["run"][0] == "$@session.check_data()", path
        assert config["finalize"] == ["$@session.end()"], path
        assert config["session"]["stage"] == stage, path
        folders = {"output_dir"} | ({"ckpt_dir"} if stage == "train" else set())
        assert config["folders"].keys() - {"_target_", "_requires_"} == folders, path
        if stage == "inference":
            continue
        assert '"record": "@run_record"' in text, path
        assert ("save_result" in config) == (stage == "search"), path
        assert config["run"][-1] == "$@save_result()" or stage == "train", path
