"""Loading the state of a supernet that had been pruned into a whole one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import torch
from torch import nn

__all__ = ["prune_before_loading"]


Network = TypeVar("Network", bound=nn.Module)


def prune_before_loading(
    network: Network, alive_name: str, prune: Callable[[Network, torch.Tensor], None]
) -> None:
    """Delete what the saved network had lost before its weights are loaded, so that they fit.

    Args:
        network: whose ``load_state_dict`` to prepare.
        alive_name: name of the buffer, within the network's state, that marks what lives.
        prune: called with the network (a copy's, if it was copied) and the saved mask.
    """

    def hook(module: nn.Module, state: Mapping[str, torch.Tensor], prefix: str, *_: object) -> None:
        alive = state.get(f"{prefix}{alive_name}")
        if alive is not None:
            prune(cast(Network, module), alive)

    network.register_load_state_dict_pre_hook(hook)  # type: ignore[no-untyped-call]
