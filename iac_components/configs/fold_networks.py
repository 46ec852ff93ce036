"""The networks of several folds, as a config builds one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from monai.bundle import ConfigParser
from torch import nn

from iac_components.common.console.config_stack import running_parser
from iac_components.networks import load_weights

__all__ = ["build_fold_networks"]

NETWORK = "network_def"


def build_fold_networks(
    fold_weights: Sequence[str | Path] | None,
    *,
    architecture_option: str,
    fold_architectures: Sequence[str | Path] | None = None,
    device: object = "cpu",
) -> list[nn.Module] | None:
    """Build the network of the running config once for each fold, with that fold's weights.

    Args:
        fold_weights: a checkpoint for each fold; None for the config's one network.
        architecture_option: the option of the config that names the architecture's file.
        fold_architectures: an architecture for each fold; None takes the config's for all.
        device: of the networks.

    Returns:
        Networks in eval mode, or None.

    Raises:
        FileNotFoundError: if a checkpoint is not there.
        ValueError: if one cannot be used; the message names it.
    """
    if fold_weights is None:
        return None
    config = cast("dict[str, object]", running_parser().get())
    networks = []
    for index, weights in enumerate(fold_weights):
        own = (
            {}
            if fold_architectures is None
            else {architecture_option: str(fold_architectures[index])}
        )
        # Parsed again: the running config gives the same network each time.
        parser = ConfigParser(copy.deepcopy({**config, **own}))
        network = cast(nn.Module, parser.get_parsed_content(NETWORK))
        load_weights(network, weights)
        networks.append(network.to(cast(str, device)).eval())
    return networks
