"""Planted spaces: their pieces, and their short form, whose truth is exact."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import BasicUNet
from studies.planted.search import SearchRecipe

from iac_components.networks import CellSearchNetwork
from iac_components.search import PatientBatch, PatientLosses
from iac_components.search_space import registered_operations
from studies.cell_table.backbone import train_backbone
from studies.cell_table.features import encode
from studies.planted.answers import read_answer
from studies.planted.hits import hit_rate
from studies.planted.operations import CANDIDATES, DIRECTIONS, Noise, Roll
from studies.planted.report import report
from studies.planted.run import fill_planted
from studies.planted.short_form import run_short_form
from studies.planted.tasks import OPPOSITE, corrupt, planted_tasks

TASKS = {task.name: task for task in planted_tasks()}


def test_twenty_tasks_and_the_null_whose_remedies_are_candidates():
    assert len(TASKS) == 21
    assert set(CANDIDATES) <= set(registered_operations())
    assert {task.remedy for task in TASKS.values()} - set(CANDIDATES) == {""}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_opposite_roll_undoes_a_roll(direction):
    image = torch.rand(1, 2, 8, 9)
    rolled = Roll(direction)(image)
    assert not torch.equal(rolled, image)
    assert torch.equal(Roll(OPPOSITE[direction])(rolled), image)


def test_noise_is_fresh():
    image = torch.zeros(1, 2, 4, 4)
    assert not torch.equal(Noise()(image), Noise()(image))


def supernet():
    torch.manual_seed(0)
    backbone = BasicUNet(2, 1, 2, (4,) * 6).eval()
    return CellSearchNetwork(
        backbone, operations=CANDIDATES, num_nodes=1, input_shape=(1, 1, 32, 32)
    )


def test_only_the_named_levels_are_corrupted():
    image = torch.rand(1, 1, 32, 32)
    seen = {}
    network = supernet().eval()
    corrupt(network, TASKS["left-1"])
    for level, fusion in enumerate(
        (network.backbone.upcat_1, network.backbone.upcat_2, network.backbone.upcat_3)
    ):
        fusion.block.register_forward_pre_hook(
            lambda _, inputs, level=level: seen.update({level: inputs[1]})
        )
    with torch.no_grad():
        network(image)
        plain = encode(supernet().backbone, image)
    torch.testing.assert_close(seen[0], plain[0])
    torch.testing.assert_close(seen[1], torch.roll(plain[1], -3, dims=-1))
    torch.testing.assert_close(seen[2], plain[2])


@pytest.mark.parametrize("name", ["left-0", "down-0", "right-0123"])
def test_the_audit_names_what_was_planted(name):
    found = run_short_form(name)
    assert found["audit"] == TASKS[name].remedy
    assert found["effect"] > 0
    assert TASKS[name].remedy in found["race"]
    assert len(found["race"]) < len(CANDIDATES)


def test_where_nothing_is_planted_no_cell_is_needed():
    found = run_short_form("null")
    assert not found["needed"]
    assert max(found["cells"]) < 0.003


def test_a_fresh_supernet_has_no_answer():
    network = supernet()
    images = torch.rand(4, 1, 32, 32)
    batch = PatientBatch(images, images, {f"p{row}": slice(row, row + 1) for row in range(4)})
    answer = read_answer(PatientLosses(network, [batch], lambda a, b: (a[:, :1] - b).abs().mean()))
    assert answer.effect == answer.margin == 0
    assert not answer.needed


def test_hits_are_held_against_chance():
    found = hit_rate(17, 20, chance=1 / 8)
    assert found.p_value < 1e-9
    assert found.low < 0.85 < found.high
    assert hit_rate(3, 20, chance=1 / 8).p_value > 0.4
    with pytest.raises(ValueError, match="got 3 of 2"):
        hit_rate(3, 2, chance=0.5)


def test_runs_are_made_once_and_reported(tiny, phantom, tmp_path):
    train_backbone(tiny, phantom, tmp_path / "backbone.pt")
    options = {
        "backbone_file": tmp_path / "backbone.pt",
        "raw": tmp_path / "raw",
        "patients": 1,
    }
    recipe = SearchRecipe(steps=2, warmup_steps=1, batch_size=2)
    assert fill_planted(tiny, phantom, recipe=recipe, limit=1, **options) == 1
    assert fill_planted(tiny, phantom, recipe=recipe, limit=1, **options) == 1
    assert len(list((tmp_path / "raw").glob("*.json"))) == 2
    with pytest.raises(ValueError, match="another recipe"):
        fill_planted(tiny, phantom, recipe=SearchRecipe(steps=3), limit=0, **options)


def test_a_report_counts_planted_and_null_runs():
    run = {"alphas": "a", "audit": "planted_roll_up", "decided": True, "needed": True}
    run["race"] = ["none", "planted_roll_up"]
    text = report([{**run, "remedy": "planted_roll_up"}, {**run, "remedy": "", "needed": False}])
    assert "| alphas | 0 of 1 |" in text
    assert "| audit | 1 of 1 |" in text
    assert "| race | 0 of 1 |" in text
    assert "ended on one operation: 0" in text
    assert "no cell needed in 1 of 1" in text
