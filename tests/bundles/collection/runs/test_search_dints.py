"""Topology searches beside the usual one: killed and resumed, pruned, under another budget."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from iac_components.common.console.brief_errors import brief_message
from iac_components.dints import DintsSearchTrainer, load_architecture
from tools.maintenance.verification import Bundle

BUNDLE = Bundle(Path(__file__).parents[4] / "bundles" / "hippocampus_dints_segmentation_search")
CHECKPOINTS = {"epochs": 3, "warmup_epochs": 1, "val_interval": 2}
# All is stable at once, so that a few epochs of two steps decide an architecture.
DECIDED_AT_ONCE = {
    "pruning": "true",
    "keep_schedule": [1],
    "stability#threshold": 1e9,
    "stability#window": 1,
    "stability#patience": 1,
    "stability#warmup_epochs": 0,
    "stability#min_signal": 0.0,
}


class Killed(BaseException):
    """Ends a process without a chance to clean up, as far as that can be tried in a test."""


@pytest.fixture(scope="module")
def search(workbench, tmp_path_factory):
    """Return a function that searches into a folder of that name, and gives the folder."""
    root = tmp_path_factory.mktemp("dints")

    def run(name, **options):
        folder = root / name
        settings = {"output_dir": str(folder), "folds_file": str(root / "folds.json"), **options}
        workbench.runner.run(
            [BUNDLE.config_path("search")],
            {**workbench.options(BUNDLE), **CHECKPOINTS, **settings},
            workbench.elsewhere,
        )
        return folder

    return run


@pytest.fixture(scope="module")
def reference(search):
    return search("reference")


def without_seconds(folder, name):
    with (folder / name).open(encoding="utf-8", newline="") as stream:
        return [{**row, "seconds": ""} for row in csv.DictReader(stream)]


@pytest.mark.parametrize("step", [2, 5], ids=["in the warm-up", "after a validation"])
def test_killed_search_resumes_to_the_same_architecture(search, reference, monkeypatch, step):
    iterate = DintsSearchTrainer._iteration

    def iterate_until_killed(self, engine, batch):
        if engine.state.iteration == step:
            raise Killed
        return iterate(self, engine, batch)

    name = f"killed_{step}"
    with monkeypatch.context() as patch:
        patch.setattr(DintsSearchTrainer, "_iteration", iterate_until_killed)
        with pytest.raises(Killed):
            search(name)
    folder = search(name, resume="true")
    for file in ("search_trace.csv", "search_summary.csv"):
        assert without_seconds(folder, file) == without_seconds(reference, file)
    for file in ("architecture.json", "architecture_last.json"):
        found, expected = (load_architecture(path / file) for path in (folder, reference))
        assert found.digest == expected.digest
        assert found.provenance["chosen"] == expected.provenance["chosen"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 1}, "seed: checkpoint 0, this run 1"),
        ({"fold": 1}, "fold: checkpoint 0, this run 1"),
        ({"num_depths": 3}, "num_depths: checkpoint 2, this run 3"),
        ({"memory_fraction": 0.7}, "memory_fraction: checkpoint 0.5, this run 0.7"),
        ({"regularizer#topology_weight": 1.0}, "regularizer#topology_weight: checkpoint @topology"),
        ({"epochs": 2}, "epochs is 2, but checkpoint"),
    ],
)
def test_search_goes_on_from_its_own_checkpoint_alone(search, reference, options, words):
    with pytest.raises(RuntimeError) as caught:
        search(reference.name, resume=True, **options)
    message = brief_message(caught.value)
    assert message is not None
    assert message.startswith("CheckpointError: ")
    assert words in message


def test_fresh_search_sets_the_older_one_aside(search, reference, monkeypatch):
    """Killed before its first checkpoint, and resumed: nothing of the older search comes back."""

    def kill(self, engine, batch):
        raise Killed

    folder = reference.parent / "again"
    shutil.copytree(reference, folder)
    with monkeypatch.context() as patch:
        patch.setattr(DintsSearchTrainer, "_iteration", kill)
        with pytest.raises(Killed):
            search("again", seed=1)
    results = ("architecture.json", "architecture_last.json", "search_trace.csv")
    for name in results:
        assert not (folder / name).exists()
        assert (folder / "set_aside_1" / name).read_bytes() == (reference / name).read_bytes()
    search("again", seed=1, resume=True)
    for name in ("search_trace.csv", "search_summary.csv"):
        assert without_seconds(folder, name) != without_seconds(reference, name)
    provenance = load_architecture(folder / "architecture.json").provenance
    assert provenance["settings"]["seed"] == 1
    assert provenance["architecture_steps"] == 2 * 2


def test_found_architecture_says_where_it_is_from(reference):
    provenance = load_architecture(reference / "architecture.json").provenance
    assert provenance["kind"] == "undecided"
    assert provenance["settings"]["dataset"] == "hippocampus"
    assert provenance["settings"]["memory_fraction"] == 0.5
    assert provenance["memory"]["activation_fraction"] <= 0.5
    assert provenance["run"]["stage"] == "topology search"
    assert provenance["run"]["cases"].keys() == {"weights", "architecture", "validation"}
    rows = without_seconds(reference, "search_summary.csv")
    assert [bool(row["architecture_loss"]) for row in rows] == [False, True, True]
    assert [bool(row["validation_dice"]) for row in rows] == [False, True, False]


def test_pruned_search_ends_when_one_architecture_is_left(search):
    folder = search("pruned", **{**DECIDED_AT_ONCE, "epochs": 20, "warmup_epochs": 0})
    architecture = load_architecture(folder / "architecture.json")
    assert architecture.provenance["chosen"] == "decided by pruning"
    rows = without_seconds(folder, "search_summary.csv")
    assert len(rows) < 20
    assert int(rows[-1]["living_operations"]) == sum(map(len, architecture.blocks))


def test_budget_in_gigabytes_is_kept(search, reference):
    largest = without_seconds(reference, "search_summary.csv")[0]
    per_fraction = float(largest["expected_memory_gigabytes"]) / float(
        largest["expected_memory_fraction"]
    )
    wanted = 0.7 * per_fraction
    folder = search("gigabytes", memory_gigabytes=wanted)
    memory = load_architecture(folder / "architecture.json").provenance["memory"]
    assert memory["budget_gigabytes"] == pytest.approx(wanted)
    assert memory["activation_gigabytes"] <= wanted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory_fraction": 0.001}, "no architecture meets a budget"),
        ({"patch_size": [16, 16, 18]}, "patch_size"),
        ({"topology_weight": -1}, "topology_weight is -1: it must be a number of at least 0"),
    ],
)
def test_bad_settings_are_one_clear_error(search, options, words):
    with pytest.raises(RuntimeError) as caught:
        search("refused", **options)
    message = brief_message(caught.value)
    assert message is not None
    assert words in message
