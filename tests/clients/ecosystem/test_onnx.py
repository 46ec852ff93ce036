"""ONNX by MONAI's command, and its agreement with PyTorch."""

from __future__ import annotations

import monai.bundle
import pytest
import torch

from iac_components.networks import load_weights

REASON = "an ONNX export is optional: pip install onnx onnxscript onnxruntime"
pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)


def test_onnx_agrees_with_pytorch(parser, shipped, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason=REASON)
    path = tmp_path / "model.onnx"
    monai.bundle.onnx_export(
        "network_def",
        filepath=str(path),
        bundle_root=str(shipped),
        ckpt_file=str(shipped / "models" / "model.pt"),
        meta_file=str(shipped / "configs" / "metadata.json"),
        config_file=str(shipped / "configs" / "inference.json"),
        input_shape=[1, 1, 48, 64],
    )
    network = parser.get_parsed_content("network_def")
    load_weights(network, shipped / "models" / "model.pt")
    image = torch.rand(1, 1, 48, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network.eval()(image)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=1e-4)
