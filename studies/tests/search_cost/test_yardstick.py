"""The yardstick does what our search does, and takes its time to do it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from equal_searches import make_supernet, our_search, plain_search

from iac_components.common.files.tensor_files import write_tensors
from iac_components.networks import CellSearchNetwork
from iac_components.networks.implanting.implant import skip_modules
from iac_components.search_space import discretize
from studies.search_cost.searches.yardstick import PlainSearchCell, plain_supernet


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
