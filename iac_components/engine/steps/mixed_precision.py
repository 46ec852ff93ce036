"""Mixed precision on a CPU, where MONAI's engines know that of CUDA alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from ignite.engine import Engine
from monai.inferers import Inferer
from torch import Tensor
from torch.utils._pytree import tree_map

from iac_components.common.small_convolutions import Float32SmallConvolutions, in_float32

__all__ = ["Bfloat16Inferer", "use_bfloat16_on_cpu"]


class Bfloat16Inferer(Inferer):
    """Run another inferer with the network in bfloat16 on a CPU, and return float32.

    Weights stay float32: ``torch.autocast`` casts what its operations take, as it does on a GPU,
    but for convolutions of small features (:class:`Float32SmallConvolutions`).
    bfloat16 has the range of float32, so that losses need no scaling.

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

        def mixed(*values: object, **options: object) -> object:
            with torch.autocast("cpu", dtype=torch.bfloat16), Float32SmallConvolutions():
                prediction = network(*values, **options)
            return tree_map(in_float32, prediction)

        return self.inferer(inputs, mixed, *args, **kwargs)


def use_bfloat16_on_cpu(engine: Engine) -> None:
    """Let an engine of MONAI that has ``amp`` keep to it on a CPU, where MONAI turns it off.

    Args:
        engine: a trainer or an evaluator; one on a GPU, without ``amp``, or that computes in
            bfloat16 already stays as it is.
    """
    device = getattr(getattr(engine, "state", None), "device", None)
    if getattr(engine, "amp", False) and device is not None and device.type == "cpu":
        # Both are CUDA's: it scales losses for float16, which this does not need.
        engine.amp, engine.scaler = False, None
        engine.inferer = Bfloat16Inferer(engine.inferer)
