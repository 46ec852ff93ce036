"""Optimizers that drop the parameters of pruned modules, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from torch.optim import Optimizer

from iac_components.search.bilevel.bilevel_trainer import SearchNetwork

__all__ = ["PrunedOptimizerState", "forget_parameters"]


def forget_parameters(optimizer: Optimizer, living: Iterable[nn.Parameter]) -> None:
    """Drop every parameter that is not in ``living`` from the groups and the state.

    The state and order of the rest stay, to the bit.
    """
    kept = {id(parameter) for parameter in living}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if id(parameter) not in kept:
                optimizer.state.pop(parameter, None)
        group["params"] = [parameter for parameter in group["params"] if id(parameter) in kept]


class PrunedOptimizerState:
    """The weight optimizer's state for a checkpoint of a supernet that gets pruned.

    Load the supernet first: it prunes itself to the saved one, and the optimizer must forget the
    same parameters before its saved groups fit.

    Args:
        optimizer: the weight optimizer.
        network: the supernet.
    """

    def __init__(self, optimizer: Optimizer, network: SearchNetwork) -> None:
        self.optimizer = optimizer
        self.network = network

    def state_dict(self) -> dict[str, object]:
        """Return the optimizer's state."""
        state: dict[str, object] = self.optimizer.state_dict()
        return state

    def load_state_dict(self, state_dict: dict[str, object]) -> None:
        """Drop the parameters that the supernet has lost, then load the state."""
        forget_parameters(self.optimizer, self.network.weight_parameters())
        self.optimizer.load_state_dict(state_dict)
