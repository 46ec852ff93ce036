"""Sliding windows that never come alone on a CPU."""

from __future__ import annotations

from collections.abc import Callable

import torch
from monai.inferers import SlidingWindowInferer

__all__ = ["PairedWindowInferer"]


class PairedWindowInferer(SlidingWindowInferer):
    """MONAI's sliding window, with a lone window computed twice on a CPU.

    A 3-D convolution of a batch of one falls to a slow kernel there: a DiNTS network takes longer
    for one window than for two. A last batch holds one window whenever their number leaves a
    remainder of one, and a small image has no other. The network must treat the items of a batch
    each on its own, as all do in eval mode.

    Arguments are ``SlidingWindowInferer``'s.
    """

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        *args: object,
        **kwargs: object,
    ) -> torch.Tensor:
        """Return the network's prediction for ``inputs`` (B, C, *S)."""

        def paired(windows: torch.Tensor, *more: object, **options: object) -> torch.Tensor:
            if len(windows) > 1 or windows.device.type != "cpu":
                return network(windows, *more, **options)
            return network(torch.cat([windows, windows]), *more, **options)[:1]

        result: torch.Tensor = super().__call__(inputs, paired, *args, **kwargs)
        return result
