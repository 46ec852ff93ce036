from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import torch

from iac_components.networks import implant
from studies.cell_table.rows.configurations import configurations
from studies.cell_table.rows.patients import split_cases
from studies.cell_table.rows.records import read_raw, row_key
from studies.cell_table.run import Task, Workshop, fill_table, load_site, tasks, train_row
from studies.cell_table.settings import TableSettings
from studies.cell_table.training.backbone import backbone_digest, load_backbone, train_backbone
from studies.cell_table.training.features import decode, encode
from studies.cell_table.training.networks import Unchanged
from studies.cell_table.training.scores import patient_dice, score


@pytest.fixture(scope="module")
def work_dir(tiny, phantom, tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    train_backbone(tiny, phantom, folder / "backbone.pt")
    return folder


@pytest.fixture(scope="module")
def workshop(tiny, phantom, work_dir):
    backbone = load_backbone(tiny, work_dir / "backbone.pt")
    return Workshop(tiny, backbone, split_cases(tiny, phantom))


def task(name, *, shift="inverted", seed=0):
    return Task(next(c for c in configurations() if c.name == name), shift, seed)


def test_no_patient_is_in_two_parts(tiny, phantom):
    parts = split_cases(tiny, phantom)
    patients = [{case.patient for case in part} for part in (parts.home, parts.site, parts.test)]
    assert [len(part) for part in patients] == [2, 1, 2]
    assert len(set.union(*patients)) == 5
    assert len(parts.test) == 2  # one volume a patient
    assert len(parts.home) == 4


def test_decoding_kept_features_is_the_network(workshop):
    image = torch.rand(2, 1, 48, 64)
    backbone = workshop.backbone
    with torch.no_grad():
        features = encode(backbone, image)
        torch.testing.assert_close(decode(backbone, features), backbone(image))
        implanted = implant(copy.deepcopy(backbone), lambda connection: Unchanged())
        torch.testing.assert_close(decode(implanted, features), backbone(image))


def test_the_row_without_a_cell_is_the_backbone_as_released(workshop):
    site = workshop.site("bias")
    released = patient_dice(score(workshop.backbone, site.test, num_classes=3))
    record = train_row(task("none", shift="bias"), workshop)
    assert record["dice"] == {patient: round(value, 5) for patient, value in released.items()}
    assert record["steps"] == record["costs"]["parameters"] == 0
    assert record["train_loss"] is None


def test_shifts_differ_from_home_and_augmented_copies_from_each_other(workshop, tiny):
    home = load_site(tiny, workshop.backbone, workshop.parts, shift=None)
    for shift in tiny.shifts:
        site = workshop.site(shift)
        assert not torch.allclose(site.test.features[0], home.test.features[0])
        torch.testing.assert_close(site.test.labels, home.test.labels)
        assert len(site.train) % tiny.integer("site_copies") == 0
        first, second = site.train.features[0].chunk(2)
        assert not torch.allclose(first, second)


def test_a_row_is_repeatable_and_seeds_differ(workshop):
    name = "uniform-sep_conv_3x3-1"
    first, again = (train_row(task(name), workshop) for _ in range(2))
    assert first["dice"] == again["dice"]
    assert first["train_loss"] == again["train_loss"]
    assert first["train_loss"] != train_row(task(name, seed=1), workshop)["train_loss"]
    assert first["backbone"] == backbone_digest(workshop.backbone)


def test_a_longer_recipe_lowers_the_loss(workshop, tiny):
    recipe = replace(tiny.recipe("cell_training"), steps=30, warmup_steps=1)
    short = train_row(task("uniform-sep_conv_3x3-1"), workshop)
    trained = train_row(task("uniform-sep_conv_3x3-1"), workshop, recipe=recipe)
    assert trained["train_loss"] < short["train_loss"]


def test_filling_makes_each_row_once_whatever_stopped_it(tiny, phantom, work_dir, tmp_path):
    options = {"work_dir": tmp_path, "kept": tmp_path / "kept.jsonl"}
    options["backbone_path"] = work_dir / "backbone.pt"
    wanted = [row.key for row in tasks(tiny)]
    assert fill_table(tiny, phantom, limit=2, **options) == 2
    (tmp_path / "raw" / ".torn.tmp").write_text("{")  # of a kill in the midst of writing
    assert fill_table(tiny, phantom, limit=3, **options) == 3
    assert sorted(map(row_key, read_raw(tmp_path / "raw"))) == sorted(wanted[:5])


def test_rows_of_another_backbone_are_made_again(tiny, phantom, work_dir, tmp_path):
    kept = tmp_path / "kept.jsonl"
    options = {"backbone_path": work_dir / "backbone.pt", "kept": kept, "limit": 1}
    fill_table(tiny, phantom, work_dir=tmp_path / "first", **options)
    (row,) = read_raw(tmp_path / "first" / "raw")
    kept.write_text(json.dumps({**row, "backbone": "sha256:0"}) + "\n", encoding="utf-8")
    fill_table(tiny, phantom, work_dir=tmp_path / "second", **options)
    (again,) = read_raw(tmp_path / "second" / "raw")
    assert (row_key(again), again["backbone"]) == (row_key(row), row["backbone"])


def test_rows_of_other_settings_stop_it(tiny, phantom, work_dir, tmp_path):
    options = {"work_dir": tmp_path, "kept": tmp_path / "kept.jsonl", "limit": 1}
    options["backbone_path"] = work_dir / "backbone.pt"
    fill_table(tiny, phantom, **options)
    other = TableSettings(tiny.name, {**tiny.content, "site_copies": 3})
    with pytest.raises(ValueError, match="made with other settings than hippocampus"):
        fill_table(other, phantom, **options)
