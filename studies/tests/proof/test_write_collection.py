"""The collection's results page is what its raw files say."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import studies.proof.write_collection as tool
from iac_components.common.files import write_json
from iac_components.evaluation import CaseRecord, write_metrics
from iac_components.search_space import load_genotype
from studies.proof.tables import arm_title

ROOT = Path(__file__).parents[3]
RESULTS = tool.RESULTS
FOLDERS = tool.cell_folders()


def test_there_are_results():
    assert {"hippocampus_unet", "acdc_unet"} <= {folder.name for folder in FOLDERS}


def test_page_is_made_from_the_raw_files():
    assert (ROOT / "docs" / "RESULTS.md").read_text(encoding="utf-8") == tool.page()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_section_is_made_from_the_raw_files(folder):
    assert tool.section_file(folder).read_text(encoding="utf-8") == tool.section(folder)


def test_all_pairs_have_one_random_cell():
    """As the page says."""
    spaces = {load_genotype(folder / "genotype.json").search_space for folder in FOLDERS}
    assert len(spaces) == 1
    for folder in FOLDERS:
        assert set(tool.read_cases(folder / "scratch_random.csv")) == {"seed0"}
        assert "| random cell (the draw of seed 0) |" in tool.section(folder)


@pytest.mark.parametrize(
    ("seeds", "name"),
    [
        (["seed7"], "random cell (the draw of seed 7)"),
        (["seed0", "seed1"], "random cell (another one each seed)"),
    ],
)
def test_a_random_arm_says_which_draws_it_is(seeds, name):
    assert arm_title("random", seeds) == name
    assert arm_title("found", seeds) == "found cell"


def test_a_changed_score_changes_the_section(tmp_path):
    folder = tmp_path / "hippocampus_unet"
    shutil.copytree(RESULTS / "hippocampus_unet", folder)
    before = tool.section(folder)
    path = folder / "scratch_found.csv"
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    dice = rows[0].index("dice")
    for row in rows[1:]:
        row[dice] = "1.0"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    after = tool.section(folder)
    assert "| found cell |" in after
    assert "100.00 [100.00, 100.00]" in after
    assert "100.00 [100.00, 100.00]" not in before


def test_steps_are_those_that_were_run(tmp_path):
    folder = tmp_path / "hippocampus_unet"
    shutil.copytree(RESULTS / "hippocampus_unet", folder)
    settings = {"fold": 3, "base_steps": 7, "scratch_steps": 100, "steps_per_epoch": 30}
    write_json(folder / "proof_settings.json", settings)
    assert "Fold 3," in tool.section(folder)
    assert "90 steps from scratch" in tool.section(folder)


def test_a_proof_without_a_common_seed_is_refused(tmp_path):
    record = [CaseRecord("p", "c", 1, "a", 0.5, 1.0)]
    for arm, seed in (("plain", 0), ("found", 1)):
        folder = tmp_path / "scratch" / arm / f"seed{seed}" / "eval"
        write_metrics(folder, record, class_names=["a"], info={})
    with pytest.raises(ValueError, match="no seed that every arm"):
        tool.collect(tmp_path, tmp_path / "out")
