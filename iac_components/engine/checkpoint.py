"""Checkpoints that a killed run goes on from."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ignite.engine import Engine, Events

from iac_components.engine.interruption import RESUME_FROM, is_abandoned
from iac_components.files import write_tensors
from iac_components.ranks import is_first_rank, require_same
from iac_components.temporary_files import remove_leftovers
from iac_components.tensor_files import read_tensors

__all__ = ["FORMAT", "CheckpointError", "ResumableCheckpoint", "Stateful"]

FORMAT = "iac_components.checkpoint/1"
"""Marks a file as one of ours, and its version."""

_FIELDS = frozenset(("format", "epoch", "iteration", "ended", "scaler", "objects"))
_NAME = re.compile(r"checkpoint_epoch=(\d+)\.pt")
_LOGGER = logging.getLogger("iac_components.checkpoint")


class CheckpointError(RuntimeError):
    """A checkpoint that belongs to another run."""


class Stateful(Protocol):
    """Whatever has a state to save: modules, optimizers, schedulers, traces."""

    def state_dict(self) -> dict[str, object]:
        """Return the state: tensors and plain Python values."""
        ...

    def load_state_dict(self, state_dict: dict[str, object]) -> object:
        """Take the state over."""
        ...


class ResumableCheckpoint:
    """Write the whole state of a run after every epoch, and go on from the newest good one.

    Files are written atomically and the newest ``keep`` stay, so a kill at any moment leaves a good
    one. They hold tensors and plain values and load with ``weights_only=True``. The engine's epoch
    and AMP scale are taken from the engine at ``attach``, not from ``save_dict``: a handler inside
    its engine's own config cannot refer to that engine. Of several ranks the first writes, and all
    load the same file.

    Args:
        directory: where the checkpoints lie.
        save_dict: what to save, by name, in the order in which it is loaded.
        resume: go on from the newest good checkpoint, if there is any; otherwise start afresh.
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
        resume: bool = False,
        every: int = 1,
        keep: int = 2,
    ) -> None:
        if every < 1 or keep < 1:
            raise ValueError(f"every and keep must be at least 1, got {every} and {keep}.")
        self.directory = Path(directory)
        self.save_dict = dict(save_dict)
        self.resume = resume
        self.every = every
        self.keep = keep
        self._held: tuple[int, bytes] | None = None

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
            self._write(epoch, self._content(engine))

    def save_held(self, engine: Engine) -> None:
        """Write the newest whole epoch of a run that was interrupted, if it is not on disk yet."""
        if not is_abandoned(engine) or not is_first_rank():
            return
        if self._held is not None:
            epoch, content = self._held
            self._write(epoch, torch.load(io.BytesIO(content), weights_only=True))
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
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "ended": bool(engine.should_terminate),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "objects": {name: item.state_dict() for name, item in self.save_dict.items()},
        }

    def _write(self, epoch: int, content: dict[str, object]) -> None:
        write_tensors(self.directory / f"checkpoint_epoch={epoch}.pt", content)
        found = self.found()
        # Later epochs are of an older run in this folder: kept, they would pass for the newest.
        stale = [path for saved, path in found if saved > epoch]
        for path in (*stale, *(path for _, path in found[len(stale) :][self.keep :])):
            path.unlink(missing_ok=True)

    def load(self, engine: Engine) -> None:
        """Take over the newest good checkpoint if asked to resume.

        Raises:
            CheckpointError: if it is whole but its content does not fit this run.
            RankError: if not all ranks see the same one.
        """
        remove_leftovers(self.directory)
        if not self.resume:
            return
        good = ((path, content) for _, path in self.found() if (content := _read(path)) is not None)
        path, content = next(good, (None, None))
        require_same(
            str(path and path.name).encode(),
            what=f"the newest good checkpoints in '{self.directory}'",
            remedy="Put output_dir where all nodes see the same files.",
        )
        if path is None or content is None:
            _LOGGER.info(f"Nothing to resume in '{self.directory}': starting afresh.")
            return
        self._restore(engine, content, path)
        _LOGGER.info(f"Resumed after epoch {content['epoch']} from '{path}'.")

    def found(self) -> list[tuple[int, Path]]:
        """Epoch and path of every checkpoint, newest first."""
        files = (path for path in self.directory.glob("checkpoint_*.pt") if path.is_file())
        matches = ((_NAME.fullmatch(path.name), path) for path in files)
        return sorted(((int(m[1]), path) for m, path in matches if m), reverse=True)

    def _restore(self, engine: Engine, content: dict[str, object], path: Path) -> None:
        objects = content["objects"]
        if not isinstance(objects, dict) or set(objects) != set(self.save_dict):
            held = sorted(objects) if isinstance(objects, dict) else objects
            raise CheckpointError(
                f"Checkpoint '{path}' is of another run: it holds {held} in place of "
                f"{sorted(self.save_dict)}. Choose another output folder."
            )
        for name, item in self.save_dict.items():
            try:
                item.load_state_dict(objects[name])
            except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise CheckpointError(
                    f"Checkpoint '{path}' does not fit this run: its '{name}' was saved with "
                    f"other settings ({str(error).splitlines()[0]}). Resume with the settings of "
                    "that run, or choose another output folder."
                ) from error
        engine.state.epoch = content["epoch"]
        engine.state.iteration = content["iteration"]
        if content["ended"]:
            engine.terminate()
        scaler = getattr(engine, "scaler", None)
        if scaler is not None and content["scaler"]:
            scaler.load_state_dict(content["scaler"])


def _read(path: Path) -> dict[str, object] | None:
    """Content of a checkpoint, or None with one line in the log if it is no good."""
    try:
        content = read_tensors(path)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        _LOGGER.warning(f"Checkpoint '{path}' cannot be read ({reason}); trying the one before.")
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT or _FIELDS - set(content):
        _LOGGER.warning(f"'{path}' is not a checkpoint of ours; trying the one before.")
        return None
    return content
