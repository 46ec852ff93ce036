"""Guarantees for every supported network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.networks import (
    find_skip_connections,
    implant,
    registered_skip_modules,
    skip_modules,
)
from iac_components.networks.skip_modules import skip_module_factory

# No decoder block takes the gate and the skip there, or (VNet) one that no other network has.
FUSED_OTHERWISE = (
    "unet_2d_residual",
    "attention_2d",
    "segresnet_2d_headless",
    "segresnet_ds_2d_deep",
    "vnet_2d",
)

# In eval mode a DynUNet is the same with and without deep supervision; an odd size exports as an
# even one; a SwinUNETR in 3-D is the code of the one in 2-D, and takes long.
EXPORTED = (
    "basic_2d",
    "basic_3d",
    "resnet18_2d",
    "resnet10_3d",
    "efficientnet_2d",
    "dynunet_2d_deep",
    "planned_2d",
    "planned_3d",
    "unetr_2d",
    "unetr_3d",
    "swin_2d",
    *FUSED_OTHERWISE,
)

# Their code is that of the one in 2-D, where all skip modules are tried.
EXPORTED_IN_3D = ("unet_3d", "attention_3d", "segresnet_3d", "segresnet_ds_3d_deep", "vnet_3d")


def test_connections_are_found_finest_first(case):
    connections = find_skip_connections(case.network())
    assert tuple((c.name, c.skip_channels, c.gate_channels) for c in connections) == case.skips
    assert [c.level for c in connections] == list(range(len(case.skips)))
    assert {c.spatial_dims for c in connections} == {len(case.shape) - 2}


@pytest.mark.parametrize("training", [False, True])
def test_zero_started_implant_changes_nothing(case, zero_skip, training):
    network, image = case.network().train(training), case.image()
    before = outputs(network, image)
    after = outputs(implant(network, zero_skip), image)
    assert len(before) == len(after)
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


def outputs(network, image):
    """All outputs (a SegResNetDS in training returns a list) with the same dropout each time."""
    torch.manual_seed(3)
    with torch.no_grad():
        output = network(image)
    return output if isinstance(output, list) else [output]


@torch.no_grad()
def test_zero_started_implant_changes_nothing_under_autocast(family):
    """A cell ends in 32 bits there, and the decoder must not follow it."""
    network, image = family.network(), family.image()

    class Widens(nn.Module):
        def forward(self, skip, gate):
            return skip.float()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        before = network(image)
        after = implant(network, lambda connection: Widens())(image)
    assert before.dtype == after.dtype
    assert torch.equal(before, after)


def test_gradients_reach_every_skip_parameter(case, active_skip):
    network = implant(case.network(), active_skip)
    network(case.image()).square().mean().backward()
    for module in skip_modules(network):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.count_nonzero() > 0, name


def test_trained_weights_load_before_or_after_the_implant(case, zero_skip):
    trained, image = case.network(seed=1), case.image()
    state = {key: tensor.clone() for key, tensor in trained.state_dict().items()}
    fresh = implant(case.network(seed=2), zero_skip)
    result = fresh.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    assert all(".skip_module." in key for key in result.missing_keys)
    with torch.no_grad():
        assert torch.equal(implant(trained, zero_skip)(image), fresh(image))


class Chain(nn.Module):
    """All registered skip modules one after the other: one export tries them all."""

    def __init__(self, modules):
        super().__init__()
        self.chain = nn.ModuleList(modules)

    def forward(self, skip, gate):
        for module in self.chain:
            skip = module(skip, gate)
        return skip


def every_skip_module(network):
    connections = find_skip_connections(network)
    makers = [skip_module_factory(name)(connections) for name in registered_skip_modules()]
    return lambda connection: Chain([make(connection) for make in makers])


@pytest.mark.parametrize("case", EXPORTED, indirect=True)
@pytest.mark.filterwarnings("ignore")  # tracing warns of every shape that becomes a constant
def test_traced_and_exported_agree_with_eager(case):
    plain = case.network()
    assert_exports(implant(plain, every_skip_module(plain)), case.image())


@pytest.mark.parametrize("case", EXPORTED_IN_3D, indirect=True)
@pytest.mark.filterwarnings("ignore")
def test_volumes_traced_and_exported_agree_with_eager(case, active_skip):
    assert_exports(implant(case.network(), active_skip), case.image())


def assert_exports(network, image):
    other = torch.rand_like(image)
    with torch.no_grad():
        exported = torch.export.export(network, (image,)).module()
        traced = torch.jit.trace(network, image, check_trace=False)
        expected = network(other)
        torch.testing.assert_close(exported(other), expected, atol=1e-4, rtol=0)
        torch.testing.assert_close(traced(other), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("case", FUSED_OTHERWISE, indirect=True)
@pytest.mark.filterwarnings("ignore")
def test_onnx_agrees_with_eager(case, active_skip, tmp_path):
    reason = "an ONNX export is optional: pip install onnx onnxscript onnxruntime"
    pytest.importorskip("onnx", reason=reason)
    runtime = pytest.importorskip("onnxruntime", reason=reason)
    network, image = implant(case.network(), active_skip), case.image()
    path = tmp_path / "model.onnx"
    torch.onnx.export(network, (image,), path, dynamo=False)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    other = torch.rand_like(image)
    (output,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(output), network(other), atol=1e-4, rtol=0)
