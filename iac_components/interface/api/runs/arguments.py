"""Checks of arguments before any work, by the ranges and rules of the bundles' options."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from iac_components.bundling.options import OptionError, check_values

__all__ = ["RunSettings", "as_arguments", "choose_amp", "choose_device", "require"]


def require(values: Mapping[str, object], *, method: str = "iac") -> None:
    """Check arguments against the schema of the option of the same name, and against each other.

    Args:
        values: the arguments; None is left out, which stands for a default here.
        method: ``iac`` or ``dints``, whose schema holds.

    Raises:
        OptionError: one line for each argument at fault.
    """
    given = {name: value for name, value in values.items() if value is not None}
    try:
        check_values(given, method=method)
    except OptionError as error:
        raise OptionError(as_arguments(str(error))) from None


def as_arguments(message: str) -> str:
    """Replace the shell's option names in error messages by the names of arguments."""
    return re.sub(r"--(\w)", r"\1", message)


def choose_device(device: str | torch.device | None) -> torch.device:
    """Return the device to compute on: by default the process's GPU, if any, else the CPU.

    Raises:
        OptionError: if this machine has no such device.
    """
    if device is None:
        number = os.environ.get("LOCAL_RANK", "0")
        return torch.device(f"cuda:{number}" if torch.cuda.is_available() else "cpu")
    require({"device": device})
    return torch.device(device)


def choose_amp(amp: bool | None, device: torch.device) -> bool:
    """Return whether to compute in mixed precision: by default on a GPU.

    Raises:
        OptionError: if it is neither true, false nor None.
    """
    require({"amp": amp})
    return device.type == "cuda" if amp is None else amp


@dataclass(frozen=True)
class RunSettings:
    """Arguments that every run has, checked, with their values on this machine.

    Attributes:
        output_dir: folder of the run.
        epochs: length of the run.
        learning_rate: of the weights.
        steps_per_epoch: steps of an epoch; None takes the data once.
        batch_size: images of a step; None before the data are looked at.
        resume: start from the newest checkpoint.
        seed: of everything that is drawn.
        num_workers: processes that load data.
        device: of the computation.
        amp: mixed precision.
    """

    output_dir: Path
    epochs: int
    learning_rate: float
    steps_per_epoch: int | None
    batch_size: int | None
    resume: bool
    seed: int
    num_workers: int
    device: torch.device
    amp: bool

    @classmethod
    def checked(
        cls,
        *,
        output_dir: str | Path,
        device: str | torch.device | None,
        amp: bool | None,
        method: str = "iac",
        epochs: int,
        learning_rate: float,
        steps_per_epoch: int | None,
        batch_size: int | None,
        resume: bool,
        seed: int,
        num_workers: int,
        others: Mapping[str, object],
    ) -> RunSettings:
        """Check all arguments of a run, ``others`` being those that it alone has.

        Raises:
            OptionError: one line for each argument at fault.
        """
        own: dict[str, object] = {
            "epochs": epochs,
            "learning_rate": learning_rate,
            "steps_per_epoch": steps_per_epoch,
            "batch_size": batch_size,
            "resume": resume,
            "seed": seed,
            "num_workers": num_workers,
        }
        require({"output_dir": output_dir, **own, **others}, method=method)
        where = choose_device(device)
        settings: RunSettings = cls(
            output_dir=Path(output_dir),
            device=where,
            amp=choose_amp(amp, where),
            **own,  # type: ignore[arg-type]
        )
        return settings
