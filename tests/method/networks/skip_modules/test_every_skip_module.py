"""Guarantees for every registered skip module in every kind of backbone."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from torch import nn

from iac_components.networks import (
    build_network,
    implant_skip_module,
    registered_skip_modules,
    skip_fusions,
    skip_modules,
)
from iac_components.networks.monai_repairs import ZeroPadShortcut

KINDS = (
    "basic_2d_odd",
    "resnet18_2d",
    "efficientnet_2d",
    "planned_2d",
    "unetr_2d",
    "swin_2d",
    "unet_2d",
    "attention_2d",
    "segresnet_2d",
    "segresnet_ds_2d",
    "vnet_2d",
)
IN_3D = ("dynunet_3d_deep", "planned_3d", "unet_3d", "attention_3d", "segresnet_3d", "vnet_3d")
names = pytest.mark.parametrize("name", registered_skip_modules())
kinds = pytest.mark.parametrize("case", [*KINDS, *IN_3D], indirect=True)
kinds_2d = pytest.mark.parametrize("case", KINDS, indirect=True)


@cache
def implanted(case, name):
    """One network for all tests that leave it as it is."""
    return implant_skip_module(case.network(), name)


def test_the_three_of_the_comparison_are_registered():
    assert registered_skip_modules() == ("attention", "nested", "residual_path")


@names
@kinds
def test_output_keeps_its_shape_and_sees_every_module(case, name):
    network, plain, image = implanted(case, name), case.network(), case.image()
    assert len(skip_modules(network)) == len(case.skips)
    for mode in (True, False):
        with torch.no_grad():
            expected = plain.train(mode)(image)
            output = copy.deepcopy(network).train(mode)(image)
        assert output.shape == expected.shape
        assert output.isfinite().all()
    # In eval mode nothing is drawn at random, so that what differs comes from the modules.
    assert not torch.equal(output, expected)


@names
@kinds
def test_gradients_reach_every_parameter(case, name):
    network = implanted(case, name)
    modules = nn.ModuleList(skip_modules(network))
    weights = dict(modules.named_parameters())
    gradients = torch.autograd.grad(network(case.image()).square().mean(), list(weights.values()))
    # A bias in front of an instance norm has no effect but rounding.
    idle = {key for key, g in zip(weights, gradients, strict=True) if not g.count_nonzero()}
    assert not {key for key in idle if not (name == "nested" and key.endswith("conv.bias"))}


@names
@kinds
@torch.no_grad()
def test_state_dict_and_copy_give_the_same_output(case, name):
    network, image = implanted(case, name), case.image()
    other = implant_skip_module(case.network(seed=2), name)
    expected = network(image)
    assert not torch.equal(other(image), expected)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(image), expected)
    assert torch.equal(copy.deepcopy(network)(image), expected)


@names
@pytest.mark.parametrize("case", ["basic_2d_odd", "efficientnet_2d", "planned_2d"], indirect=True)
@torch.no_grad()
def test_channels_last_and_batches_agree(case, name):
    network, image = implanted(case, name), case.image()
    expected = network(image)
    twin = copy.deepcopy(network).to(memory_format=torch.channels_last)
    result = twin(image.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(result, expected, atol=1e-4, rtol=0)
    pair = network(image.flip(0).repeat(2, 1, 1, 1))
    torch.testing.assert_close(pair[-1:], expected[:1], atol=1e-4, rtol=0)


@names
@pytest.mark.parametrize("size", [(33, 47), (50, 34)])
@pytest.mark.parametrize("case", ["basic_2d", "efficientnet_2d"], indirect=True)
@torch.no_grad()
def test_odd_sizes_work_where_the_backbone_takes_them(case, name, size):
    image = torch.rand(1, 1, *size)
    assert implanted(case, name)(image).shape == case.network()(image).shape


@names
@kinds_2d
@torch.no_grad()
def test_plain_checkpoint_starts_the_implanted_network(case, name, tmp_path):
    trained = case.network(seed=1)
    torch.save({"model": trained.state_dict()}, tmp_path / "model.pt")
    network = build_network(case.network(), skip_module=name, backbone_ckpt=tmp_path / "model.pt")
    # With modules that pass the skip on, what is left must be the trained network.
    for fusion in skip_fusions(network):
        fusion.skip_module = PassOn()
    assert torch.equal(network.eval()(case.image()), trained(case.image()))


class PassOn(nn.Module):
    def forward(self, skip, gate):
        return skip


@names
@pytest.mark.parametrize("case", ["resnet18_2d", "planned_2d", "unetr_2d"], indirect=True)
def test_frozen_backbone_trains_the_modules_alone(case, name):
    network = build_network(case.network(), skip_module=name, frozen_backbone=True).train()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    network(case.image().repeat(2, 1, 1, 1)).square().mean().backward()
    optimizer.step()
    after = network.state_dict()
    moved = {key for key in after if not torch.equal(before[key], after[key])}
    assert all(".skip_module." in key for key in moved)
    for index, module in enumerate(skip_modules(network)):
        weights = [key for key, p in module.named_parameters() if p.ndim > 1]
        assert all(any(key.endswith(w) for key in moved) for w in weights), index


@names
def test_resnet_becomes_exportable(resnet, name):
    assert any(isinstance(m, ZeroPadShortcut) for m in implanted(resnet, name).modules())


@names
def test_modules_are_of_the_network_s_type(basic, name):
    network = implant_skip_module(basic.network().double(), name)
    assert {p.dtype for p in network.parameters()} == {torch.float64}
    assert network(basic.image().double()).dtype == torch.float64
