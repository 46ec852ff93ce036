"""Rules between options, each by itself, for what no bundle of the tests shows."""

from __future__ import annotations

import pytest

from iac_components.bundling.options.consistency.rules import RULES, broken_rules, register_rule


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"architecture_every": 7, "steps_per_epoch": 2, "warmup_epochs": 1, "epochs": 3},
            "--architecture_every is 7: with --steps_per_epoch 2 and --epochs 3",
        ),
        (
            {"architecture_every": 4, "steps_per_epoch": 2, "warmup_epochs": 2, "epochs": 3},
            "--architecture_every is 4",
        ),
        ({"voxel_size_range": [3, 1]}, "the first must be below the second"),
        ({"base_features": 32, "max_features": 16}, "it must be at least --base_features 32"),
        ({"keep_schedule": [5], "num_depths": 3}, "4 at most, fewer than the 5 operations"),
        ({"edge_schedule": [3], "num_nodes": 1}, "2 at most, the inputs of the last node"),
        (
            {"patch_size": [64, 32], "field_of_view": [64, 16, -1], "augment": False},
            "--field_of_view [64, 16, -1]",
        ),
    ],
)
def test_a_broken_rule(values, words):
    (fault,) = broken_rules(values)
    assert words in fault


@pytest.mark.parametrize(
    "values",
    [
        {"architecture_every": 5, "steps_per_epoch": 2, "warmup_epochs": 1, "epochs": 3},
        {"architecture_every": 99, "steps_per_epoch": None, "warmup_epochs": 1, "epochs": 3},
        {"voxel_size_range": None},
        {"voxel_size_range": [0.01, 50.0]},
        {"base_features": 4, "max_features": 4},
        {"edge_schedule": [2], "num_nodes": 1},
        {"patch_size": [64, 32], "field_of_view": [-1, -1, -1], "augment": True},
        {"patch_size": [64, 32], "field_of_view": [32, 32, -1]},
        {"fold": 9},
    ],
    ids=str,
)
def test_a_kept_rule(values):
    assert list(broken_rules(values)) == []


def test_a_rule_of_ones_own(monkeypatch):
    monkeypatch.setattr(
        "iac_components.bundling.options.consistency.rules.RULES", type(RULES)("rule")
    )

    @register_rule("mine", "epochs")
    def check(values):
        yield f"--epochs is {values['epochs']}"

    assert list(broken_rules({"epochs": 3})) == ["--epochs is 3"]
    assert list(broken_rules({})) == []
    with pytest.raises(ValueError, match="rule 'mine' is registered already"):
        register_rule("mine")(check)
