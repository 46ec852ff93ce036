"""The TensorRT override; without TensorRT it runs all the same, and says so in one line."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

OVERRIDES = sorted((Path(__file__).parents[3] / "bundles").glob("*/configs/inference_trt.json"))


@pytest.mark.parametrize("path", OVERRIDES, ids=lambda path: path.parts[-3])
def test_every_key_is_one_of_inference(path):
    base = json.loads(path.with_name("inference.json").read_text(encoding="utf-8"))
    override = json.loads(path.read_text(encoding="utf-8"))
    assert {key.lstrip("+") for key in override} <= base.keys()


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU, TensorRT may be at work")
def test_on_a_cpu_it_falls_back(shipped, caplog):
    configs = [shipped / "configs" / f"{name}.json" for name in ("inference", "inference_trt")]
    parser = ConfigParser()
    parser.read_config([str(path) for path in configs])
    parser["bundle_root"] = str(shipped)
    logger = logging.getLogger("monai.networks.trt_compiler")
    logger.addHandler(caplog.handler)
    try:
        network = parser.get_parsed_content("network")
    finally:
        logger.removeHandler(caplog.handler)
    assert network is parser.get_parsed_content("network_def")
    assert "trt_compile() has no effect" in caplog.text
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 1, 32, 32)).shape == (1, 3, 32, 32)
