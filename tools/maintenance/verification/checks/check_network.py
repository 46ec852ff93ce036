"""Checks of the network: its properties, its shapes, its export from MONAI."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import monai.bundle
import torch
from monai.data import load_net_with_metadata
from torch import Tensor, nn

from iac_components.common.files.tensor_files import write_tensors
from tools.maintenance.verification.bundle import Bundle, Json
from tools.maintenance.verification.checks.registry import Skipped, register_check
from tools.maintenance.verification.runners import working_directory
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_export", "check_net_in_out", "check_properties"]

KINDS = {"search": "train", "train": "train", "inference": "infer"}
TOLERANCE = 1e-4
TRACED = ("efficientnet",)
"""Networks of MONAI that are exported by a trace: scripting an EfficientNet was not tried."""


@register_check("properties")
def check_properties(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that the workflow has the properties that MONAI Label, Deploy and MonaiAlgo need."""
    with TemporaryDirectory(dir=workbench.scratch) as scratch, _from(workbench.elsewhere):
        options = {**workbench.options(bundle), "output_dir": f"{scratch}/out"}
        if bundle.stage != "inference":
            options["folds_file"] = f"{scratch}/folds.json"
        if bundle.stage == "train":
            options["ckpt_dir"] = f"{scratch}/models"
        if bundle.stage == "inference":
            options["load_pretrain"] = False  # the workbench builds a smaller network
        workflow = workbench.workflow(bundle, options, kind=KINDS[bundle.stage])
        workflow.initialize()
        for name in workflow.check_properties() or ():
            yield f"{bundle.stage}.json: the property '{name}' is missing"
        # The names by which applications override a run reach the config.
        for name, expected in (
            ("bundle_root", str(bundle.root)),
            ("version", str(bundle.metadata()["version"])),
        ):
            if (found := getattr(workflow, name)) != expected:
                yield f"{bundle.stage}.json: {name} is '{found}', expected '{expected}'"
        if not isinstance(workflow.device, torch.device):
            yield f"{bundle.stage}.json: device is {workflow.device!r}, no torch.device"


@register_check("net_in_out")
def check_net_in_out(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that the network's channels, type and shapes are those that the metadata state."""
    with _from(workbench.elsewhere):
        for n in (1, 2):
            monai.bundle.verify_net_in_out(
                net_id="network_def",
                meta_file=str(bundle.config_path("metadata")),
                config_file=str(bundle.config_path(bundle.stage)),
                device="cpu",
                n=n,
                bundle_root=str(bundle.root),
            )
    yield from ()


@register_check("export")
def check_export(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that MONAI's ``ckpt_export`` and ``torch.export`` give the network's output."""
    if bundle.stage != "inference":
        raise Skipped("only the network of an inference bundle is exported")
    if not workbench.may_export(bundle):
        raise Skipped("one bundle a network is exported in the quick mode")
    network = workbench.network(bundle).cpu().eval()
    image = torch.rand(_input_shape(bundle), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network(image)
        exported = torch.export.export(network, (image,)).module()(image)
        if not torch.allclose(exported, expected, rtol=TOLERANCE, atol=TOLERANCE):
            yield f"inference.json: torch.export is off by {_distance(exported, expected)}"
        with TemporaryDirectory(dir=workbench.scratch) as folder, _from(workbench.elsewhere):
            yield from _torchscript(bundle, network, (image, expected), Path(folder))


def _torchscript(
    bundle: Bundle, network: nn.Module, pair: tuple[Tensor, Tensor], folder: Path
) -> Iterator[str]:
    write_tensors(folder / "model.pt", dict(network.state_dict()))
    monai.bundle.ckpt_export(
        net_id="network_def",
        filepath=str(folder / "model.ts"),
        ckpt_file=str(folder / "model.pt"),
        use_trace=bundle.network in TRACED,
        meta_file=str(bundle.config_path("metadata")),
        config_file=str(bundle.config_path("inference")),
        bundle_root=str(bundle.root),
    )
    exported, metadata, extra = load_net_with_metadata(
        folder / "model.ts", more_extra_files=["inference.json"]
    )
    image, expected = pair
    found = exported.eval()(image)
    if not torch.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        yield f"inference.json: ckpt_export is off by {_distance(found, expected)}"
    if metadata["version"] != bundle.metadata()["version"]:
        yield f"metadata.json: ckpt_export wrote version {metadata['version']}"
    if json.loads(extra["inference.json"])["dataset_name"] != bundle.dataset:
        yield "inference.json: ckpt_export wrote another config"


def _input_shape(bundle: Bundle) -> tuple[int, ...]:
    """Two images of the smallest size that the metadata allow (``32*n`` gives 32)."""
    formats = cast(dict[str, dict[str, Json]], bundle.metadata()["network_data_format"])
    image = formats["inputs"]["image"]
    sizes = [int(str(size).partition("*")[0]) for size in cast(list[str], image["spatial_shape"])]
    return (2, int(str(image["num_channels"])), *sizes)


def _distance(found: Tensor, expected: Tensor) -> str:
    return f"{float((found - expected).abs().max()):.2g}"


@contextlib.contextmanager
def _from(folder: Path) -> Iterator[None]:
    """From another working directory, and without what MONAI prints."""
    silence = io.StringIO()
    with (
        working_directory(folder),
        contextlib.redirect_stdout(silence),
        contextlib.redirect_stderr(silence),
    ):
        yield
