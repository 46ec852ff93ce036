"""The supernet around every network whose skips are not those of a decoder block."""

from __future__ import annotations

import copy

import pytest
import torch

from iac_components.networks import CellSearchNetwork, skip_modules

KINDS = (
    "unet_2d_residual",
    "unet_3d",
    "attention_2d",
    "attention_3d",
    "segresnet_2d",
    "segresnet_3d",
    "segresnet_ds_2d_deep",
    "segresnet_ds_3d_deep",
    "vnet_2d",
    "vnet_3d",
)
pytestmark = pytest.mark.parametrize("case", KINDS, indirect=True)


def supernet(case, seed=0, *, opened=True, **options):
    operations = ("none", "skip_connect", "sep_conv_3x3")
    sizes = {"num_nodes": 2, "channel_divisor": 2}
    network = CellSearchNetwork(case.network(seed), operations=operations, **sizes, **options)
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
def test_fresh_supernet_is_its_backbone(case):
    network, image = supernet(case, opened=False).eval(), case.image()
    plain = case.network()(image)
    assert torch.equal(network(image), plain)
    assert not torch.equal(supernet(case).eval()(image), plain)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_step_moves_cells_architecture_and_the_backbone_unless_frozen(case, frozen):
    network = supernet(case, frozen_backbone=frozen).train()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    image = case.image()
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
def test_pruned_supernet_restores_and_copies(case):
    network, image = supernet(case).eval(), case.image()
    alive = torch.ones_like(network.architecture.alive)
    alive[0, 0, :2] = False
    alive[0, 2] = False
    before = sum(parameter.numel() for parameter in network.parameters())
    network.prune(alive)
    assert sum(parameter.numel() for parameter in network.parameters()) < before
    fresh = supernet(case, seed=3).eval()
    fresh.load_state_dict(network.state_dict())
    assert torch.equal(fresh(image), network(image))
    assert torch.equal(copy.deepcopy(network)(image), network(image))


def test_checkpointing_changes_no_gradient(case):
    network = supernet(case).train()
    twin = supernet(case, checkpointing=True).train()
    for either in (network, twin):
        loss_of(either, case.image().repeat(2, *[1] * (len(case.shape) - 1))).backward()
    pairs = zip(network.parameters(), twin.parameters(), strict=True)
    gradients = [(one.grad, other.grad) for one, other in pairs if one.requires_grad]
    assert gradients
    for one, other in gradients:
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(other, one, atol=1e-6, rtol=1e-4)


def test_one_cell_a_level(case):
    network = supernet(case, separate_levels=True)
    assert network.space.levels == len(case.skips)
    assert [cell.level for cell in skip_modules(network)] == list(range(len(case.skips)))
