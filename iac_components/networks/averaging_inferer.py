"""Inference that averages over mirrored images and over the networks of several folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import torch
from monai.inferers import Inferer
from torch import nn

__all__ = ["AveragingInferer"]


class AveragingInferer(Inferer):
    """Average another inferer's output over mirror images and over networks.

    Outputs are averaged before softmax, as nnU-Net averages them.

    Args:
        inferer: what infers each of them, such as MONAI's ``SliceInferer``.
        mirror_axes: spatial axes along which images are mirrored, in every combination, the outputs
            being mirrored back: 2 to the power of their number passes. Training should have
            mirrored along them, too.
        networks: those of the folds, instead of the network that is passed; None takes that one.

    Raises:
        ValueError: if an axis is negative or twice there, or ``networks`` is empty.
    """

    def __init__(
        self,
        inferer: Inferer,
        *,
        mirror_axes: Sequence[int] = (),
        networks: Sequence[nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if len(set(mirror_axes)) < len(mirror_axes) or any(axis < 0 for axis in mirror_axes):
            raise ValueError(
                f"mirror_axes {list(mirror_axes)}: pass spatial axes from 0, each once."
            )
        if networks is not None and not networks:
            raise ValueError("networks is empty: pass None for the network that infers.")
        self.inferer = inferer
        self.networks = None if networks is None else list(networks)
        self.flips = [
            [axis + 2 for axis in axes]
            for count in range(len(mirror_axes) + 1)
            for axes in combinations(mirror_axes, count)
        ]

    def __call__(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        *args: object,
        **kwargs: object,
    ) -> torch.Tensor:
        """Return the averaged output for ``inputs`` (B, C, *S).

        Raises:
            ValueError: if the images do not have one of the mirrored axes.
        """
        if max(map(max, filter(None, self.flips)), default=0) >= inputs.ndim:
            raise ValueError(
                f"mirror_axes: images of {inputs.ndim - 2} spatial axes cannot be mirrored along "
                f"axis {max(self.flips[-1]) - 2}."
            )
        # Not the parameter's own list: an empty one would hide the network that was passed.
        networks = [network] if self.networks is None else self.networks
        passes = [(member, flips) for member in networks for flips in self.flips]
        # One output at a time beside their sum: those of whole volumes are large.
        member, flips = passes[0]
        total = self._mirrored(inputs, member, flips, *args, **kwargs)
        for member, flips in passes[1:]:
            total = total + self._mirrored(inputs, member, flips, *args, **kwargs)
        return total if len(passes) == 1 else total / len(passes)

    def _mirrored(
        self,
        inputs: torch.Tensor,
        network: Callable[..., torch.Tensor],
        flips: list[int],
        *args: object,
        **kwargs: object,
    ) -> torch.Tensor:
        if not flips:
            result: torch.Tensor = self.inferer(inputs, network, *args, **kwargs)
            return result
        mirrored: torch.Tensor = self.inferer(inputs.flip(flips), network, *args, **kwargs)
        return mirrored.flip(flips)
