"""The demo: its data, its budget, what it leaves and says."""

from __future__ import annotations

import csv
import json
from collections import Counter

import nibabel
import pytest

from iac_components.data import check_datalist, load_datalist, read_dataset
from iac_components.interface.commands.demo import BUDGETS, EXAMPLE_DATA, phantom_layout
from iac_components.interface.running.bundles import collection
from iac_components.interface.running.request import read_request
from iac_components.phantoms import write_phantom


def test_the_volumes_are_whole_subjects_with_their_terms():
    cases = read_dataset(EXAMPLE_DATA, layout="decathlon")
    assert 16 <= len(cases) <= 20
    assert set(Counter(case.patient for case in cases).values()) == {2}
    with (EXAMPLE_DATA / "groups.csv").open() as stream:
        assert {row["case"] for row in csv.DictReader(stream)} == {case.name for case in cases}
    files = {path for case in cases for path in (case.image, case.label)}
    assert files == set(EXAMPLE_DATA.glob("*Tr/*"))
    assert sum(path.stat().st_size for path in EXAMPLE_DATA.rglob("*")) < 2_000_000
    readme = (EXAMPLE_DATA / "README.md").read_text(encoding="utf-8")
    assert "CC BY-SA 4.0" in readme
    assert "Medical Segmentation Decathlon" in readme
    licence = (EXAMPLE_DATA / "LICENSE").read_text(encoding="utf-8")
    assert licence.startswith("Attribution-ShareAlike 4.0 International")
    assert "Section 8" in licence


def test_the_volumes_pass_the_checks_of_a_training():
    parts = {
        part: load_datalist(EXAMPLE_DATA, layout="decathlon", part=part)
        for part in ("train", "validation", "test", "weights", "architecture")
    }
    disjoint = {part: parts[part] for part in ("train", "validation", "test")}
    check_datalist(disjoint, labels=range(3), num_channels=1)
    assert len({entry["patient"] for entry in parts["test"]}) == 2


def test_a_cell_on_the_volumes_that_come_along(iac, stages, tmp_path):
    ended = iac("demo", "--output_dir", tmp_path / "out")
    assert (ended.status, ended.err) == (0, "")
    assert stages.ran[0].options["dataset_dir"] == EXAMPLE_DATA
    for stage in stages.ran:
        budget = BUDGETS["iac"].get(stage.name, {})
        assert {key: stage.options[key] for key in budget} == budget
    overlay = (tmp_path / "out" / "overlay.png").read_bytes()
    assert overlay.startswith(b"\x89PNG")
    sentence = next(line for line in ended.out.splitlines() if line.startswith("The search"))
    assert sentence.endswith(".")
    assert "CC BY-SA 4.0" in ended.out
    assert str(tmp_path / "out" / "overlay.png") in ended.out
    assert all(nibabel.load(path) for path in (tmp_path / "out" / "predictions").iterdir())


@pytest.mark.parametrize("words", [(), ("--set", "search.epochs=3", "mirror=true")])
def test_what_it_ran_is_noted_for_an_export(iac, stages, tmp_path, words):
    assert iac("demo", "--output_dir", tmp_path / "out", *words).status == 0
    (noted,) = read_request(tmp_path / "out").stages(tmp_path / "out").values()
    for ran, stage in zip(stages.ran, noted, strict=True):
        given = {key: str(value) for key, value in ran.options.items() if key != "resume"}
        assert {key: str(value) for key, value in stage.options.items()} == given


def test_again_in_the_same_place_runs_nothing_and_tells_the_same(iac, stages, tmp_path):
    first = iac("demo", "--output_dir", tmp_path)
    ran = len(stages.ran)
    second = iac("demo", "--output_dir", tmp_path)
    assert len(stages.ran) == ran
    assert first.out.splitlines()[-5:] == second.out.splitlines()[-5:]
    assert iac("demo", "--output_dir", tmp_path, "--again", "predict").status == 0
    assert len(stages.ran) == ran + 1


def test_options_make_it_shorter(iac, stages, tmp_path):
    iac("demo", "--output_dir", tmp_path, "--set", "backbone.epochs=1", "search.epochs=5")
    options = {stage.name: stage.options for stage in stages.ran}
    assert (options["backbone"]["epochs"], options["search"]["epochs"]) == ("1", "5")
    assert options["train"]["epochs"] == BUDGETS["iac"]["train"]["epochs"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bundle", "acdc_vgg"], "--bundle 'acdc_vgg' is not one of acdc_efficientnet"),
        (["--set", "x"], "--set 'x' is not KEY=VALUE"),
        (["--set", "search.epochs=0"], "stage 'search': --epochs is 0"),
        (["--again", "x"], "--again x: the stages are"),
    ],
)
def test_bad_input_is_one_line(iac, stages, tmp_path, words, message):
    ended = iac("demo", "--output_dir", tmp_path / "out", *words)
    assert (ended.status, stages.ran) == (2, [])
    assert message in ended.err


def test_there_is_a_phantom_or_data_for_every_combination(tmp_path):
    layouts = {phantom_layout(combination) for combination in collection().values()}
    for layout in layouts - {"hippocampus", "msd_hippocampus"}:
        # Refused for the number of patients, and so not for the layout.
        with pytest.raises(ValueError, match="num_patients"):
            write_phantom(tmp_path, layout=layout, num_patients=0)


def test_other_data_are_synthetic(iac, stages, tmp_path):
    stages.fails = "backbone"
    ended = iac("demo", "--bundle", "acdc_unet", "--output_dir", tmp_path)
    assert ended.status == 3
    assert "synthetic volumes like 'acdc'" in ended.out
    assert len(read_dataset(tmp_path / "phantom", layout="acdc")) == 20
    before = json.dumps(sorted(map(str, (tmp_path / "phantom").rglob("*"))))
    iac("demo", "--bundle", "acdc_unet", "--output_dir", tmp_path)
    assert json.dumps(sorted(map(str, (tmp_path / "phantom").rglob("*")))) == before
