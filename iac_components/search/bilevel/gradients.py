"""The architecture gradient of the bilevel search: first or second order.

Source: DARTS (arXiv 1806.09055), equations 5 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = [
    "ArchitectureGradient",
    "FirstOrderGradient",
    "SecondOrderGradient",
    "with_kept_statistics",
    "without_gradients",
]

Loss = Callable[[], torch.Tensor]
"""Runs a forward pass with the parameters as they are and returns the scalar loss."""


class ArchitectureGradient(Protocol):
    """Computes the loss of an architecture batch and its gradient.

    Implementations leave every parameter as it was, to the bit, and accumulate into no ``.grad``.
    """

    def compute(
        self,
        architecture_loss: Loss,
        weight_loss: Loss,
        *,
        architecture: Sequence[torch.nn.Parameter],
        weights: Sequence[torch.nn.Parameter],
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the loss (detached scalar) and one gradient for each architecture parameter.

        Args:
            architecture_loss: loss of the architecture batch.
            weight_loss: loss of this iteration's weight batch.
            architecture: the parameters to differentiate by.
            weights: the weights that the weight optimizer trains.
        """
        ...


class FirstOrderGradient:
    """Gradient at the current weights, which need and get none."""

    def compute(
        self,
        architecture_loss: Loss,
        weight_loss: Loss,
        *,
        architecture: Sequence[torch.nn.Parameter],
        weights: Sequence[torch.nn.Parameter],
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """See :meth:`ArchitectureGradient.compute`; costs one forward and half a backward pass."""
        # With gradients off, autograd neither computes nor saves what only the weights would need.
        with without_gradients(weights):
            loss = architecture_loss()
            gradients = torch.autograd.grad(loss, architecture)
        return loss.detach(), gradients


class SecondOrderGradient:
    """The gradient through one virtual weight step, by finite differences; about 4x the cost.

    Args:
        virtual_rate: learning rate of the virtual step (plain SGD: our choice, whatever the weight
            optimizer is).
        epsilon: size of the finite difference, divided by the norm of the weight gradient.

    Raises:
        ValueError: if either is not positive.
    """

    def __init__(self, virtual_rate: float = 1e-2, epsilon: float = 1e-2) -> None:
        if virtual_rate <= 0 or epsilon <= 0:
            raise ValueError(
                f"virtual_rate and epsilon must be positive, got {virtual_rate} and {epsilon}."
            )
        self.virtual_rate = virtual_rate
        self.epsilon = epsilon

    def compute(
        self,
        architecture_loss: Loss,
        weight_loss: Loss,
        *,
        architecture: Sequence[torch.nn.Parameter],
        weights: Sequence[torch.nn.Parameter],
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """See :meth:`ArchitectureGradient.compute`."""
        saved = [weight.detach().clone() for weight in weights]
        try:
            first = torch.autograd.grad(weight_loss(), weights, allow_unused=True)
            _move(weights, saved, first, -self.virtual_rate)
            loss = architecture_loss()
            both = torch.autograd.grad(loss, (*architecture, *weights), allow_unused=True)
            direct, direction = both[: len(architecture)], both[len(architecture) :]
            norms = [g.norm() for g in direction if g is not None]
            size = self.epsilon / torch.stack(norms).norm().clamp_min(1e-12).item()
            sides = []
            for sign in (1, -1):
                _move(weights, saved, direction, sign * size)
                with without_gradients(weights):
                    sides.append(torch.autograd.grad(weight_loss(), architecture))
        finally:
            with torch.no_grad():
                for weight, value in zip(weights, saved, strict=True):
                    weight.copy_(value)
        gradients = tuple(
            d - self.virtual_rate * (up - down) / (2 * size)
            for d, up, down in zip(direct, *sides, strict=True)
        )
        return loss.detach(), gradients


@contextmanager
def without_gradients(parameters: Sequence[torch.nn.Parameter]) -> Iterator[None]:
    """Switch ``requires_grad`` off for the parameters that have it on, and on again after."""
    switched = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in switched:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in switched:
            parameter.requires_grad_(True)


@contextmanager
def with_kept_statistics(network: torch.nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch norms as they are: passes within leave no trace in them.

    They belong to the weights, which must not learn from the half of the patients that the
    architecture is judged on, nor from weights that were moved to try a direction.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    saved = [
        [(buffer, buffer.clone()) for buffer in norm.buffers(recurse=False)]
        for norm in norms
        if norm.training
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in (pair for pairs in saved for pair in pairs):
                buffer.copy_(value)


def _move(
    weights: Sequence[torch.nn.Parameter],
    origin: Sequence[torch.Tensor],
    direction: Sequence[torch.Tensor | None],
    length: float,
) -> None:
    """Set each weight to origin + length x direction; None is a zero direction."""
    with torch.no_grad():
        for weight, start, step in zip(weights, origin, direction, strict=True):
            weight.copy_(start if step is None else start + length * step)
