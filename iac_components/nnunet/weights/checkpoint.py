"""Weights out of nnU-Net's checkpoints, read without running anything in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from iac_components.common.files.tensor_files import StandIn, read_tensors
from iac_components.networks import skip_fusions

__all__ = ["load_network_weights", "read_network_weights"]

_FIELD = "network_weights"
_SHOWN = 3


class _Ignored:
    """Stands in for whatever lies beside the weights: numbers of NumPy in the log."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def _ignored(*_: object) -> _Ignored:
    return _Ignored()


_NUMBER_TYPES = ("Float64", "Float32", "Float16", "Int64", "Int32", "Bool")

_STAND_INS: list[StandIn] = [
    (_Ignored, "numpy.ndarray"),
    (_Ignored, "numpy.dtype"),
    *((_Ignored, f"numpy.dtypes.{name}DType") for name in _NUMBER_TYPES),
    *(
        (_ignored, f"numpy.{module}.multiarray.{name}")
        for module in ("core", "_core")  # numpy 1, numpy 2
        for name in ("scalar", "_reconstruct")
    ),
]


def read_network_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the network's weights of a checkpoint that nnU-Net v2 wrote, and nothing else of it.

    nnU-Net itself reads its checkpoints with ``weights_only=False``, which runs whatever they hold.
    Here tensors and plain values are built, and NumPy's numbers become nothing.

    Args:
        path: a ``checkpoint_final.pth``, ``checkpoint_best.pth`` or ``checkpoint_latest.pth``.

    Returns:
        Tensors on the CPU by state-dict key.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it holds anything else than such values, or no ``network_weights``; the
            message is one line and names the file.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"checkpoint '{path}' does not exist, or is no file.")
    try:
        content = read_tensors(file, stand_ins=_STAND_INS)
    except OSError:
        raise
    # What the reader raises on foreign bytes is not specified, so all of it is translated.
    except Exception as error:
        raise ValueError(f"checkpoint '{path}' {_explain(error)}") from error
    weights = content.get(_FIELD) if isinstance(content, Mapping) else None
    if not isinstance(weights, Mapping) or not weights:
        raise ValueError(
            f"checkpoint '{path}' holds no '{_FIELD}': give one that nnUNetv2_train wrote, such as "
            "checkpoint_final.pth."
        )
    foreign = [key for key, value in weights.items() if not isinstance(value, Tensor)]
    if foreign:
        raise ValueError(f"checkpoint '{path}': {_FIELD} holds no tensor at {_some(foreign)}.")
    return {str(key): value for key, value in weights.items()}


def load_network_weights(
    network: nn.Module, weights: Mapping[str, Tensor], *, source: str | Path
) -> None:
    """Load the plain network's weights into one with blocks, with or without cells.

    Everything fits, or nothing is changed; cells keep their weights.

    Args:
        network: of :func:`implanted_unet` or :func:`blockwise`, or the backbone of a supernet.
        weights: of :func:`read_network_weights`, of a network without cells.
        source: where they are from, for the message.

    Raises:
        ValueError: naming the first keys that are missing, unexpected or of another shape.
    """
    own = network.state_dict()
    names = _plain_names(network, own)
    faults = {
        "missing": [key for key in names if key not in weights],
        "unexpected": [key for key in weights if key not in names],
        "shape": [
            f"{key} {tuple(weights[key].shape)} instead of {tuple(own[name].shape)}"
            for key, name in names.items()
            if key in weights and weights[key].shape != own[name].shape
        ],
    }
    if any(faults.values()):
        found = "; ".join(f"{name}: {_some(keys)}" for name, keys in faults.items() if keys)
        raise ValueError(
            f"checkpoint '{source}' is of another network than these plans' without its cells "
            f"({found}): give the one that nnU-Net trained by the plans that these were made from."
        )
    network.load_state_dict({names[key]: value for key, value in weights.items()}, strict=False)


def _plain_names(network: nn.Module, own: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the key of every tensor outside the cells, by its key in nnU-Net's plain network."""
    paths = {module: name for name, module in network.named_modules()}
    cells = tuple(
        f"{paths[fusion]}.{child}." for fusion in skip_fusions(network) for child in fusion.places
    )
    return {_plain_name(key): key for key in own if not key.startswith(cells)}


def _plain_name(key: str) -> str:
    return re.sub(
        r"^decoder\.blocks\.(\d+)\.(?:block\.)?(stage|transpconv)\.", r"decoder.\2s.\1.", key
    )


def _explain(error: Exception) -> str:
    if named := re.search(r"GLOBAL (\S+)", str(error)):
        return (
            f"is refused, since it asks for '{named[1]}': one of nnU-Net's holds tensors, numbers "
            "and texts. Nothing in it was run."
        )
    return "is not a file of torch.save, or it is damaged."


def _some(keys: list[str]) -> str:
    rest = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(map(str, keys[:_SHOWN])) + rest
