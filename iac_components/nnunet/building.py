"""Networks built from the architecture that plans describe, by nnU-Net's own builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from torch import nn

from iac_components.nnunet.network import OWN_ARGUMENTS
from iac_components.nnunet.plans.reading import NETWORK, PlansError

__all__ = ["Architecture", "build_cell_network", "build_plain_network"]


class Architecture(TypedDict):
    """Field ``architecture`` of a configuration, with nnU-Net's names."""

    network_class_name: str
    arch_kwargs: Mapping[str, object]
    _kw_requires_import: Sequence[str]


def build_cell_network(
    architecture: Architecture, channels: int, classes: int, *, deep_supervision: bool
) -> nn.Module:
    """Build the network with its cell, whichever trainer the plans ask for.

    Args:
        architecture: of the configuration.
        channels: of an image.
        classes: channels of the output.
        deep_supervision: give the outputs of all levels.

    Raises:
        PlansError: if the plans have no cell.
        GenotypeError: if the cell does not fit the network.
    """
    arguments = {**architecture["arch_kwargs"], "trainer": None}
    if architecture["network_class_name"] != NETWORK or arguments.get("genotype") is None:
        raise PlansError(
            "these plans hold no cell: write some with python -m iac_components.nnunet plans, and "
            "name them with -p."
        )
    return _build(NETWORK, arguments, architecture, channels, classes, deep_supervision)


def build_plain_network(
    architecture: Architecture, channels: int, classes: int, *, deep_supervision: bool
) -> nn.Module:
    """Build nnU-Net's own network, without a cell; arguments as above."""
    given, name = architecture["arch_kwargs"], architecture["network_class_name"]
    base = str(given["base_class"]) if name == NETWORK else name
    arguments = {key: value for key, value in given.items() if key not in OWN_ARGUMENTS}
    return _build(base, arguments, architecture, channels, classes, deep_supervision)


def _build(
    name: str,
    arguments: Mapping[str, object],
    architecture: Architecture,
    channels: int,
    classes: int,
    deep_supervision: bool,
) -> nn.Module:
    network: nn.Module = get_network_from_plans(
        name,
        arguments,
        architecture["_kw_requires_import"],
        channels,
        classes,
        allow_init=True,
        deep_supervision=deep_supervision,
    )
    return network
