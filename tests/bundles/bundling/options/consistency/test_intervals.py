"""A handler whose interval is longer than the run never acts, wherever it stands."""

from __future__ import annotations

import pytest

SAVER = {"_target_": "CheckpointSaver", "save_dir": "x", "save_dict": {"a": "$@network_def"}}
NEVER = "would never act. Lower it."


def handlers(stage, method):
    """Places of the handlers with an interval in epochs, by their kind."""
    return {
        ("search", "iac"): {"train#handlers#2#every": "SearchCheckpoints"},
        ("train", "iac"): {
            "train#handlers#2#interval": "ValidationHandler",
            "train#handlers#3#every": "RunCheckpoints",
        },
        ("search", "dints"): {
            "train#handlers#2#interval": "ValidationHandler",
            "train#checkpoint#every": "SearchCheckpoints",
        },
        ("train", "dints"): {
            "train#handlers#2#interval": "ValidationHandler",
            "train#handlers#3#every": "RunCheckpoints",
        },
    }[stage, method]


PLACES = [
    (stage, method, place, kind)
    for stage in ("search", "train")
    for method in ("iac", "dints")
    for place, kind in handlers(stage, method).items()
]


@pytest.mark.parametrize(("stage", "method", "place", "kind"), PLACES)
@pytest.mark.parametrize("value", [999, "$99 * @epochs", "$3 * @train#trainer#max_epochs"])
def test_longer_than_the_run(refusal, stage, method, place, kind, value):
    message = refusal(stage, {place: value, "epochs": 150}, method=method)
    if "train#trainer" in str(value):
        value = str(value).replace("#", "::")
    number = {"$99 * @epochs": 14850, "$3 * @train::trainer::max_epochs": 450}.get(value, value)
    assert message == (f"--{place} is {number}: in the 150 epochs of this run {kind} {NEVER}")


@pytest.mark.parametrize("value", [150, 1, "$@epochs", "$min(7, @epochs)", "$len([1, 2])"])
@pytest.mark.parametrize(("stage", "method", "place", "kind"), PLACES)
def test_within_the_run(refusal, stage, method, place, kind, value):
    assert refusal(stage, {place: value, "epochs": 150}, method=method) is None


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        ({**SAVER, "save_interval": 11}, "in the 10 epochs of this run CheckpointSaver"),
        ({**SAVER, "save_interval": 10}, None),
        ({**SAVER, "save_interval": 51, "epoch_level": False}, "in the 50 steps of this run"),
        ({**SAVER, "save_interval": 50, "epoch_level": False}, None),
        ({**SAVER, "save_final": True}, None),
    ],
)
@pytest.mark.parametrize("where", ["train#handlers", "train#trainer#train_handlers"])
def test_a_handler_of_the_users_own(refusal, handler, words, where):
    options = {where: [handler], "epochs": 10, "steps_per_epoch": 5}
    message = refusal("train", options)
    assert (message is None) if words is None else (words in message)


def test_the_length_that_a_client_sets(refusal):
    options = {"train#trainer#max_epochs": 3, "train#handlers#2#interval": 4}
    assert "in the 3 epochs of this run" in refusal("train", options)
    assert refusal("train", {"train#trainer#max_epochs": 3}) is None


def test_an_evaluation_trains_nothing(refusal):
    assert refusal("train", {"epochs": 3}, "evaluate") is None
