"""Trained weights of a bundle, or one line on how they are made."""

from __future__ import annotations

import shlex
from pathlib import Path

from torch import nn

from iac_components.networks import load_weights

__all__ = ["load_trained"]

_MODELS = "models"
_STAGES = ("_inference", "_train")


def load_trained(network: nn.Module, path: str | Path, *, bundle_root: str | Path) -> None:
    """Load a checkpoint into the network of a bundle; every key and shape must fit.

    Args:
        network: of the bundle.
        path: a file as for ``iac_components.networks.load_weights``.
        bundle_root: folder of the bundle.

    Raises:
        FileNotFoundError: if there is no such file; where the bundle's own weights are missing, the
            message has the command that makes them.
        OSError: if the file cannot be read.
        ValueError: if it is no checkpoint, or of another network.
    """
    root = Path(bundle_root)
    own = root / _MODELS / "model.pt"
    if not Path(path).exists() and Path(path).absolute() == own.absolute():
        raise FileNotFoundError(
            f"{own}: no such checkpoint file, since no weights are in this bundle. Make them: "
            f"{_command(root)}. Or pass others: --checkpoint <model.pt>."
        )
    load_weights(network, path)


def _command(root: Path) -> str:
    """Return the command that trains, and leaves the weights in the bundle."""
    config = Path("configs") / "train.json"
    run = "python -m monai.bundle run --config_file"
    data = "--dataset_dir <dataset_dir>"
    if (root / config).is_file():
        return f"{run} {shlex.quote(str(root / config))} {data}"
    inference, train = _STAGES
    trainer = root.with_name(root.name.removesuffix(inference) + train)
    models = shlex.quote(str(root / _MODELS))
    return f"{run} {shlex.quote(str(trainer / config))} {data} --ckpt_dir {models}"
