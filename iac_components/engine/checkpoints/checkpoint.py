"""Checkpoints from which a killed run resumes."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from ignite.engine import Engine, Events
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from iac_components.common.built_weights import weights_put
from iac_components.common.console.config_stack import is_run_by_config
from iac_components.common.files import atomic_write, remove_leftovers
from iac_components.common.files.tensor_files import write_tensors
from iac_components.common.ranks import is_first_rank, require_same
from iac_components.engine.checkpoints.checkpoint_file import (
    FORMAT,
    CheckpointError,
    find_checkpoints,
    read_checkpoint,
)
from iac_components.engine.checkpoints.new_length import follow_new_length, has_length
from iac_components.engine.checkpoints.same_run import adopt_length, adopt_start, require_same_run
from iac_components.engine.checkpoints.set_aside import set_aside
from iac_components.engine.interruption import RESUME_FROM, is_abandoned
from iac_components.engine.records.run_record import WEIGHTS_PUT, RunRecord

__all__ = ["CheckpointError", "ResumableCheckpoint", "Stateful"]

_LOGGER = logging.getLogger("iac_components.checkpoint")


class Stateful(Protocol):
    """Whatever has a state to save: modules, optimizers, schedulers, traces."""

    def state_dict(self) -> dict[str, object]:
        """Return the state: tensors and plain Python values."""
        ...

    def load_state_dict(self, state_dict: dict[str, object]) -> object:
        """Load the state."""
        ...


class ResumableCheckpoint:
    """Write the whole state of a run after every epoch, and resume from the newest good one.

    Files are written atomically and the newest ``keep`` stay, so a kill at any moment leaves a good
    one. They hold tensors and plain values and load with ``weights_only=True``. The engine's epoch
    and AMP scale are taken from the engine at ``attach``, not from ``save_dict``: a handler inside
    its engine's own config cannot refer to that engine. Of several ranks the first writes, and all
    load the same file.

    A checkpoint carries the record of its run; only that run resumes from it. Its length may have
    changed: learning rates then follow the new one. A run that starts afresh first sets aside the
    checkpoints and results that an older one left.

    Args:
        directory: where the checkpoints lie.
        save_dict: what to save, by name, in the order in which it is loaded.
        record: all that defines the run.
        results: files that the run will write, and that an older one may have left.
        resume: start from the newest good checkpoint, if there is any; otherwise start afresh.
        every: epochs between checkpoints; the last epoch is always saved.
        keep: how many to keep.

    Raises:
        ValueError: if ``every`` or ``keep`` is below 1.
    """

    def __init__(
        self,
        directory: str | Path,
        save_dict: Mapping[str, Stateful],
        *,
        record: RunRecord | None = None,
        results: Sequence[str | Path] = (),
        resume: bool = False,
        every: int = 1,
        keep: int = 2,
    ) -> None:
        if every < 1 or keep < 1:
            raise ValueError(f"every and keep must be at least 1, got {every} and {keep}.")
        self.directory = Path(directory)
        self.save_dict = dict(save_dict)
        self.record = record or RunRecord()
        self.results = tuple(Path(path) for path in results)
        self.resume = resume
        self.every = every
        self.keep = keep
        self._held: tuple[int, bytes] | None = None
        self._has_begun = False

    def attach(self, engine: Engine) -> None:
        """Listen to the start of the run and the end of its epochs.

        Attach after every handler whose epoch-end work the checkpoint must hold.
        """
        engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.STARTED, self._hold_start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)
        engine.add_event_handler(Events.TERMINATE, self.save_held)

    def save(self, engine: Engine) -> None:
        """Write the checkpoint of the epoch that ended, and delete the oldest."""
        if is_abandoned(engine):
            return
        epoch = engine.state.epoch
        last = epoch == engine.state.max_epochs or bool(engine.should_terminate)
        if epoch % self.every and not last:
            self._hold(engine)
        elif is_first_rank():
            self._held = None
            write_tensors(self._file(epoch), self._content(engine))
            self._remove_others(epoch)

    def save_held(self, engine: Engine) -> None:
        """Write the newest complete epoch of an interrupted run, if it is not on disk yet."""
        if not is_abandoned(engine) or not is_first_rank():
            return
        if self._held is not None:
            epoch, content = self._held
            with atomic_write(self._file(epoch)) as stream:
                stream.write(content)
            self._remove_others(epoch)
            self._held = None
        setattr(engine.state, RESUME_FROM, next((path for _, path in self.found()), None))

    def _hold_start(self, engine: Engine) -> None:
        if engine.state.epoch == 0:
            self._hold(engine)

    def _hold(self, engine: Engine) -> None:
        """Keep the state of a whole epoch, or of the start, in case that the next is given up."""
        if not is_first_rank():
            return
        held = io.BytesIO()
        torch.save(self._content(engine), held)
        self._held = engine.state.epoch, held.getvalue()

    def _content(self, engine: Engine) -> dict[str, object]:
        scaler = getattr(engine, "scaler", None)
        return {
            "format": FORMAT,
            "run": {
                "identity": self.record.identity(),
                "epochs": self.record.epochs,
                "steps_per_epoch": self.record.steps_per_epoch,
                "extensions": self.record.extensions,
                "weights_at_start": self.record.weights_at_start,
            },
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "ended": bool(engine.should_terminate),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "objects": {name: item.state_dict() for name, item in self.save_dict.items()},
        }

    def _file(self, epoch: int) -> Path:
        return self.directory / f"checkpoint_epoch={epoch}.pt"

    def _remove_others(self, epoch: int) -> None:
        """Keep the newest up to ``epoch``."""
        found = self.found()
        # Later epochs could not be read, or this run would have gone on from them.
        stale = [path for saved, path in found if saved > epoch]
        for path in (*stale, *(path for _, path in found[len(stale) :][self.keep :])):
            path.unlink(missing_ok=True)

    def load(self, engine: Engine) -> None:
        """Load the newest intact checkpoint if asked to resume, or make room for a new run.

        Raises:
            CheckpointError: if it is whole but of another run, or its content does not fit.
            RankError: if not all ranks see the same one.
        """
        remove_leftovers(self.directory)
        # Clients of MONAI run one trainer round after round: that is one run.
        self.record.epochs = engine.state.max_epochs
        self.record.steps_per_epoch = engine.state.epoch_length
        if self._has_begun:
            return
        self._has_begun = True
        self._note_weights()
        if not self.resume:
            self._clear()
            return
        good = (
            (path, content)
            for _, path in self.found()
            if (content := read_checkpoint(path)) is not None
        )
        path, content = next(good, (None, None))
        require_same(
            str(path and path.name).encode(),
            what=f"the newest good checkpoints in '{self.directory}'",
            remedy="Put output_dir where all nodes see the same files.",
        )
        if path is None or content is None:
            _LOGGER.info(f"Nothing to resume in '{self.directory}': starting afresh.")
            self._clear()
            return
        require_same_run(content, path, self.record)
        adopt_start(content, path, self.record)
        self._restore(engine, content, path)
        _LOGGER.info(f"Resumed after epoch {content['epoch']} from '{path}'.")

    def _note_weights(self) -> None:
        """Record the weights that handlers, steps of the config or a program have put in place."""
        network = self.save_dict.get("network")
        put = weights_put(network) if isinstance(network, nn.Module) else None
        self.record.weights_at_start = put
        if put is not None and is_run_by_config():
            self.record.begun[WEIGHTS_PUT] = put

    def found(self) -> list[tuple[int, Path]]:
        """Epoch and path of every checkpoint, newest first."""
        return find_checkpoints(self.directory)

    def _clear(self) -> None:
        """Set the files of an older run aside."""
        # Killed before its first checkpoint, this run would otherwise be resumed as the older one,
        # and the older one's results would pass for this one's.
        if is_first_rank():
            set_aside([*(path for _, path in self.found()), *self.results])

    def _restore(self, engine: Engine, content: dict[str, object], path: Path) -> None:
        objects = content["objects"]
        if not isinstance(objects, dict) or set(objects) != set(self.save_dict):
            held = sorted(objects) if isinstance(objects, dict) else objects
            raise CheckpointError(
                f"Checkpoint '{path}' is of another run: it holds {held} instead of "
                f"{sorted(self.save_dict)}. Choose another output folder."
            )
        changed = adopt_length(content, path, self.record)
        schedules = {name: item for name, item in self.save_dict.items() if has_length(item)}
        start = {name: _rates(item) for name, item in schedules.items()}
        for name, item in self.save_dict.items():
            try:
                if changed and name in schedules:
                    continue
                item.load_state_dict(objects[name])
            except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise CheckpointError(
                    f"Checkpoint '{path}' does not fit this run: its '{name}' was saved with "
                    f"other settings ({str(error).splitlines()[0]}). Resume with the settings of "
                    "that run, or choose another output folder."
                ) from error
        if changed:
            for name, item in schedules.items():
                steps = int(objects[name]["last_epoch"])
                follow_new_length(item, start=start[name], steps=steps)
        engine.state.epoch = content["epoch"]
        engine.state.iteration = content["iteration"]
        if content["ended"]:
            engine.terminate()
        scaler = getattr(engine, "scaler", None)
        if scaler is not None and content["scaler"]:
            scaler.load_state_dict(content["scaler"])


def _rates(scheduler: LRScheduler) -> list[float]:
    return [float(group["lr"]) for group in scheduler.optimizer.param_groups]
