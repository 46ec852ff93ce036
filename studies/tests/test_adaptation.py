"""Rows of the adaptation study, their files, and the page made of them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import torch

from studies.adaptation import __main__ as study
from studies.adaptation.cases import Volumes
from studies.adaptation.page import write_page
from studies.adaptation.records import keep_rows, key_of, read_kept, read_rows, write_row
from studies.adaptation.rows import RowKey, compare_arms, make_row, row_keys
from studies.adaptation.settings import ShiftSettings, load_shift_settings


@pytest.fixture(scope="module")
def settings(tiny) -> ShiftSettings:
    """The study on the tiny table, with two arms of one step."""
    content = {**copy.deepcopy(dict(load_shift_settings().content)), "steps": 1}
    content |= {"arms": ["norms", "gates"], "baselines": ["everything"]}
    content |= {"test_volumes": 2, "home_volumes": 1}
    return ShiftSettings(content, tiny)


@pytest.fixture(scope="module")
def volumes(settings, phantom) -> Volumes:
    return Volumes(settings, phantom)


@pytest.fixture(scope="module")
def row(settings, volumes, tmp_path_factory):
    torch.manual_seed(0)
    network = settings.table.backbone().eval()
    folder = tmp_path_factory.mktemp("trainings")
    return make_row(RowKey("inverted", 2, 0), settings, network, volumes, folder)


def test_every_shift_changes_an_image_alike_each_time():
    settings = load_shift_settings()
    image = torch.randn(1, 48, 64, 6, generator=torch.Generator().manual_seed(0))
    for shift in settings.shifts:
        found = settings.shifted(image, shift, seed=1)
        assert found.shape == image.shape
        assert (found - image).abs().mean() > 0.01
        assert torch.equal(found, settings.shifted(image, shift, seed=1))
    assert settings.shifted(image, "none", seed=1) is image


def test_no_patient_is_in_two_parts(settings, volumes):
    cases = volumes.draw("none", 2, 0)
    site, test = ({case.patient for case in part} for part in (cases.site, cases.test))
    assert len(site) == 2
    assert not site & test
    assert {case.patient for case in cases.home} <= test
    assert {case.patient for case in volumes.draw("none", 2, 3).site} <= set(volumes.patients)


def test_the_list_of_rows_covers_all_shifts_and_a_hundred_without():
    settings = load_shift_settings()
    keys = list(row_keys(settings))
    assert len(keys) == len(set(keys))
    draws = settings.integer("draws")
    assert draws >= 5
    assert set(settings.numbers("numbers_of_cases")) == {2, 5, 10}
    assert sum(key.shift == "none" for key in keys) >= 100
    assert sum(key.shift == "inverted" for key in keys) == 3 * draws


def test_a_row_holds_every_arm_on_both_scanners(row):
    arms = {"released", "norms", "gates", "everything", "random_cell_0"}
    assert set(row["arms"]) - {"chosen"} == arms
    assert ("chosen" in row["arms"]) == (row["chosen"] is not None) == (row["strength"] is not None)
    assert set(row["held_out_gains"]["norms"]) == {"0.25", "0.5", "0.75", "1"}
    released = row["arms"]["released"]
    assert len(released["test"]) == 2
    assert len(released["home"]) == 1
    assert row["arms"]["everything"]["parameters"] > row["arms"]["norms"]["parameters"]
    assert row["verdict"]["patients"] == 2
    json.dumps(row, allow_nan=False)


def test_rows_are_kept_once_and_sorted(row, tmp_path):
    write_row(tmp_path, {**row, "draw": 1})
    write_row(tmp_path, row)
    kept = tmp_path / "kept.jsonl"
    assert keep_rows(kept, read_rows(tmp_path)) == 2
    assert keep_rows(kept, [{**row, "chosen": "other"}]) == 2
    assert [key_of(one).draw for one in read_kept(kept)] == [0, 1]
    assert all(one["chosen"] == row["chosen"] for one in read_kept(kept))
    (tmp_path / "wrong.json").write_text("{}")
    with pytest.raises(ValueError, match=r"wrong\.json.*no row of the study"):
        read_rows(tmp_path)


def test_the_digest_of_a_row_depends_on_its_own_shift(settings):
    content = copy.deepcopy(dict(settings.content))
    content["shifts"]["blur_mild"][0]["sigma"] = 9.0
    other = replace(settings, content=content)
    assert other.digest("blur_mild") != settings.digest("blur_mild")
    assert other.digest("inverted") == settings.digest("inverted")


def dice(gain):
    scores = {"test": {"a": 0.5 + gain, "b": 0.6 + gain}, "home": {"a": 0.8 - gain}}
    return {**scores, "ratio": 2.0}


def written(draw, chosen, strength, gain, **gains):
    arms = {"released": dice(0.0), **{arm: dice(gain) for arm, gain in gains.items()}}
    if chosen is not None:
        arms["chosen"] = dice(gain)
    common = {"shift": "inverted", "cases": 5, "ratio": 1.1, "cpu_seconds": 10.0}
    return {**common, "draw": draw, "chosen": chosen, "strength": strength, "arms": arms}


def test_the_page_says_what_the_rows_say(tmp_path):
    rows = [
        written(0, "cells", 0.5, 0.2, norms=0.1, cells=0.15, everything=0.25),
        written(1, "norms", 1.0, 0.1, norms=0.1, cells=0.2, everything=0.2),
        {**written(0, None, None, 0.0, norms=-0.1), "shift": "none"},
        {**written(1, "norms", 1.0, -0.1, norms=-0.1), "shift": "none"},
    ]
    write_page(load_shift_settings(), rows, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "2 of 165 rows with a shift, 2 of 100 without" in text
    assert "+0.150 (0.071) | cells at 0.5, norms" in text
    assert "1 of 2 rows; largest distance 0.100" in text
    assert "0.65 on average, 0.50 at least, over 2 rows" in text
    assert "-0.150 on average, -0.200 at worst" in text
    assert "with what was chosen: 1.10 times the released network's at most" in text
    assert "With cells in all skip connections: 2.00 times, on average over 2 rows" in text
    assert '1 of 2 runs end with "keep' in text
    assert (tmp_path / "gains.png").read_bytes().startswith(b"\x89PNG")
    write_page(load_shift_settings(), [], tmp_path / "none")
    assert "0 of 165 rows with a shift, 0 of 100" in (tmp_path / "none" / "README.md").read_text()


def test_pairs_are_compared_without_a_choice(settings, volumes, tmp_path):
    torch.manual_seed(0)
    network = settings.table.backbone().eval()
    found = compare_arms(RowKey("inverted", 2, 1), ("norms",), settings, network, volumes)
    assert set(found["arms"]) == {"released", "norms"}
    assert len(found["arms"]["norms"]["test"]) == 2
    assert "chosen" not in found
    pairs = [written(1, None, None, 0.0, norms=0.1, lora=0.12)]
    pairs += [written(2, None, None, 0.0, norms=0.1, lora=0.09)]
    write_page(load_shift_settings(), [], tmp_path, pairs=pairs)
    text = (tmp_path / "README.md").read_text()
    assert "LoRA gains more than norms in 1 of 2, by 0.005 on average (-0.010 to +0.020)" in text


def test_kept_rows_are_of_the_settings_that_ship():
    settings = load_shift_settings()
    for kept in (*read_kept(study.KEPT), *read_kept(study.PAIRS)):
        assert kept["settings"] == settings.digest(key_of(kept).shift)
