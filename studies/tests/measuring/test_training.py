"""Training settings as read from a train bundle's configs."""

from __future__ import annotations

import json

from studies.measuring.training import BundleTraining


def test_own_steps_are_all_epochs_of_the_whole_part(tmp_path):
    config = {
        "epochs": 3,
        "batch_size": 2,
        "train": {"dataloader": "$list(range(0, 7, @batch_size))"},
    }
    (tmp_path / "train.json").write_text(json.dumps(config), encoding="utf-8")
    # The steps of a benchmark's epoch do not shorten the configs' own.
    assert BundleTraining(tmp_path, {}, steps_per_epoch=1).own_steps() == 3 * 4
    assert BundleTraining(tmp_path, {"batch_size": 4}, steps_per_epoch=1).own_steps() == 3 * 2
