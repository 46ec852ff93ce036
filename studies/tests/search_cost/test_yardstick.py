"""The yardstick does what our search does, and takes its time to do it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Events
from monai.losses import DiceCELoss
from monai.networks.nets import DynUNet
from torch.utils.data import Dataset

from iac_components.common.files.tensor_files import write_tensors
from iac_components.data import epoch_loader
from iac_components.engine import EpochSeeding
from iac_components.networks import CellSearchNetwork
from iac_components.networks.implanting.implant import skip_modules
from iac_components.search import (
    CellSearchTrainer,
    JensenShannonStability,
    SearchTrace,
    StabilityPruningHandler,
)
from iac_components.search_space import DEFAULT_OPERATIONS, discretize
from studies.measuring.clock import PARTS, StepClock
from studies.search_cost.searches.yardstick import PlainSearch, PlainSearchCell, plain_supernet

LOSS = DiceCELoss(to_onehot_y=True, softmax=True)


class Images(Dataset):
    """Items drawn by seed and epoch, as those of the bundles."""

    def __init__(self, seed: int) -> None:
        self.seed, self.epoch = seed, 0

    def __len__(self) -> int:
        return 6

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        draw = torch.Generator().manual_seed(1000 * self.seed + 100 * self.epoch + index)
        image = torch.randn(1, 8, 8, generator=draw, dtype=torch.float64)
        return {"image": image, "label": (image > 0.5).double()}


def make_supernet(
    *, spatial_dims: int = 2, operations: tuple[str, ...] = DEFAULT_OPERATIONS, **options: object
) -> CellSearchNetwork:
    """A supernet in float64 whose cells do something: their last scale is not zero."""
    torch.manual_seed(0)
    backbone = DynUNet(
        spatial_dims,
        1,
        2,
        kernel_size=[3, 3, 3],
        strides=[1, 2, 2],
        upsample_kernel_size=[2, 2],
        filters=[8, 16, 8],
        norm_name="batch",
    )
    shape = (1, 1, *[8] * spatial_dims)
    options = {"num_nodes": 2, **options}
    network = CellSearchNetwork(backbone, operations=operations, input_shape=shape, **options)
    with torch.no_grad():
        for cell in skip_modules(network):
            cell.scale.fill_(0.5)
        for parameter in network.architecture_parameters():
            parameter.normal_()
    return network.double()


def pair(**options: object) -> tuple[CellSearchNetwork, CellSearchNetwork]:
    """Our supernet and the plain one, with equal weights."""
    ours, plain = make_supernet(**options), plain_supernet(make_supernet(**options))
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def gradients(network: CellSearchNetwork, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """The output and all gradients of a loss in which every output voxel counts differently."""
    x = x.clone().requires_grad_()
    output = network(x)
    (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
    found = {n: p.grad for n, p in network.named_parameters() if p.requires_grad}
    return {"output": output.detach(), "input": x.grad, **found}


def largest_difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(((a - b).abs().max() / b.abs().max()).detach())


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("divisor", [1, 4])
def test_the_same_outputs_and_gradients(spatial_dims, divisor):
    ours, plain = pair(spatial_dims=spatial_dims, channel_divisor=divisor, frozen_backbone=False)
    assert all(type(cell) is PlainSearchCell for cell in skip_modules(plain))
    x = torch.randn(2, 1, *[8] * spatial_dims, dtype=torch.float64)
    expected, found = gradients(ours, x), gradients(plain, x)
    assert list(expected) == list(found)
    # A bias before a norm has no gradient but rounding errors.
    floor = 1e-3 * max(float(value.abs().max()) for value in expected.values())
    for name, value in expected.items():
        scale = max(float(value.abs().max()), floor)
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9 * scale, msg=name)


def test_states_fit_both_ways():
    ours, plain = pair(separate_levels=True)
    assert list(ours.state_dict()) == list(plain.state_dict())
    ours.load_state_dict(plain.state_dict())


def test_pruned_alike():
    ours, plain = pair(separate_levels=True)
    alive = torch.ones_like(ours.alive)
    alive[..., 3:] = False
    alive[0, 4] = False
    alive[1, :, 1] = False
    count = sum(p.numel() for p in plain.parameters())
    for network in (ours, plain):
        network.prune(alive)
    assert sum(p.numel() for p in plain.parameters()) < count
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    assert largest_difference(plain(x), ours(x)) < 1e-9


def test_every_operation_is_evaluated():
    (_, plain), seen = pair(), []
    for name, module in plain.named_modules():
        if name.endswith("operations.none"):
            module.register_forward_hook(lambda *_, name=name: seen.append(name))
    plain(torch.randn(2, 1, 8, 8, dtype=torch.float64))
    assert len(seen) == len(set(seen)) == 5 * len(skip_modules(plain))


def loaders() -> tuple:
    return tuple(epoch_loader(Images(seed), batch_size=2, seed=seed) for seed in (0, 1))


def optimizers(network: CellSearchNetwork) -> dict[str, torch.optim.Optimizer]:
    return {
        "optimizer": torch.optim.AdamW(network.weight_parameters(), lr=1e-3),
        "architecture_optimizer": torch.optim.SGD(network.architecture_parameters(), lr=5.0),
    }


OPERATIONS = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


def plain_search(**options: object) -> PlainSearch:
    network = plain_supernet(make_supernet(operations=OPERATIONS))
    weights, architecture = loaders()
    options = {"warmup_epochs": 1, "epoch_length": 4, **options}
    return PlainSearch(
        network,
        LOSS,
        **optimizers(network),
        weight_loader=weights,
        architecture_loader=architecture,
        **options,
    )


def our_search(clock: StepClock | None = None) -> tuple[CellSearchTrainer, SearchTrace]:
    network = make_supernet(operations=OPERATIONS)
    weights, architecture = loaders()
    trace = SearchTrace(network.space)
    handler = StabilityPruningHandler(
        network, trace, JensenShannonStability(), keep_schedule=(), edge_schedule=()
    )
    trainer = CellSearchTrainer(
        "cpu",
        3,
        weights,
        network,
        loss_function=LOSS,
        architecture_data_loader=architecture,
        warmup_epochs=1,
        epoch_length=4,
        train_handlers=[
            *([] if clock is None else [clock]),
            EpochSeeding([weights, architecture]),
            handler,
        ],
        **optimizers(network),
    )
    return trainer, trace


def test_the_same_search_as_ours():
    """Batches beyond the loader's end, warm-up, both steps, the means: after three epochs equal."""
    trainer, trace = our_search()
    trainer.run()
    plain = plain_search()
    start = plain.network.distributions()
    for epoch in (1, 2, 3):
        plain.run_epoch(epoch)
    for name, value in trace.state_dict().items():
        if name in {"probability", "edge_weight", "active"}:
            torch.testing.assert_close(plain.trace.state_dict()[name], value, rtol=1e-7, atol=1e-9)
    probabilities, edges = plain.trace.last()
    assert abs(probabilities - start.operations.detach().numpy()).max() > 1e-3
    for name, value in trainer.network.state_dict().items():
        torch.testing.assert_close(plain.network.state_dict()[name], value, rtol=1e-6, atol=1e-8)
    ours = discretize(plain.network.space, trace.last()[0], edge_weights=trace.last()[1])
    assert ours == discretize(plain.network.space, probabilities, edge_weights=edges)


def test_both_gradients_in_each_backward_pass():
    search = plain_search()
    batch = next(iter(search.weight_loader))
    for step, moves, stays in (
        (search.weight_step, "weight", "architecture"),
        (search.architecture_step, "architecture", "weight"),
    ):
        before = {name: p.detach().clone() for name, p in search.network.named_parameters()}
        step(batch)
        moved = {n for n, p in search.network.named_parameters() if not torch.equal(p, before[n])}
        names = {id(p): name for name, p in search.network.named_parameters()}
        own = {names[id(p)] for p in getattr(search.network, f"{moves}_parameters")()}
        others = list(getattr(search.network, f"{stays}_parameters")())
        assert moved
        assert moved <= own
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in others[:3])


def test_steps_see_other_batches_and_none_of_the_architecture_in_the_warmup():
    search, seen = plain_search(), {"weight_step": [], "architecture_step": []}
    for name, batches in seen.items():
        setattr(search, name, lambda batch, batches=batches: batches.append(batch["image"]))
    for epoch in (1, 2):
        search.run_epoch(epoch)
    assert {name: len(batches) for name, batches in seen.items()} == {
        "weight_step": 8,
        "architecture_step": 4,
    }
    first, second, third, fourth = seen["architecture_step"]
    assert not torch.equal(first, second)
    assert not torch.equal(first, third)
    assert torch.equal(first, fourth)  # the loader has three batches


def test_a_stopped_search_goes_on(tmp_path: Path):
    whole, begun, resumed = plain_search(), plain_search(), plain_search()
    for epoch in (1, 2, 3):
        whole.run_epoch(epoch)
    for epoch in (1, 2):
        begun.run_epoch(epoch)
    write_tensors(tmp_path / "state.pt", begun.state_dict())
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert resumed.epoch == 2
    resumed.run_epoch(3)
    assert resumed.epoch == whole.epoch == 3
    for name, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], value), name
    assert (resumed.trace.last()[0] == whole.trace.last()[0]).all()
    assert len(resumed.trace) == 3


class Ticks:
    """A clock that only :meth:`tell` moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("studies.measuring.clock.time.perf_counter", lambda: self.now)
        monkeypatch.setattr("studies.measuring.clock.time.process_time", lambda: 2 * self.now)

    def tell(self, seconds: float) -> None:
        self.now += seconds


def walls(times: dict[str, dict[str, float]]) -> dict[str, float]:
    assert all(spent["cpu"] == 2 * spent["wall"] for spent in times.values())
    return {name: spent["wall"] for name, spent in times.items()}


def test_the_clock_credits_the_innermost_part(monkeypatch):
    ticks = Ticks(monkeypatch)
    clock = StepClock()
    ticks.tell(1)
    with clock.part("architecture_step"):
        ticks.tell(2)
        with clock.part("data"):
            ticks.tell(4)
        ticks.tell(8)
    ticks.tell(16)
    assert clock.elapsed == 31
    assert walls(clock.take()) == {
        "data": 4,
        "weight_step": 0,
        "architecture_step": 10,
        "other": 17,
    }
    ticks.tell(3)
    assert walls(clock.take())["other"] == 3


def test_the_clock_knows_its_parts():
    with pytest.raises(ValueError, match="no part 'lunch'"):
        StepClock().switch("lunch")


def test_the_clock_of_our_trainer(monkeypatch):
    """Each thing takes its own power of two; four steps an epoch, three batches a loader."""
    ticks = Ticks(monkeypatch)
    clock = StepClock()
    trainer, _ = our_search(clock)
    weights, architecture = trainer.data_loader.dataset, trainer.architecture_data_loader
    monkeypatch.setattr(type(weights), "__getitem__", _slowed(type(weights).__getitem__, ticks))
    assert len(architecture) == 3
    loss = trainer.loss_function
    trainer.loss_function = lambda *pair: (ticks.tell(64), loss(*pair))[1]
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: ticks.tell(1024))
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: ticks.tell(2**20))
    taken = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: taken.append(walls(clock.take())))
    trainer.run()
    warmup = {
        "data": 4 * 2,
        "weight_step": 4 * 64,
        "architecture_step": 0,
        "other": 4 * 1024 + 2**20,
    }
    assert taken[0] == warmup
    assert taken[1] == taken[2] == {**warmup, "data": 8 * 2, "architecture_step": 4 * 64}


def _slowed(get, ticks):
    def slow(dataset, index):
        ticks.tell(1)
        return get(dataset, index)

    return slow


def test_the_clock_of_the_plain_search(monkeypatch):
    ticks = Ticks(monkeypatch)
    search = plain_search()
    monkeypatch.setattr(search, "weight_step", lambda batch: ticks.tell(1))
    monkeypatch.setattr(search, "architecture_step", lambda batch: ticks.tell(8))
    monkeypatch.setattr(Images, "__getitem__", _slowed(Images.__getitem__, ticks))
    assert walls(search.run_epoch(1)) == dict(zip(PARTS, (8, 4, 0, 0), strict=True))
    assert walls(search.run_epoch(2)) == dict(zip(PARTS, (16, 4, 32, 0), strict=True))
    assert search.trace.total_seconds == 12 + 52
