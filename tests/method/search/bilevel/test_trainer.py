"""The bilevel engine: each step moves its own parameters, and nothing else."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Events
from torch.utils.data import DataLoader, Subset

from iac_components.engine.steps.mixed_precision import Bfloat16Inferer
from iac_components.search import FirstOrderGradient, SecondOrderGradient

ARCHITECTURE = {"architecture.alphas", "architecture.betas"}


class Spy(FirstOrderGradient):
    """Sees the network right before and after the weight step, and the batches of the other."""

    def __init__(self, network, changed):
        self.network, self.changed = network, changed
        self.before = changed(network)
        self.weight_steps, self.calls = [], 0

    def compute(self, architecture_loss, weight_loss, **parameters):
        self.calls += 1
        self.weight_steps.append(self.changed(self.network, self.before))
        self.before_architecture_step = self.changed(self.network)
        return super().compute(architecture_loss, weight_loss, **parameters)


@pytest.mark.parametrize("frozen", [True, False])
def test_each_step_moves_its_own(make_search, make_supernet, changed, frozen):
    network = make_supernet(frozen=frozen)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(".scale"):
                parameter.fill_(0.5)
    spy = Spy(network, changed)
    found = make_search(
        network=network,
        epochs=1,
        batches=1,
        keep_schedule=(),
        edge_schedule=(),
        architecture_gradient=spy,
    ).run()
    (moved,) = spy.weight_steps
    assert moved
    assert not moved & ARCHITECTURE
    assert all(".skip_module." in key for key in moved) == frozen
    assert any("running_mean" in key for key in moved) != frozen
    afterwards = changed(network, spy.before_architecture_step)
    # Nor do running statistics of a joint backbone learn from the architecture half.
    assert afterwards == ARCHITECTURE
    assert found.trainer.state.output["architecture_loss"].ndim == 0


@pytest.mark.parametrize("warmup", [0, 1])
def test_no_gradient_is_left_behind(make_search, warmup):
    """Nor computed: in the warm-up, where no architecture step would clear it, it would show."""
    search = make_search(epochs=1, warmup_epochs=warmup, keep_schedule=(), edge_schedule=()).run()
    assert all(p.grad is None for p in search.network.architecture_parameters())
    assert all(p.requires_grad for p in search.network.architecture_parameters())
    assert all(p.requires_grad for p in search.network.weight_parameters())


def test_second_order_runs_and_differs(make_search):
    options = {"epochs": 2, "keep_schedule": (), "edge_schedule": ()}
    first = make_search(**options).run()
    second = make_search(architecture_gradient=SecondOrderGradient(0.5), **options).run()
    alphas = [s.network.architecture.alphas for s in (first, second)]
    assert torch.isfinite(alphas[1]).all()
    assert not torch.equal(*alphas)


def test_differences_of_the_second_order_are_taken_in_float32(make_search):
    """In bfloat16 they would be rounding, 1e-2 of a loss against steps of 1e-2 of the weights."""
    seen = []

    class Seen(SecondOrderGradient):
        def compute(self, architecture_loss, weight_loss, **parameters):
            batch = search.trainer.state.batch
            exact = search.trainer.loss_function(search.network(batch["image"]), batch["label"])
            seen.append((weight_loss().item(), exact.item()))
            return super().compute(architecture_loss, weight_loss, **parameters)

    search = make_search(
        epochs=1, batches=1, keep_schedule=(), edge_schedule=(), architecture_gradient=Seen()
    )
    search.trainer.inferer = Bfloat16Inferer(search.trainer.inferer)
    search.run()
    ((found, expected),) = seen
    assert found == expected


@pytest.mark.parametrize(
    ("warmup", "every", "expected"),
    [(0, 1, [1, 2, 3, 4, 5, 6]), (1, 1, [4, 5, 6]), (2, 1, []), (0, 2, [2, 4, 6]), (1, 4, [4])],
)
def test_architecture_steps_are_due(make_search, warmup, every, expected):
    search = make_search(
        epochs=2,
        batches=3,
        warmup_epochs=warmup,
        architecture_every=every,
        keep_schedule=(),
        edge_schedule=(),
    )
    before = search.network.architecture.alphas.detach().clone()
    steps = []

    @search.trainer.on(Events.ITERATION_COMPLETED)
    def note(engine):
        if "architecture_loss" in engine.state.output:
            steps.append(engine.state.iteration)
        elif not steps:
            assert torch.equal(search.network.architecture.alphas, before)

    search.run()
    assert steps == expected
    assert torch.equal(search.network.architecture.alphas, before) == (not expected)


def test_one_batch_architecture_half_goes_round(make_search):
    search = make_search(
        epochs=1, batches=4, architecture_batches=1, keep_schedule=(), edge_schedule=()
    )
    losses = []
    search.trainer.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda e: losses.append(float(e.state.output["architecture_loss"])),
    )
    search.run()
    assert len(losses) == 4
    assert all(loss > 0 for loss in losses)


def test_architecture_half_is_gone_through_in_turn(make_search):
    search = make_search(
        epochs=1, batches=3, architecture_batches=3, keep_schedule=(), edge_schedule=()
    )
    seen, original = [], search.trainer._next_architecture_batch

    def spy():
        batch = original()
        seen.extend(batch["image"].sum(dim=(1, 2, 3)).tolist())
        return batch

    search.trainer._next_architecture_batch = spy
    search.run()
    assert len(seen) == len(set(seen)) == 6


def test_epoch_may_be_shorter_than_the_loader(make_search):
    search = make_search(
        epochs=2, batches=4, epoch_length=2, keep_schedule=(), edge_schedule=()
    ).run()
    assert len(search.losses) == 4


def arguments(search):
    trainer = search.trainer
    return {
        "device": "cpu",
        "max_epochs": 1,
        "train_data_loader": trainer.data_loader,
        "network": search.network,
        "optimizer": search.optimizer,
        "loss_function": trainer.loss_function,
        "architecture_data_loader": trainer.architecture_data_loader,
        "architecture_optimizer": search.architecture_optimizer,
    }


@pytest.mark.parametrize("name", ["train_data_loader", "architecture_data_loader"])
def test_empty_loader_is_named(make_search, name):
    search = make_search(epochs=1)
    good = arguments(search)
    good[name] = DataLoader(Subset(good[name].dataset, [0]), batch_size=2, drop_last=True)
    with pytest.raises(ValueError, match=rf"{name} has no batch: add patients"):
        type(search.trainer)(**good)


@pytest.mark.parametrize(
    ("which", "case"),
    [(which, case) for which in ("weight", "architecture") for case in ("all", "other", "part")],
)
def test_optimizer_must_hold_its_own_set(make_search, which, case):
    search = make_search(epochs=1)
    weights, architecture = (
        list(search.network.weight_parameters()),
        list(search.network.architecture_parameters()),
    )
    mine, other = (weights, architecture) if which == "weight" else (architecture, weights)
    chosen = {"all": weights + architecture, "other": other, "part": mine[1:]}[case]
    good = arguments(search)
    name = "optimizer" if which == "weight" else "architecture_optimizer"
    good[name] = torch.optim.SGD(chosen, lr=0.1)
    with pytest.raises(ValueError, match=rf"the {which} optimizer does not hold exactly"):
        type(search.trainer)(**good)


@pytest.mark.parametrize("options", [{"warmup_epochs": -1}, {"architecture_every": 0}])
def test_bad_counts(make_search, options):
    with pytest.raises(ValueError, match="warmup_epochs must be at least 0 and architecture_every"):
        make_search(**options)


@pytest.mark.parametrize("frozen", [True, False])
def test_parameter_sets_are_disjoint_and_complete(make_supernet, frozen):
    network = make_supernet(frozen=frozen)
    weights = {id(p) for p in network.weight_parameters()}
    architecture = {id(p) for p in network.architecture_parameters()}
    assert not weights & architecture
    trained = {id(p) for p in network.parameters() if p.requires_grad}
    assert weights | architecture == trained
    assert len(architecture) == 2


def test_infinite_architecture_gradient_is_not_stepped(make_search):
    class Broken(FirstOrderGradient):
        def compute(self, architecture_loss, weight_loss, **parameters):
            loss, gradients = super().compute(architecture_loss, weight_loss, **parameters)
            return loss, (gradients[0] * float("inf"), *gradients[1:])

    search = make_search(
        epochs=1, architecture_gradient=Broken(), keep_schedule=(), edge_schedule=()
    )
    before = [p.detach().clone() for p in search.network.architecture_parameters()]
    search.run()
    for parameter, value in zip(search.network.architecture_parameters(), before, strict=True):
        assert torch.equal(parameter, value)
