"""Running statistics of batch norms, estimated on a site's windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from iac_components.adaptation.candidates.norm_layers import batch_norms

__all__ = ["estimate_statistics"]

_OPERATIONS = ("batch_norm", "native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm")
_MEAN, _TRAINING, _FACTOR = 3, 5, 6
"""Arguments of all of them, by their places."""


@torch.no_grad()
def estimate_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Average mean and variance of batch norms over batches, in the norms' own buffers.

    Every norm goes by the statistics of the batch meanwhile, as in training.

    Args:
        network: in Python or TorchScript; its batch norms are changed in place.
        batches: images (B, C, *S).

    Raises:
        RuntimeError: if torch computes none of the batch norms by an operation that is known.
    """
    norms = batch_norms(network).values()
    means = {cast(Tensor, norm[0].running_mean).data_ptr() for norm in norms}
    met: set[int] = set()
    for number, images in enumerate(batches, start=1):
        # Tracing writes down that a norm is not in training: what it calls is looked at instead.
        with _InTraining(means, 1 / number) as mode:
            network(images)
        met |= mode.met
    if not met:
        raise RuntimeError("no batch norm was computed: its statistics cannot be estimated")


class _InTraining(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Computes batch norms as in training.

    Args:
        means: addresses of the running means of the norms that are concerned.
        factor: weight of the batch in the running statistics; 1 forgets what they were.
    """

    def __init__(self, means: set[int], factor: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._means = means
        self._factor = factor
        self.met: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run an operation of torch, a batch norm in training."""
        name = str(getattr(func, "overloadpacket", "")).removeprefix("aten.")
        mean = args[_MEAN] if name in _OPERATIONS else None
        if isinstance(mean, Tensor) and mean.data_ptr() in self._means:
            self.met.add(mean.data_ptr())
            changed = list(args)
            changed[_TRAINING], changed[_FACTOR] = True, self._factor
            args = tuple(changed)
        return func(*args, **(kwargs or {}))
