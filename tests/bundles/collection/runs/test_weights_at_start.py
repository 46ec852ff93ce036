"""Runs of the bundles: other weights put into the network make another run."""

from __future__ import annotations

import shutil

import pytest
import torch
from refused_runs import refusal


def other_weights(chain, folder):
    """A file of weights for the plain network, of no run."""
    state = torch.load(chain.plain_ckpt, weights_only=True)["model"]
    path = folder / "others.pt"
    torch.save({"model": {key: value + 1 for key, value in state.items()}}, path)
    return path


def loader_of(path):
    return {
        "_target_": "CheckpointLoader",
        "load_path": str(path),
        "load_dict": {"model": "@network_def"},
    }


@pytest.fixture
def resumed(chain, tmp_path):
    """Return a function that resumes a copy of the plain training for another epoch."""
    folder = tmp_path / "plain"
    shutil.copytree(chain.root / "plain", folder)
    places = {"output_dir": str(folder), "ckpt_dir": str(folder / "models"), **chain.common}

    def run(**options):
        settings = {**places, "skip_module": "plain", "resume": True, "epochs": 3, **options}
        chain.bundles.run("train", settings)
        return torch.load(folder / "models" / "model_final.pt", weights_only=True)["run"]

    return run


def configured(chain, key):
    return chain.bundles.workflow("train", {}).parser.get(key)


def test_weights_that_a_handler_loads_are_another_run(chain, resumed, unread, tmp_path):
    handlers = [loader_of(other_weights(chain, tmp_path)), *configured(chain, "train#handlers")]
    message = refusal(lambda: resumed(**{"train#handlers": handlers}))
    assert "file loaded by train#handlers#CheckpointLoader: checkpoint without" in message


@pytest.mark.parametrize("place", [1, None])
def test_weights_that_a_step_loads_are_another_run(chain, resumed, tmp_path, place):
    step = f"$@network_def.load_state_dict(torch.load('{other_weights(chain, tmp_path)}')['model'])"
    steps = configured(chain, "initialize")
    steps.insert(len(steps) if place is None else place, step)
    message = refusal(lambda: resumed(initialize=steps))
    assert "weights put into the network before the run: checkpoint without, this run" in message


def test_its_own_weights_are_no_other_run(chain, resumed):
    """As MONAI Label continues: with a handler before the others that loads the bundle's model."""
    handlers = [loader_of(chain.plain_ckpt), *configured(chain, "train#handlers")]
    before = torch.load(chain.plain_ckpt, weights_only=True)["run"]
    after = resumed(**{"train#handlers": handlers})
    assert after["digest"] == before["digest"]
    assert after["epoch"] == 3
    assert before["weights_at_start"] is after["weights_at_start"] is None
