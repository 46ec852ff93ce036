"""Weights that a handler or a step of the config loads are part of the run's record."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import partial
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from iac_components.common.console.brief_errors import brief_message
from iac_components.engine.checkpoints.checkpoint_file import CheckpointError
from iac_components.engine.checkpoints.same_run import adopt_start, require_same_run
from iac_components.engine.records.run_record import LOADED_BY

CONFIG = {
    "imports": ["$from iac_components.engine import record_run"],
    "epochs": 10,
    "seed": 0,
    "folder": "/nowhere",
    "network_def": {"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1},
    "train": {
        "dataset": {"data": []},
        "handlers": [
            {"_target_": "StatsHandler"},
            {"_target_": "iac_components.engine.ResumableCheckpoint", "directory": "x"},
        ],
        "trainer": {"_target_": "T", "max_epochs": "@epochs", "train_handlers": "@train#handlers"},
    },
    "validate": {"handlers": [{"_target_": "StatsHandler"}]},
    "run_record": "$record_run('training', parts={'train': @train#dataset#data})",
}


def loader(path, **more):
    return {
        "_target_": "CheckpointLoader",
        "load_path": str(path),
        "load_dict": {"model": "@network_def"},
        **more,
    }


def prepend(handler, config):
    config["train"]["handlers"].insert(0, handler)


def put(where, value, config):
    *above, last = where.split("#")
    for key in above:
        config = config[key]
    config[last] = value


def record(change=lambda config: None):
    config = deepcopy(CONFIG)
    change(config)
    return ConfigParser(config).get_parsed_content("run_record")


@pytest.fixture
def weights(tmp_path):
    """Return a function that writes a file of weights."""

    def write(value=1.0, name="weights.pt", run=None) -> Path:
        path = tmp_path / name
        torch.save({"model": {"weight": torch.tensor(value)}, "run": run or {}}, path)
        return path

    return write


PLACES = {
    "train#handlers#CheckpointLoader": prepend,
    "validate#handlers#CheckpointLoader": lambda handler, config: put(
        "validate#handlers", [handler], config
    ),
    "train#trainer#train_handlers#CheckpointLoader": lambda handler, config: put(
        "train#trainer#train_handlers", [handler], config
    ),
    "mine": partial(put, "mine"),
    "train#starting#first": lambda handler, config: put(
        "train#starting", {"first": handler}, config
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_content_counts_wherever_the_handler_stands(weights, place):
    plain = record()
    with_file = [
        record(lambda config, path=path: PLACES[place](loader(path), config))
        for path in (weights(1.0, "a.pt"), weights(2.0, "b.pt"))
    ]
    same = weights(1.0, "a.pt").rename(weights(1.0, "a.pt").with_name("moved.pt"))
    moved = record(lambda config: PLACES[place](loader(same), config))
    digests = {one.digest for one in (plain, *with_file)}
    assert len(digests) == 3
    assert moved.digest == with_file[0].digest
    name = f"{LOADED_BY}{place}"
    assert with_file[0].identity()[name].startswith("sha256:")
    assert with_file[0].provenance()["files"][name] == with_file[0].identity()[name]
    assert str(same) not in json.dumps(moved.identity())


@pytest.mark.parametrize(
    "more",
    [
        {"load_dict": {"network": "@network_def"}},
        {"strict": False},
        {"strict_shape": False},
        {"_target_": "my.OwnLoader"},
    ],
    ids=str,
)
def test_how_it_is_loaded_counts(weights, more):
    path = weights()
    before = record(lambda config: prepend(loader(path), config))
    assert record(lambda config: prepend(loader(path, **more), config)).digest != before.digest


@pytest.mark.parametrize("more", [{"map_location": "cpu"}, {"name": "log"}], ids=str)
def test_the_machine_does_not_count(weights, more):
    path = weights()
    before = record(lambda config: prepend(loader(path), config))
    assert record(lambda config: prepend(loader(path, **more), config)).digest == before.digest


def test_expressions_disabled_ones_and_two(weights):
    path = weights()

    def two(config):
        config["folder"] = str(path.parent)
        prepend(loader("$@folder + '/weights.pt'"), config)
        prepend(loader(path), config)
        prepend(loader("/nowhere/x.pt", _disabled_=True), config)

    names = [name for name in record(two).identity() if name.startswith(LOADED_BY)]
    assert names == [f"{LOADED_BY}train#handlers#CheckpointLoader{n}" for n in ("", " 2")]


def refusal(change):
    with pytest.raises(RuntimeError) as caught:
        record(change)
    message = brief_message(caught.value)
    assert message is not None
    assert "\n" not in message
    return message


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "none.pt"
    message = refusal(lambda config: prepend(loader(path), config))
    assert message == (
        f"FileNotFoundError: --train#handlers#0#load_path is '{path}': there is no such file to "
        "load."
    )


def test_a_handler_that_would_load_over_what_is_resumed(weights):
    path = weights()
    message = refusal(lambda config: config["train"]["handlers"].append(loader(path)))
    assert "CheckpointLoader stands behind ResumableCheckpoint" in message


def checkpoint(of):
    return {
        "epoch": 1,
        "ended": False,
        "run": {
            "identity": of.identity(),
            "epochs": 10,
            "steps_per_epoch": None,
            "extensions": [],
            "weights_at_start": of.weights_at_start,
        },
    }


def test_another_file_is_another_run(weights):
    first = record(lambda config: prepend(loader(weights(1.0)), config))
    other = record(lambda config: prepend(loader(weights(2.0)), config))
    for before, after in ((first, other), (record(), other), (first, record())):
        with pytest.raises(CheckpointError, match=r"file loaded by train#handlers#Checkpoint"):
            require_same_run(checkpoint(before), Path("checkpoint_epoch=1.pt"), after)
    require_same_run(checkpoint(first), Path("c"), first)


@pytest.mark.parametrize("with_file", [False, True])
def test_a_run_that_loads_its_own_weights_goes_on(weights, with_file):
    """MONAI Label prepends a loader of ``model.pt`` once there is one."""
    start = weights(0.0, "older.pt")
    first = record(lambda config: prepend(loader(start), config) if with_file else None)
    own = weights(3.0, "model.pt", run={"digest": first.digest})
    again = record(lambda config: prepend(loader(own), config))
    assert again.digest != first.digest
    # Its own weights were put in place when it starts, which is no news either.
    again.begun["weights put into the network before the run"] = "sha256:1"
    content = checkpoint(first)
    require_same_run(content, Path("c"), again)
    adopt_start(content, Path("c"), again)
    # What it writes from now on is of the same run.
    assert again.digest == first.digest
    foreign = weights(3.0, "model.pt", run={"digest": "sha256:other"})
    with pytest.raises(CheckpointError):
        require_same_run(
            content, Path("c"), record(lambda config: prepend(loader(foreign), config))
        )
