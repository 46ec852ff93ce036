"""The search benchmark on a phantom, in its smallest form: turns, kills, and the whole way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import pytest
import torch

import studies.search_cost.search as tool
from iac_components.evaluation import read_metrics
from iac_components.networks.weights import load_state
from iac_components.phantoms import write_phantom
from iac_components.visualization import read_trace
from studies.search_cost.searches.reporting.quality import seed_mean
from studies.search_cost.searches.turns import Deadline
from tools.maintenance.verification.methods.iac_budgets import PHANTOMS, QUICK

PHANTOM = PHANTOMS["hippocampus"]
NETWORK = {**PHANTOM.options, **QUICK.networks["unet"], "patch_size": [32, 32], "batch_size": 2}
# Pruned from its second epoch on, and decided before its last.
SEARCH = {**QUICK.stages["search"], "epochs": 4, "warmup_epochs": 1, "steps_per_epoch": 1}
TRAIN = ("--base_steps", "1", "--train_steps", "1", "--steps_per_epoch", "1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    return write_phantom(folder, layout="decathlon", num_patients=5, shape=PHANTOM.shape)


def run(data: Path, folder: Path, *options: str, search: Mapping[str, object] | None = None) -> int:
    return tool.main(
        [
            *("--bundle", "hippocampus_unet", "--dataset_dir", str(data), *TRAIN),
            *("--output_dir", str(folder), "--network", json.dumps(NETWORK), "--seeds", "0"),
            *("--search", json.dumps(search or SEARCH), *options),
        ]
    )


def searched(folder: Path, mode: str) -> Path:
    return folder / "searches" / mode / "seed0"


def numbers(folder: Path) -> Sequence[object]:
    """All of a search but its seconds."""
    trace = read_trace(folder / "search_trace.csv")
    arrays = (trace.probability, trace.divergence, trace.active, trace.edge_weight)
    log = json.loads((folder / "epochs.json").read_text())
    counts = [(e["epoch"], e["steps"], e["living"]) for e in log["epochs"]]
    genotype = json.loads((folder / "genotype.json").read_text())
    return [*(array.tobytes() for array in arrays), counts, genotype["nodes"]]


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All stages of all modes."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(data, folder / "work", "--out", str(folder / "report.json")) == 0
    return folder


def backbone_of(whole: Path) -> str:
    return str(whole / "work" / "base" / "models" / "model_final.pt")


@pytest.mark.parametrize("mode", ["reference", "pruned"])
def test_turns_and_kills_change_no_number(data, whole, tmp_path, monkeypatch, mode) -> None:
    """A search on its own, killed after its second epoch, is the one that took turns."""
    options = ("--modes", mode, "--stage", "searches", "--backbone_ckpt", backbone_of(whole))
    looks = count()
    with monkeypatch.context() as patch:
        patch.setattr(Deadline, "over", property(lambda self: next(looks) == 2))
        assert run(data, tmp_path, *options, "--max_minutes", "9") == 0
    # As if it had been killed between the checkpoint of its second epoch and the record.
    log = searched(tmp_path, mode) / "epochs.json"
    content = json.loads(log.read_text())
    assert len(content["epochs"]) == 2
    content["epochs"].pop()
    log.write_text(json.dumps(content))
    assert run(data, tmp_path, *options) == 0
    alone, in_turns = (numbers(searched(f, mode)) for f in (tmp_path, whole / "work"))
    assert alone == in_turns
    assert [one["after_epoch"] for one in json.loads(log.read_text())["sessions"]] == [0, 1]


def test_a_pruned_search_is_shorter_than_the_full_one(whole: Path) -> None:
    logs = {
        mode: json.loads((searched(whole / "work", mode) / "epochs.json").read_text())["epochs"]
        for mode in ("reference", "full", "pruned")
    }
    assert len(logs["reference"]) == len(logs["full"]) == SEARCH["epochs"]
    assert len(logs["pruned"]) < SEARCH["epochs"]
    assert logs["pruned"][-1]["living"] < logs["full"][-1]["living"] == logs["full"][0]["living"]
    for epochs in logs.values():
        # The warm-up has no architecture step; afterwards all parts have their time.
        for part in ("data", "weight_step", "architecture_step", "other", "total"):
            assert epochs[-1]["seconds"][part]["wall"] > 0
        first = epochs[0]["seconds"]
        # Processor time: another process's work must not count as a step.
        assert first["architecture_step"]["cpu"] < 0.5 * first["weight_step"]["cpu"]


def test_a_search_that_ended_but_was_not_written_is_not_run_again(data, whole, capsys) -> None:
    genotype = searched(whole / "work", "pruned") / "genotype.json"
    before = genotype.read_text()
    genotype.unlink()
    capsys.readouterr()
    assert run(data, whole / "work", "--stage", "searches") == 0
    assert json.loads(genotype.read_text())["nodes"] == json.loads(before)["nodes"]
    assert "epoch 1" not in capsys.readouterr().out


def test_the_report_holds_everything(whole: Path) -> None:
    report = json.loads((whole / "report.json").read_text())
    arms = {"reference", "full", "pruned", "random", "plain"}
    assert set(report["trainings"]) == arms
    # The backbone that they all started from is evaluated as it is.
    assert set(report["dice"]) == {*arms, "backbone"}
    base = read_metrics(whole / "work" / "base" / "eval")
    assert report["dice"]["backbone"]["by_seed"]["0"] == seed_mean(base)
    assert report["unfinished"] == []
    assert report["costs"]["random"]["mean"]["total"]["wall"] == 0
    assert report["searches"]["reference"]["0"]["provenance"]["settings"]["pruning"] is False
    assert report["own_training_steps"] > 100


def test_cells_train_in_a_frozen_backbone(whole: Path) -> None:
    report = json.loads((whole / "report.json").read_text())
    base = load_state(backbone_of(whole))
    digest = report["cells"]["pruned"]["0"]["digest"].removeprefix("sha256:")[:12]
    retraining = whole / "work" / "retraining"
    state = load_state(retraining / digest / "seed0" / "models" / "model_final.pt")
    shared = [(base[a], state[b]) for a in base if (b := f"backbone.{a}") in state]
    assert len(shared) > 10
    assert all(torch.equal(*pair) for pair in shared)
    plain = load_state(retraining / "plain" / "seed0" / "models" / "model_final.pt")
    assert not all(torch.equal(base[name], plain[name]) for name in base)


def test_what_is_done_is_not_done_again(data, whole, capsys) -> None:
    files = {path: path.stat().st_mtime_ns for path in (whole / "work").rglob("*.pt")}
    assert files
    assert run(data, whole / "work", "--out", str(whole / "b.json")) == 0
    assert {path: path.stat().st_mtime_ns for path in files} == files
    first, second = (json.loads((whole / name).read_text()) for name in ("report.json", "b.json"))
    assert first["dice"] == second["dice"]
    assert first["costs"] == second["costs"]


def test_no_time_is_no_work(data, tmp_path, whole, capsys) -> None:
    options = ("--modes", "full", "--backbone_ckpt", backbone_of(whole))
    assert run(data, tmp_path, *options, "--max_minutes", "0", "--stage", "searches") == 0
    assert "0 minutes are over. The same command continues from here." in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.pt"))
    shutil.copytree(whole / "work" / "searches", tmp_path / "searches", dirs_exist_ok=True)
    assert run(data, tmp_path, *options, "--max_minutes", "0", "--stage", "retrain") == 0
    assert not (tmp_path / "retraining").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--modes", "full,prunned"), "--modes prunned: choose from reference,full,pruned"),
        (("--modes", "random"), "needs one that searches: reference,full,pruned"),
        (("--bundle", "liver_unet"), "--bundle 'liver_unet' is none of acdc_efficientnet"),
        (("--dataset_dir", "nowhere"), "--dataset_dir 'nowhere' is no folder"),
        (("--backbone_ckpt", "none.pt"), "--backbone_ckpt 'none.pt' is no file"),
        (("--seeds", "1", "1"), "seeds '1 1': give each once"),
        (("--full_seeds", "2", "2"), "seeds '2 2': give each once"),
        (("--train_steps", "0"), "--train_steps must be at least 1, got 0"),
        (("--epochs", "0"), "--epochs must be at least 1, got 0"),
        ((), "--out is missing"),
    ],
)
def test_what_cannot_be_done_is_said_first(tmp_path, data, capsys, options, message) -> None:
    assert run(data, tmp_path / "work", *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--train_steps", "2"), "was begun with train_steps 1, not 2"),
        (("--fold", "1"), "was begun with fold 0, not 1"),
        (("--search", "{}"), 'was begun with search {"'),
    ],
)
def test_a_folder_of_other_settings_is_refused(data, whole, capsys, options, message) -> None:
    assert run(data, whole / "work", "--stage", "searches", *options) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_keys_must_be_an_object(data, tmp_path, capsys, text) -> None:
    with pytest.raises(SystemExit):
        run(data, tmp_path, "--search", text)
    assert "--search" in capsys.readouterr().err


def test_a_search_goes_on_with_the_configs_that_it_began_with(
    data, whole, tmp_path, capsys, monkeypatch
) -> None:
    bundles = tmp_path / "bundles"
    for stage in ("search", "train"):
        name = f"hippocampus_unet_iac_segmentation_{stage}"
        configs = bundles / name / "configs"
        configs.mkdir(parents=True)
        for file in (whole / "work" / "bundles" / name / "configs").iterdir():
            (configs / file.name).write_bytes(file.read_bytes())
    changed = bundles / "hippocampus_unet_iac_segmentation_search" / "configs" / "search.json"
    changed.write_text("{}")
    monkeypatch.setattr("studies.search_cost.searches.settings.BUNDLES", bundles)
    assert run(data, whole / "work", "--stage", "searches") == 0
    said = capsys.readouterr().out
    assert "The search configs of the bundle have changed" in said
    assert "The train configs" not in said
