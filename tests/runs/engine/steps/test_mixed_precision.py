"""``amp`` on a CPU: bfloat16 within the network, float32 outside of it."""

from __future__ import annotations

import pytest
import torch
from api_project import Circles, unet
from ignite.engine import Events
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.inferers import SimpleInferer, SlidingWindowInferer
from torch import nn
from torch.utils.data import DataLoader

import iac_components as iac
from iac_components.engine import run_until_signal
from iac_components.engine.steps import mixed_precision
from iac_components.engine.steps.mixed_precision import (
    Bfloat16Inferer,
    has_bfloat16_units,
    in_bfloat16,
)


class Watched(nn.Module):
    """A convolution that notes the precision of what it gives."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3, padding=1)
        self.seen = set()

    def forward(self, image):
        prediction = self.layer(image)
        self.seen.add(prediction.dtype)
        return prediction


@pytest.fixture
def network():
    return Watched()


def batches():
    items = [{"image": torch.rand(1, 8, 8), "label": torch.rand(2, 8, 8)} for _ in range(4)]
    return DataLoader(items, batch_size=2)


def trainer(network, amp, seen):
    def loss(prediction, label):
        seen.add(prediction.dtype)
        return (prediction - label).square().mean()

    return SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=batches(),
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), 0.1),
        loss_function=loss,
        amp=amp,
        decollate=False,
    )


@pytest.mark.parametrize(("amp", "within"), [(True, torch.bfloat16), (False, torch.float32)])
def test_training(network, amp, within):
    of_loss = set()
    engine = trainer(network, amp, of_loss)
    before = network.layer.weight.detach().clone()
    run_until_signal(engine)
    assert network.seen == {within}
    assert of_loss == {torch.float32}
    assert network.layer.weight.dtype == network.layer.weight.grad.dtype == torch.float32
    assert not torch.equal(network.layer.weight, before)


@pytest.mark.parametrize("inferer", [SimpleInferer(), SlidingWindowInferer((8, 8), 2)])
@pytest.mark.parametrize(("amp", "within"), [(True, torch.bfloat16), (False, torch.float32)])
def test_evaluation(network, inferer, amp, within):
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=batches(),
        network=network,
        inferer=inferer,
        amp=amp,
    )
    given = []
    evaluator.add_event_handler(
        Events.ITERATION_COMPLETED, lambda e: given.extend(item["pred"] for item in e.state.output)
    )
    run_until_signal(evaluator)
    assert network.seen == {within}
    assert {pred.dtype for pred in given} == {torch.float32}


def test_a_trainers_validators_follow_it(network):
    validator = SupervisedEvaluator(
        device=torch.device("cpu"), val_data_loader=batches(), network=network, amp=True
    )
    engine = trainer(Watched(), False, set())
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda _: validator.run())
    run_until_signal(engine, [validator])
    assert network.seen == {torch.bfloat16}


def test_a_second_run_computes_as_the_first(network):
    engine = trainer(network, True, set())
    run_until_signal(engine)
    run_until_signal(engine)
    assert not isinstance(engine.inferer.inferer, Bfloat16Inferer)


def test_several_predictions_come_in_float32(network):
    predictions = Bfloat16Inferer(SimpleInferer())(
        torch.rand(1, 1, 8, 8), lambda image: [network(image), {"half": network(image)}]
    )
    assert network.seen == {torch.bfloat16}
    assert predictions[0].dtype == predictions[1]["half"].dtype == torch.float32


def test_an_option_of_python(tmp_path):
    losses = {}
    for amp in (False, True):
        torch.manual_seed(0)
        network = iac.train(
            unet(2), Circles(2), output_dir=tmp_path / str(amp), epochs=1, device="cpu", amp=amp
        )
        losses[amp] = torch.cat([value.flatten() for value in network.state_dict().values()])
    assert losses[True].isfinite().all()
    assert not torch.equal(losses[True], losses[False])
    assert torch.allclose(losses[True], losses[False], atol=0.05)


def test_a_weight_that_was_used_without_a_gradient_still_gets_one():
    layer = nn.Conv2d(1, 2, 3, padding=1)
    cached = []

    def twice(image):
        cached.append(torch.is_autocast_cache_enabled())
        with torch.no_grad():
            kept = layer(image)
        return layer(image) + kept

    in_bfloat16(twice)(torch.rand(2, 1, 8, 8)).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
    # Only torch 2.8 loses the gradient by the cache.
    assert cached == [False]


def test_units_are_those_that_torch_tells_of(monkeypatch):
    cpu = torch.device("cpu")
    for found in ({"amx_bf16": True}, {"amx_bf16": False, "avx512_bf16": True}, {}):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        assert has_bfloat16_units(cpu) is found.get("amx_bf16", False)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert has_bfloat16_units(cpu) is False
    assert has_bfloat16_units(torch.device("meta")) is False


@pytest.mark.parametrize(("amp", "units"), [(False, True), (False, False), (True, True)])
def test_a_training_that_could_be_faster_says_so(network, monkeypatch, caplog, amp, units):
    monkeypatch.setattr(mixed_precision, "has_bfloat16_units", lambda device: units)
    with caplog.at_level("INFO"):
        run_until_signal(trainer(network, amp, set()))
    assert ("--amp true" in caplog.text) is (units and not amp)
