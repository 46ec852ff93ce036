"""An adapted network as TorchScript or ONNX, checked against PyTorch."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from iac_components.adaptation.bundles.network_bundle import NetworkBundle
from iac_components.bundling.options import OptionError
from iac_components.common.causes import one_line
from iac_components.common.files import atomic_write

__all__ = ["EXTRA_FORMATS", "example_input", "extra_formats", "write_traced"]

EXTRA_FORMATS = {"torchscript": "model.ts", "onnx": "model.onnx"}
TOLERANCE = 1e-4
SMALLEST = 64


def extra_formats(also: str | Sequence[str], known: Collection[str] = EXTRA_FORMATS) -> list[str]:
    """List what an export is asked for beside the bundle.

    Args:
        also: as a user gives it.
        known: all that there is.

    Raises:
        OptionError: if one is unknown.
    """
    formats = [also] if isinstance(also, str) else list(also)
    unknown = [name for name in formats if name not in known]
    if unknown:
        raise OptionError(f"--also '{unknown[0]}': choose from {', '.join(known)}.")
    return formats


def example_input(bundle: NetworkBundle) -> Tensor:
    """Return a random window (1, C, *S) such as the bundle's network is given at a time."""
    generator = torch.Generator().manual_seed(0)
    sizes = bundle.window.size or _stated_sizes(bundle.root)
    return torch.rand((1, bundle.channels, *sizes), generator=generator)


def write_traced(network: nn.Module, image: Tensor, name: str, folder: Path) -> Path:
    """Write a network in another format, and check that it gives the same.

    Args:
        network: in eval mode, on the CPU.
        image: an example of its input; the batch may have another size later.
        name: of ``EXTRA_FORMATS``.
        folder: for the file.

    Raises:
        OptionError: if the network cannot be exported, or the result gives something else.
    """
    file = folder / EXTRA_FORMATS[name]
    folder.mkdir(parents=True, exist_ok=True)
    two = torch.cat([image, image.flip(-1)])
    with torch.no_grad():
        expected = network(two)
        try:
            found = (
                _torchscript(network, two, file)
                if name == "torchscript"
                else _onnx(network, two, file)
            )
        # What an exporter raises on a network is not specified.
        except Exception as error:
            raise OptionError(
                f"--also {name}: {type(network).__name__} cannot be: {one_line(error)[:300]}"
            ) from error
    first = expected[0] if isinstance(expected, list | tuple) else expected
    if not torch.allclose(found, first, rtol=TOLERANCE, atol=TOLERANCE):
        distance = float((found - first).abs().max())
        raise OptionError(f"--also {name}: what was exported is off by {distance:.2g}.")
    return file


def _torchscript(network: nn.Module, image: Tensor, file: Path) -> Tensor:
    # These have no types.
    trace: Callable[..., torch.jit.ScriptModule] = torch.jit.trace
    save: Callable[..., None] = torch.jit.save
    load: Callable[..., torch.jit.ScriptModule] = torch.jit.load
    with atomic_write(file) as stream:
        save(trace(network, image[:1], check_trace=False), stream)
    output = load(str(file))(image)
    return cast(Tensor, output[0] if isinstance(output, list | tuple) else output)


def _onnx(network: nn.Module, image: Tensor, file: Path) -> Tensor:
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise RuntimeError(
            "onnx, onnxscript and onnxruntime are needed: pip install onnx onnxscript onnxruntime"
        ) from error
    program = torch.onnx.export(
        network,
        (image,),
        dynamo=True,
        input_names=["image"],
        output_names=["pred"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch wrote no ONNX program")
    program.save(str(file))
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    output = session.run(None, {session.get_inputs()[0].name: image.numpy()})[0]
    return torch.from_numpy(output)


def _stated_sizes(root: Path) -> Sequence[int]:
    """Return sizes that the metadata allow; where any is, a small multiple of 32."""
    meta = json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))
    stated = meta["network_data_format"]["inputs"]["image"].get("spatial_shape", ["*", "*", "*"])
    numbers = [re.match(r"\d+", str(size)) for size in stated]
    return [max(SMALLEST, int(number[0])) if number else SMALLEST for number in numbers]
