"""The DiNTS proof on a phantom, in its smallest form, and the page that is made of it."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

import studies.proof.run_dints as run_dints_proof
import studies.proof.write_dints as tool
from iac_components.data.examples.phantoms import write_phantom
from iac_components.dints import load_architecture

ROOT = Path(__file__).parents[3]
FOLDERS = sorted((ROOT / "studies" / "proof" / "results").glob("*_dints"))
SMALL = (
    *("--search_epochs", "2", "--warmup_epochs", "1", "--search_steps", "1", "--val_interval", "2"),
    *("--steps", "1", "--steps_per_epoch", "1", "--batch_size", "2"),
    *("--memory_shape", "2", "1", "16", "16", "16"),
    *("--searches", "full", "--controls", "random", "dynunet"),
)


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proof")
    shape = (20, 24, 16)
    data = write_phantom(folder / "data", layout="decathlon", num_patients=5, shape=shape)
    arguments = ["--dataset_dir", str(data), "--output_dir", str(folder / "runs"), *SMALL]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["studies.proof.run_dints", *arguments])
        run_dints_proof.main()
    return folder / "runs"


def test_the_gap_is_that_of_the_last_epoch(proof: Path) -> None:
    gap = json.loads((proof / "full" / "gap.json").read_text())
    with (proof / "full" / "search_summary.csv").open() as stream:
        last = list(csv.DictReader(stream))[-1]
    assert gap["supernet_dice"] == pytest.approx(float(last["validation_dice"]), abs=1e-6)
    assert 0 <= gap["discrete_dice"] <= 1


def test_memory_is_what_the_model_says(proof: Path) -> None:
    record = json.loads((proof / "full" / "memory.json").read_text())
    assert record["saved_bytes"] == record["model_bytes"] > 0
    assert record["input_shape"] == [2, 1, 16, 16, 16]


def test_controls_are_other_networks(proof: Path) -> None:
    costs = {
        arm: json.loads((proof / "scratch" / arm / "seed0" / "network.json").read_text())
        for arm in ("full", "random", "dynunet")
    }
    assert len({cost["parameters"] for cost in costs.values()}) == 3
    drawn = load_architecture(proof / "random" / "architecture_seed0.json")
    assert drawn.space == load_architecture(proof / "full" / "architecture.json").space


def test_the_page_is_made_of_the_copies(proof: Path, tmp_path: Path) -> None:
    target = tmp_path / "hippocampus_dints"
    tool.collect(proof, target, pictures=tmp_path / "pictures")
    assert (tmp_path / "pictures" / "full" / "topology.png").stat().st_size > 0
    text = tool.section(target)
    for title in ("search of full length", "random architecture", "DynUNet"):
        assert f"| {title}" in text
    assert "1 steps of 2 patches" in text
    gap = json.loads((target / "full" / "gap.json").read_text())
    gap["discrete_dice"] = 0.123456
    (target / "full" / "gap.json").write_text(json.dumps(gap))
    assert "| 12.35 |" in tool.section(target)
    assert "| 12.35 |" not in text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_section_is_made_from_the_raw_files(folder: Path) -> None:
    assert tool.section_file(folder).read_text(encoding="utf-8") == tool.section(folder)
