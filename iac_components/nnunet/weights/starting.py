"""Weights that nnU-Net trained without cells, put into a network that a trainer begins with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn
from torch._dynamo import OptimizedModule
from torch.nn.parallel import DistributedDataParallel

from iac_components.nnunet.plans.reading import own_section
from iac_components.nnunet.weights.checkpoint import load_network_weights, read_network_weights

__all__ = ["begin_with", "trained_weights", "unwrapped"]


def trained_weights(
    weights: str | None,
    *,
    plans: Mapping[str, object],
    configuration: str,
    fold: int | str,
    output_folder: str,
) -> Path:
    """Return the checkpoint of the network without cells.

    Args:
        weights: path, with ``{fold}`` for the fold; None for the one that ``nnUNetTrainer`` left
            for the same data set, plans, configuration and fold.
        plans: of the training.
        configuration: such as ``2d``.
        fold: of the training.
        output_folder: of the training, in nnU-Net's folder of results.

    Raises:
        FileNotFoundError: if there is none.
    """
    dataset, source = plans["dataset_name"], own_section(plans)["source_plans"]
    if weights is not None:
        path = Path(weights.replace("{fold}", str(fold)))
    else:
        model = Path(output_folder).parents[1] / f"nnUNetTrainer__{source}__{configuration}"
        path = model / f"fold_{fold}" / "checkpoint_final.pth"
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights to begin with: '{path}' does not exist. Train the network without cells "
            f"first (nnUNetv2_train {dataset} {configuration} {fold} -p {source}), or name a "
            "checkpoint with --weights when you write the plans."
        )
    return path


def begin_with(network: nn.Module, path: Path) -> None:
    """Load the weights of a checkpoint of the network without cells.

    Args:
        network: a trainer's, compiled or not, or the backbone of a supernet.
        path: of nnU-Net's checkpoint.

    Raises:
        ValueError: if it is not nnU-Net's, or of another network.
    """
    load_network_weights(unwrapped(network), read_network_weights(path), source=path)


def unwrapped(network: nn.Module) -> nn.Module:
    """Return the network without the wrappers of several processes and of ``torch.compile``."""
    if isinstance(network, DistributedDataParallel):
        network = network.module
    if isinstance(network, OptimizedModule):
        original: nn.Module = network._orig_mod
        return original
    return network
