"""The supernet around every network whose skips are not those of a decoder block."""

from __future__ import annotations

import copy

import pytest
import torch

from iac_components.networks import CellSearchNetwork, skip_modules


def supernet(other_kind, seed=0, *, opened=True, **options):
    operations = ("none", "skip_connect", "sep_conv_3x3")
    sizes = {"num_nodes": 2, "channel_divisor": 2}
    network = CellSearchNetwork(other_kind.network(seed), operations=operations, **sizes, **options)
    if opened:  # let every cell through to the output
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for cell in skip_modules(network):
                cell.scale.normal_(generator=generator)
    return network


def loss_of(network, image):
    torch.manual_seed(3)  # dropout
    output = network(image)
    return sum(o.square().mean() for o in (output if isinstance(output, list) else [output]))


@torch.no_grad()
def test_fresh_supernet_is_its_backbone(other_kind):
    network, image = supernet(other_kind, opened=False).eval(), other_kind.image()
    plain = other_kind.network()(image)
    assert torch.equal(network(image), plain)
    assert not torch.equal(supernet(other_kind).eval()(image), plain)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_step_moves_cells_architecture_and_the_backbone_unless_frozen(other_kind, frozen):
    network = supernet(other_kind, frozen_backbone=frozen).train()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    image = other_kind.image()
    image = torch.cat([image, image.flip(0) ** 2])
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    loss_of(network, image).backward()
    assert all(p.grad.count_nonzero() for p in network.architecture_parameters())
    optimizer.step()
    moved = {k for k, v in network.state_dict().items() if not torch.equal(before[k], v)}
    cells = {key for key in before if ".skip_module." in key}
    assert moved & cells
    assert any(key.startswith("backbone.") for key in moved - cells) != frozen
    inside = {m for cell in skip_modules(network) for m in cell.modules()}
    backbone = [m for m in network.backbone.modules() if m not in inside]
    assert {module.training for module in backbone} == {not frozen}


@torch.no_grad()
def test_pruned_supernet_restores_and_copies(other_kind):
    network, image = supernet(other_kind).eval(), other_kind.image()
    alive = torch.ones_like(network.architecture.alive)
    alive[0, 0, :2] = False
    alive[0, 2] = False
    before = sum(parameter.numel() for parameter in network.parameters())
    network.prune(alive)
    assert sum(parameter.numel() for parameter in network.parameters()) < before
    fresh = supernet(other_kind, seed=3).eval()
    fresh.load_state_dict(network.state_dict())
    assert torch.equal(fresh(image), network(image))
    assert torch.equal(copy.deepcopy(network)(image), network(image))


@pytest.mark.parametrize("separate", [False, True])
@torch.no_grad()
def test_levels_lose_their_cells_or_skips_and_restore_so(other_kind, separate):
    network, image = supernet(other_kind, separate_levels=separate).eval(), other_kind.image()
    expected = supernet(other_kind, separate_levels=separate).eval()
    skip_modules(expected)[0].scale.zero_()
    network.remove_cells([0])
    assert torch.equal(network(image), expected(image))
    last = len(other_kind.skips) - 1
    skip_modules(expected)[last].__dict__["forward"] = lambda skip, gate: skip * 0
    network.switch_off([last])
    assert torch.equal(network(image), expected(image))
    network.remove_cells([0, last])
    assert network.treatments.tolist()[:: max(last, 1)] == ([1, 2] if last else [2])
    fresh = supernet(other_kind, seed=3, separate_levels=separate).eval()
    fresh.load_state_dict(network.state_dict())
    assert torch.equal(fresh(image), network(image))
    assert torch.equal(fresh.treatments, network.treatments)
    assert [type(m) for m in skip_modules(fresh)] == [type(m) for m in skip_modules(network)]
    assert torch.equal(copy.deepcopy(network)(image), network(image))


@torch.no_grad()
def test_nodes_lost_are_nodes_at_zero_and_restore_so(other_kind):
    network, image = supernet(other_kind).eval(), other_kind.image()
    network.architecture.betas.normal_()
    alive = torch.ones_like(network.alive)
    alive[0, network.space.edges_of(0)] = False
    network.architecture.prune(alive)
    masked = network(image)
    network.prune(alive)
    assert torch.allclose(network(image), masked, atol=1e-5)
    fresh = supernet(other_kind, seed=3).eval()
    fresh.load_state_dict(network.state_dict())
    assert torch.equal(fresh(image), network(image))


def test_checkpointing_changes_no_gradient(other_kind):
    network = supernet(other_kind).train()
    twin = supernet(other_kind, checkpointing=True).train()
    for either in (network, twin):
        loss_of(either, other_kind.image().repeat(2, *[1] * (len(other_kind.shape) - 1))).backward()
    pairs = zip(network.parameters(), twin.parameters(), strict=True)
    gradients = [(one.grad, other.grad) for one, other in pairs if one.requires_grad]
    assert gradients
    for one, other in gradients:
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(other, one, atol=1e-6, rtol=1e-4)


def test_one_cell_a_level(other_kind):
    network = supernet(other_kind, separate_levels=True)
    assert network.space.levels == len(other_kind.skips)
    assert [cell.level for cell in skip_modules(network)] == list(range(len(other_kind.skips)))
