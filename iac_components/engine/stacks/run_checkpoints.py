"""All that a run saves of itself when an epoch or the run ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from ignite.engine import Engine
from torch import nn

from iac_components.engine.best_model import FinalModel
from iac_components.engine.checkpoints import ResumableCheckpoint
from iac_components.engine.checkpoints.checkpoint import Stateful
from iac_components.engine.checkpoints.new_length import has_length
from iac_components.engine.records.run_record import RunRecord
from iac_components.engine.stacks.round_rates import RoundRates

__all__ = ["CHECKPOINTS", "RunCheckpoints"]

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints within a run's own."""

_WEIGHTS = ("model.pt", "model_final.pt")


class RunCheckpoints:
    """Checkpoints to resume from and, of a training, the weights of its last epoch.

    Put it last in a trainer's list: a checkpoint must hold what the others do at an epoch's end.
    Schedules of learning rates restart where a client runs the trainer again.

    Args:
        output_dir: the run's folder; checkpoints lie in ``checkpoints`` below it.
        save_dict: what to save, by name, in the order in which it is loaded; ``network`` is one.
        results: names of the files in ``output_dir`` that an older run may have left.
        ckpt_dir: where a training writes ``model.pt`` and ``model_final.pt``; None writes no
            weights beside the checkpoints.
        record: all that defines the run.
        resume: start from the newest good checkpoint, if there is any.
        every: epochs between checkpoints; the last epoch is always saved.
        keep: how many to keep.

    Raises:
        ValueError: if ``every`` or ``keep`` is below 1.

    Attributes:
        handlers: the members, in the order in which they are attached.
    """

    def __init__(
        self,
        output_dir: str | Path,
        save_dict: Mapping[str, Stateful],
        *,
        results: Sequence[str] = (),
        ckpt_dir: str | Path | None = None,
        record: RunRecord | None = None,
        resume: bool = False,
        every: int = 1,
        keep: int = 2,
    ) -> None:
        self.handlers: list[RoundRates | FinalModel | ResumableCheckpoint] = [
            RoundRates(item) for item in save_dict.values() if has_length(item)
        ]
        files = [Path(output_dir) / name for name in results]
        if ckpt_dir is not None:
            folder = Path(ckpt_dir)
            files = [*(folder / name for name in _WEIGHTS), *files]
            network = cast(nn.Module, save_dict["network"])
            self.handlers.append(FinalModel(folder / _WEIGHTS[-1], network, record=record))
        self.handlers.append(
            ResumableCheckpoint(
                Path(output_dir) / CHECKPOINTS,
                save_dict,
                record=record,
                results=files,
                resume=resume,
                every=every,
                keep=keep,
            )
        )

    def attach(self, engine: Engine) -> None:
        """Attach every member."""
        for handler in self.handlers:
            handler.attach(engine)
