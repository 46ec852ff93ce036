"""Searches beside the usual one: killed, resumed, unpruned, joint, of another seed."""

from __future__ import annotations

import shutil

import pytest
import torch

from iac_components.networks import load_state
from iac_components.search import CellSearchTrainer
from iac_components.search_space import load_genotype
from iac_components.visualization import read_trace

WITHOUT_PICTURES = {"save_result#pictures": False}


class Killed(BaseException):
    """Ends a process without a chance to clean up, as far as that can be tried in a test."""


@pytest.fixture
def search(hippocampus_chain):
    """Return a function that searches into a folder of that name, and gives the folder."""
    chain = hippocampus_chain

    def run(name, **options):
        settings = {**chain.search_options(name), **WITHOUT_PICTURES, **options}
        chain.bundles.run("search", settings)
        return chain.root / name

    return run


def found(folder):
    return load_genotype(folder / "genotype.json")


def trace(folder):
    """The trace without its seconds."""
    lines = (folder / "search_trace.csv").read_text(encoding="utf-8").splitlines()
    return [line.rpartition(",")[0] for line in lines]


def saved_network(folder, epoch):
    path = folder / "checkpoints" / f"checkpoint_epoch={epoch}.pt"
    return torch.load(path, weights_only=True)["objects"]["network"]


def is_backbone(key):
    return key.startswith("backbone.") and "skip_module." not in key


@pytest.fixture
def reference(hippocampus_chain):
    _ = hippocampus_chain.search
    return hippocampus_chain.root / "search"


def test_same_seed_gives_the_same_search(search, reference):
    again = search("again")
    assert trace(again) == trace(reference)
    assert found(again).digest == found(reference).digest


def test_another_seed_gives_another_search(search, reference):
    other = search("other_seed", seed=1)
    assert trace(other) != trace(reference)
    assert found(other).provenance["settings"]["seed"] == 1


@pytest.mark.parametrize("step", [2, 4, 5], ids=["last of epoch 1", "pruning", "mid-epoch"])
def test_killed_search_resumes_to_the_same_genotype(search, reference, monkeypatch, step):
    iterate = CellSearchTrainer._iteration

    def iterate_until_killed(self, engine, batch):
        if engine.state.iteration == step:
            raise Killed
        return iterate(self, engine, batch)

    name = f"killed_{step}"
    with monkeypatch.context() as patch:
        patch.setattr(CellSearchTrainer, "_iteration", iterate_until_killed)
        with pytest.raises(Killed):
            search(name)
    folder = reference.parent / name
    assert not (folder / "genotype.json").exists()
    search(name, resume="true")
    assert trace(folder) == trace(reference)
    assert found(folder).digest == found(reference).digest
    expected = saved_network(reference, 3)
    for key, value in saved_network(folder, 3).items():
        assert torch.equal(value, expected[key]), key


@pytest.mark.parametrize("damage", ["none", "newest truncated"])
def test_finished_search_resumes_to_what_it_was(search, reference, damage):
    folder = reference.parent / damage.replace(" ", "_")
    shutil.copytree(reference, folder)
    if damage == "newest truncated":
        newest = folder / "checkpoints" / "checkpoint_epoch=3.pt"
        newest.write_bytes(newest.read_bytes()[:1000])
    (folder / "genotype.json").unlink()
    search(folder.name, resume=True)
    assert trace(folder) == trace(reference)
    assert found(folder).digest == found(reference).digest
    if damage == "none":
        assert found(folder).provenance == found(reference).provenance


def test_search_without_pruning_runs_its_full_length(search, reference):
    # Text, as the command line gives it; the schedule is the default, since another is refused.
    folder = search("unpruned", pruning="false", epochs=4, keep_schedule=[3, 1])
    provenance = found(folder).provenance
    assert provenance["stop_reason"] == "max_epochs reached"
    assert provenance["epochs"] == 4
    assert provenance["settings"]["pruning"] is False
    last = trace(folder)[-20:]
    # Four operations on each of five edges, all still alive.
    assert all(line.split(",")[0] == "4" for line in last)
    assert [line.split(",")[7] for line in last] == ["1"] * 20
    assert len(saved_network(reference, 3)) < len(saved_network(folder, 4))


def test_pruned_search_ends_sooner(reference):
    assert len(read_trace(reference / "search_trace.csv").epochs) == 3
    alive = saved_network(reference, 3)["architecture.alive"]
    # One operation an edge, and two inputs for the node that had three.
    assert alive.sum() == 4


def test_frozen_search_leaves_the_backbone_as_it_was(hippocampus_chain, reference):
    plain = load_state(hippocampus_chain.plain_ckpt)
    searched = [v for k, v in saved_network(reference, 3).items() if is_backbone(k)]
    assert len(searched) == len(plain)
    assert all(torch.equal(a, b) for a, b in zip(searched, plain.values(), strict=True))


def test_joint_search_starts_fresh_and_trains_the_backbone(search, hippocampus_chain):
    folder = search("joint", backbone_ckpt=None)
    settings = found(folder).provenance["settings"]
    assert settings["frozen_backbone"] is False
    first, last = saved_network(folder, 2), saved_network(folder, 3)
    moved = [key for key in last if is_backbone(key) and not torch.equal(first[key], last[key])]
    assert moved


def test_one_cell_a_level(search, hippocampus_chain):
    folder = search("levels", separate_levels=True)
    genotype = found(folder)
    assert genotype.search_space.levels == 4
    assert len(genotype.nodes) == 8
