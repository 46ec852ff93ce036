"""Mixed precision in bfloat16, for a CPU as well, where MONAI's engines know that of CUDA alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from ignite.engine import Engine
from monai.engines import SupervisedTrainer
from monai.inferers import Inferer
from torch import Tensor
from torch.utils._pytree import tree_map

from iac_components.common.small_convolutions import Float32SmallConvolutions, in_float32

__all__ = ["Bfloat16Inferer", "has_bfloat16_units", "in_bfloat16", "use_bfloat16_on_cpu"]

_LOGGER = logging.getLogger("iac_components.engine")
_FASTER = (
    "This processor multiplies bfloat16 in hardware: with --amp true a step may take 0.4 to 0.75 "
    "of its time (docs/running.md)."
)


def has_bfloat16_units(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 matrices in hardware, and so is faster by it.

    CPUs with AMX (Intel Xeon since 2023) and GPUs since Ampere do. False also where torch (below
    2.9) cannot tell.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, object])
    return device.type == "cpu" and bool(capabilities().get("amx_bf16", False))


def in_bfloat16(network: Callable[..., Any], device_type: str = "cpu") -> Callable[..., object]:
    """Return a function that computes as ``network`` does, in bfloat16, and returns float32.

    Weights stay float32: ``torch.autocast`` casts what its operations take, as it does on a GPU,
    but for a CPU's convolutions of small features (:class:`Float32SmallConvolutions`).
    bfloat16 has the range of float32, so that losses need no scaling.

    Args:
        network: computes one or several tensors.
        device_type: where, ``cpu`` or ``cuda``.
    """

    def mixed(*values: object, **options: object) -> object:
        # A weight that is cast within torch.no_grad, as for kept features, is found again in the
        # cache by a pass that is to train it, and gets no gradient (torch 2.8; mended in 2.13).
        autocast = torch.autocast(device_type, dtype=torch.bfloat16, cache_enabled=False)
        with autocast, Float32SmallConvolutions():
            prediction = network(*values, **options)
        return tree_map(in_float32, prediction)

    return mixed


class Bfloat16Inferer(Inferer):
    """Run another inferer with the network in bfloat16 on a CPU, and return float32.

    Args:
        inferer: computes the prediction.
    """

    def __init__(self, inferer: Inferer) -> None:
        super().__init__()
        self.inferer = inferer

    def __call__(
        self, inputs: Tensor, network: Callable[..., Any], *args: object, **kwargs: object
    ) -> object:
        """Return the network's prediction for ``inputs`` (B, C, *S), in float32."""
        return self.inferer(inputs, in_bfloat16(network), *args, **kwargs)


def use_bfloat16_on_cpu(engine: Engine) -> None:
    """Let an engine of MONAI that has ``amp`` keep to it on a CPU, where MONAI turns it off.

    A training without it that the processor would be faster with says so in its log.

    Args:
        engine: a trainer or an evaluator; one on a GPU, without ``amp``, or that computes in
            bfloat16 already stays as it is.
    """
    device = getattr(getattr(engine, "state", None), "device", None)
    if device is None or device.type != "cpu":
        return
    if getattr(engine, "amp", False):
        # Both are CUDA's: it scales losses for float16, which this does not need.
        engine.amp, engine.scaler = False, None
        engine.inferer = Bfloat16Inferer(engine.inferer)
    elif (
        type(engine) is SupervisedTrainer
        and not isinstance(engine.inferer, Bfloat16Inferer)
        and has_bfloat16_units(device)
    ):
        _LOGGER.info(_FASTER)
