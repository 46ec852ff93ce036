"""A search on kept features: weights and architecture in turn, as in the bundles, but smaller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn

from iac_components.networks import CellSearchNetwork
from iac_components.search.gradients import FirstOrderGradient, without_gradients
from studies.cell_table.features import Features, FeatureSet, decode

__all__ = ["SearchRecipe", "search_cells"]

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class SearchRecipe:
    """Rates and lengths of a search.

    Attributes:
        steps: weight steps.
        warmup_steps: of them without an architecture step.
        batch_size: slices a step.
        rate: of the weights; a cell's scale starts at zero and must open before it is judged.
        architecture_rate: of alphas and betas.
    """

    steps: int = 150
    warmup_steps: int = 20
    batch_size: int = 8
    rate: float = 0.02
    architecture_rate: float = 0.04


def search_cells(
    network: CellSearchNetwork,
    weight_half: FeatureSet,
    architecture_half: FeatureSet,
    loss_function: Loss,
    *,
    recipe: SearchRecipe,
    seed: int,
) -> float:
    """Search, first order; returns the last loss of the weights.

    Args:
        network: the supernet of a frozen BasicUNet.
        weight_half: features that the weights learn from.
        architecture_half: features of other patients, for alphas and betas.
        loss_function: of logits and labels.
        recipe: rates and lengths.
        seed: of the order of slices.
    """
    weights = list(network.weight_parameters())
    architecture = list(network.architecture_parameters())
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=1e-4)
    architecture_optimizer = torch.optim.Adam(
        architecture, lr=recipe.architecture_rate, betas=(0.5, 0.999)
    )
    batches = weight_half.batches(recipe.batch_size, seed=seed)
    others = architecture_half.batches(recipe.batch_size, seed=seed + 1000)
    loss = torch.tensor(float("nan"))
    network.train()
    for step in range(recipe.steps):
        with without_gradients(architecture):
            loss = _loss(network, loss_function, next(batches))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        if step >= recipe.warmup_steps:
            _architecture_step(
                architecture_optimizer,
                partial(_loss, network, loss_function, next(others)),
                architecture,
                weights,
            )
    return float(loss.detach())


def _architecture_step(
    optimizer: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
    architecture: list[nn.Parameter],
    weights: list[nn.Parameter],
) -> None:
    _, found = FirstOrderGradient().compute(loss, loss, architecture=architecture, weights=weights)
    for parameter, gradient in zip(architecture, found, strict=True):
        parameter.grad = gradient
    optimizer.step()
    optimizer.zero_grad()


def _loss(
    network: CellSearchNetwork, loss_function: Loss, batch: tuple[Features, Tensor]
) -> Tensor:
    features, labels = batch
    backbone: BasicUNet = network.backbone
    with network.slot.holding(network.distributions()):
        return loss_function(decode(backbone, features), labels)
