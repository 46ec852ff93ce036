"""The discrete network: MONAI's own to the bit, and one that exports."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.networks.nets.dints import DiNTS, TopologyInstance

from iac_components.dints import (
    ActivePath,
    ArchitectureError,
    DintsArchitecture,
    DintsSpace,
    build_dints_network,
    decode,
    save_architecture,
)

SPACES = (
    DintsSpace(num_blocks=3, num_depths=2, channel_mul=0.125),
    DintsSpace(num_blocks=4, num_depths=3, channel_mul=0.125, use_downsample=False),
    DintsSpace(num_blocks=3, num_depths=3, channel_mul=0.125, spatial_dims=2),
)


def drawn(space: DintsSpace, seed: int) -> DintsArchitecture:
    random = np.random.default_rng(seed)
    shape = (space.num_blocks, len(space.paths), len(space.operations))
    return decode(space, random.random(shape[:2]), random.dirichlet(np.ones(shape[2]), shape[:2]))


def image(space: DintsSpace, channels: int = 2) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(2, channels, *[2 * space.size_multiple] * space.spatial_dims)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_scripts_as_the_model_zoo_does(space: DintsSpace) -> None:
    network = build_dints_network(drawn(space, 0), in_channels=2, out_channels=3).eval()
    scripted = torch.jit.script(network)
    with torch.no_grad():
        assert torch.equal(scripted(image(space)), network(image(space)))


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_monais_own(space: DintsSpace, seed: int) -> None:
    architecture = drawn(space, seed)
    torch.manual_seed(0)
    ours = build_dints_network(architecture, in_channels=2, out_channels=3)
    with contextlib.redirect_stdout(io.StringIO()):
        instance = TopologyInstance(
            [architecture.path_mask.astype(np.float32), architecture.operation_indices],
            channel_mul=space.channel_mul,
            num_blocks=space.num_blocks,
            num_depths=space.num_depths,
            spatial_dims=space.spatial_dims,
            use_downsample=space.use_downsample,
        )
        theirs = DiNTS(
            instance,
            2,
            3,
            spatial_dims=space.spatial_dims,
            use_downsample=space.use_downsample,
            node_a=torch.tensor(architecture.node_activations),
        )
    theirs.load_state_dict(ours.state_dict())
    x = image(space)
    assert ours(x).shape == (2, 3, *x.shape[2:])
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_deployed_forms_agree(space: DintsSpace) -> None:
    network = build_dints_network(drawn(space, 0), in_channels=2, out_channels=3).eval()
    x = image(space)
    with torch.no_grad():
        expected = network(x)
        traced = torch.jit.trace(network, x)
        exported = torch.export.export(network, (x,)).module()
        torch.testing.assert_close(traced(x), expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(exported(x), expected, rtol=0, atol=1e-5)


def test_onnx_agrees(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    network = build_dints_network(drawn(SPACES[0], 0), in_channels=2, out_channels=3).eval()
    x = image(SPACES[0])
    torch.onnx.export(network, (x,), str(tmp_path / "model.onnx"), dynamo=True, verbose=False)
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    found = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    np.testing.assert_allclose(found, network(x).detach().numpy(), rtol=0, atol=1e-4)


def test_stems_that_nobody_reads_do_not_run() -> None:
    along = (ActivePath(0, 0, "conv_3x3x3"),)
    architecture = DintsArchitecture(SPACES[0], (along,) * 3, {})
    network = build_dints_network(architecture, in_channels=2, out_channels=3)
    network(image(SPACES[0])).sum().backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is None) == name.startswith(("stem_down.1", "stem_up.1")), name


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    build_dints_network(drawn(SPACES[0], 0), in_channels=1, out_channels=2)
    assert capsys.readouterr().out == ""


def test_a_file_of_another_space_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "architecture.json"
    save_architecture(drawn(SPACES[0], 0), path)
    build_dints_network(path, in_channels=1, out_channels=2, space=SPACES[0])
    with pytest.raises(ArchitectureError, match=r"architecture\.json.*num_blocks"):
        build_dints_network(path, in_channels=1, out_channels=2, space=SPACES[1])
    with pytest.raises(ArchitectureError, match="num_blocks=4"):
        build_dints_network(drawn(SPACES[0], 0), in_channels=1, out_channels=2, space=SPACES[1])
