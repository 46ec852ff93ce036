"""A run that was cut off ends as if it had not been; another's checkpoint is refused."""

from __future__ import annotations

import signal
from functools import partial

import pytest
import torch
from api_project import CELL, SEARCH, Circles, unet
from monai.losses import DiceCELoss
from torch.utils.data import DataLoader

import iac_components as iac
from iac_components.engine import CheckpointError

LONG = {"epochs": 2, "steps_per_epoch": 2, "val_interval": 1}


def _crash():
    raise RuntimeError("the machine went down")


@pytest.fixture
def cut_off(monkeypatch):
    """Let the loss fail at its n-th call, once."""

    def after(calls, event=_crash):
        forward, count = DiceCELoss.forward, iter(range(1, 1000))

        def fail(self, *arguments):
            if next(count) == calls:
                monkeypatch.setattr(DiceCELoss, "forward", forward)
                event()
            return forward(self, *arguments)

        monkeypatch.setattr(DiceCELoss, "forward", fail)

    return after


def same(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("own_loader", [False, True])
def test_training_resumes_bit_by_bit(own_loader, cut_off, tmp_path):
    items = DataLoader(Circles(4), batch_size=2, shuffle=True) if own_loader else Circles(4)
    more = LONG if own_loader else {**LONG, "batch_size": 2}
    whole = iac.train(unet(2), items, Circles(2), output_dir=tmp_path / "whole", **more)
    cut_off(4)
    with pytest.raises(RuntimeError, match="went down"):
        iac.train(unet(2), items, Circles(2), output_dir=tmp_path / "cut", **more)
    torch.manual_seed(9)
    resumed = iac.train(
        unet(2), items, Circles(2), output_dir=tmp_path / "cut", resume=True, **more
    )
    assert same(whole, resumed)
    final = [torch.load(tmp_path / run / "model_final.pt")["model"] for run in ("whole", "cut")]
    assert all(torch.equal(final[0][key], final[1][key]) for key in final[0])


@pytest.mark.filterwarnings("ignore")
def test_an_interrupt_ends_the_run_and_its_lock(cut_off, tmp_path):
    more = {**LONG, "batch_size": 2, "output_dir": tmp_path}
    cut_off(3, partial(signal.raise_signal, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        iac.train(unet(2), Circles(4), **more)
    assert not (tmp_path / ".iac_components.lock").exists()
    assert (tmp_path / "checkpoints" / "checkpoint_epoch=1.pt").exists()
    iac.train(unet(2), Circles(4), resume=True, **more)
    assert (tmp_path / "model_final.pt").exists()


@pytest.mark.filterwarnings("ignore")
def test_search_resumes_and_a_finished_one_is_found_again(cut_off, tmp_path):
    halves = Circles(4), Circles(4, first=10)
    more = {**SEARCH, **CELL, "epochs": 3}
    network = unet(2)
    whole = iac.search_cell(network, *halves, output_dir=tmp_path / "whole", **more)
    cut_off(4)
    with pytest.raises(RuntimeError, match="went down"):
        iac.search_cell(network, *halves, output_dir=tmp_path / "cut", **more)
    resumed = iac.search_cell(network, *halves, output_dir=tmp_path / "cut", resume=True, **more)
    assert resumed.architecture() == whole.architecture()
    again = iac.search_cell(network, *halves, output_dir=tmp_path / "cut", resume=True, **more)
    assert again.architecture() == whole.architecture()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate": 0.1}, "learning_rate: checkpoint 0.001, this run 0.1"),
        ({"seed": 3}, "seed: checkpoint 0, this run 3"),
        ({"loss": torch.nn.functional.cross_entropy}, "loss: checkpoint"),
        ({"epochs": 1}, "epochs is 1, but checkpoint"),
    ],
)
def test_another_run_is_refused(change, words, trained):
    folder, items = trained
    with pytest.raises(CheckpointError, match=words):
        iac.train(
            unet(2), items, output_dir=folder, resume=True, **{**LONG, "batch_size": 2, **change}
        )


@pytest.mark.filterwarnings("ignore")
def test_another_network_or_data_are_refused(trained):
    folder, items = trained
    more = {**LONG, "batch_size": 2, "output_dir": folder, "resume": True}
    with pytest.raises(CheckpointError, match="network: checkpoint UNet"):
        iac.train(unet(3), items, **more)
    with pytest.raises(CheckpointError, match="part 'train' of the data: checkpoint 4 cases"):
        iac.train(unet(2), Circles(6), **more)


@pytest.mark.filterwarnings("ignore")
def test_another_frozen_backbone_is_refused(tmp_path):
    halves = Circles(4), Circles(4, first=10)
    more = {**SEARCH, **CELL, "output_dir": tmp_path}
    network = unet(2)
    iac.search_cell(network, *halves, **more)
    with torch.no_grad():
        next(network.parameters()).add_(1)
    with pytest.raises(CheckpointError, match="content of weights that are not trained"):
        iac.search_cell(network, *halves, resume=True, **more)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder, items = tmp_path_factory.mktemp("trained"), Circles(4)
    iac.train(unet(2), items, output_dir=folder, batch_size=2, **LONG)
    return folder, items
