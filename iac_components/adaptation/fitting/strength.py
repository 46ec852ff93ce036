"""Parts at less than their full strength: between the released network and what was trained.

A few cases teach an adapter what they share, and what is theirs alone. On the way from the released
values to the trained ones the first is gained early and the second is lost late: halfway, most of
the gain is there, and patients differ in it far less. (Wortsman et al., Robust fine-tuning of
zero-shot models, CVPR 2022, arXiv 2109.01903, for whole networks.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from iac_components.adaptation.adapter.applying import build_with
from iac_components.adaptation.candidates import PartPlan
from iac_components.adaptation.fitting.fit import Fitted

__all__ = ["FULL", "interpolated", "weakened"]

FULL = 1.0


def weakened(
    network: nn.Module, parts: Sequence[PartPlan], fitted: Fitted, strength: float
) -> Fitted:
    """Return trained parts at a strength, in a network of their own.

    Args:
        network: the base network.
        parts: plans of what was trained in it.
        fitted: the training's result.
        strength: 1 for the trained values, 0 for the released network.
    """
    if strength == FULL:
        return fitted
    values = interpolated(fitted.start, fitted.values, strength)
    return Fitted(build_with(network, parts, values), values, fitted.start)


def interpolated(
    start: Mapping[str, Tensor], end: Mapping[str, Tensor], strength: float
) -> dict[str, Tensor]:
    """Return values between two sets of the same names; counts are taken from the end.

    Args:
        start: values at strength 0.
        end: values at strength 1.
        strength: share of the way.
    """
    return {
        name: start[name].lerp(value, strength) if value.is_floating_point() else value
        for name, value in end.items()
    }
