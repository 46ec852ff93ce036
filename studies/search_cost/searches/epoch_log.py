"""``epochs.json``: what every epoch of a run cost, written as the run goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ignite.engine import Engine, Events

from iac_components.common.files import read_json, write_json
from iac_components.engine import ResumableCheckpoint
from studies.measuring.clock import Seconds, now, since

__all__ = ["EpochLog", "EpochRecord", "TimedEpochs"]

MAX_BYTES = 50_000_000

Parts = Mapping[str, Seconds]


@dataclass(frozen=True)
class EpochRecord:
    """Cost of one epoch.

    Attributes:
        epoch: from 1.
        steps: weight steps.
        total: seconds of all of it, checkpoint and pruning included.
        parts: seconds of each part of it, if they were told apart.
        living: operations that are alive after the epoch, of a search.
    """

    epoch: int
    steps: int
    total: Seconds
    parts: Parts = field(default_factory=dict)
    living: int | None = None

    def to_json(self) -> dict[str, object]:
        """Plain JSON values, microseconds kept."""
        seconds = {"total": self.total, **self.parts}
        return {
            "epoch": self.epoch,
            "steps": self.steps,
            "living": self.living,
            "seconds": {
                name: {key: round(value, 6) for key, value in spent._asdict().items()}
                for name, spent in seconds.items()
            },
        }

    @classmethod
    def of(cls, content: Mapping[str, object]) -> EpochRecord:
        """Read what :meth:`to_json` returned."""
        listed = cast(Mapping[str, Mapping[str, float]], content["seconds"])
        seconds = {name: Seconds(**spent) for name, spent in listed.items()}
        total = seconds.pop("total")
        living = cast("int | None", content["living"])
        return cls(cast(int, content["epoch"]), cast(int, content["steps"]), total, seconds, living)


class EpochLog:
    """The records of a run's epochs, in a file that is whole at any moment.

    An epoch is recorded after its checkpoint was written, so a run that is killed between the two
    has a checkpoint too many: :meth:`drop_newer_checkpoints` takes it away, and the epoch is run
    again. One that resumes from an older checkpoint calls :meth:`truncate`.

    Args:
        path: the file; what it holds is read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.setup: Seconds | None = None
        self.sessions: list[dict[str, object]] = []
        self.epochs: list[EpochRecord] = []
        if self.path.exists():
            content = cast(Mapping[str, object], read_json(self.path, max_bytes=MAX_BYTES))
            setup = cast("Mapping[str, float] | None", content["setup"])
            self.setup = Seconds(**setup) if setup is not None else None
            self.sessions = list(cast("list[dict[str, object]]", content["sessions"]))
            listed = cast("list[Mapping[str, object]]", content["epochs"])
            self.epochs = [EpochRecord.of(record) for record in listed]

    def begin(self, setup: Seconds, session: Mapping[str, object]) -> None:
        """Note that a process takes the run up; the first one's set-up is the run's."""
        self.setup = self.setup or setup
        self.sessions.append({"after_epoch": len(self.epochs), **session})
        self.write()

    def append(self, record: EpochRecord) -> None:
        """Add the next epoch.

        Raises:
            ValueError: if it is not the next one.
        """
        if record.epoch != len(self.epochs) + 1:
            raise ValueError(
                f"'{self.path}' holds {len(self.epochs)} epochs, so epoch {record.epoch} cannot be "
                "added: the folder holds parts of two runs. Choose another output folder."
            )
        self.epochs.append(record)
        self.write()

    def truncate(self, epoch: int) -> None:
        """Forget the epochs after ``epoch``, which will be run again."""
        if len(self.epochs) > epoch:
            self.epochs = self.epochs[:epoch]
            self.write()

    def drop_newer_checkpoints(self, directory: Path) -> None:
        """Delete the checkpoints of epochs that have no record."""
        for epoch, path in ResumableCheckpoint(directory, {}).found():
            if epoch > len(self.epochs):
                path.unlink()

    def write(self) -> None:
        """Write the file, atomically."""
        write_json(
            self.path,
            {
                "setup": _plain(self.setup),
                "sessions": self.sessions,
                "epochs": [record.to_json() for record in self.epochs],
            },
        )


def _plain(seconds: Seconds | None) -> dict[str, float] | None:
    """Plain JSON values."""
    return None if seconds is None else seconds._asdict()


class TimedEpochs:
    """Keeps the log of a training, as the last of its handlers.

    Args:
        path: ``epochs.json``.
        checkpoints: the folder of its checkpoints.
    """

    def __init__(self, path: str | Path, checkpoints: str | Path) -> None:
        self.log = EpochLog(path)
        self.log.drop_newer_checkpoints(Path(checkpoints))
        self._start = now()

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer, after the checkpoint."""
        engine.add_event_handler(Events.STARTED, self._begin)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._record)

    def _begin(self, engine: Engine) -> None:
        self.log.truncate(engine.state.epoch)
        self._start = now()

    def _record(self, engine: Engine) -> None:
        state = engine.state
        self.log.append(EpochRecord(state.epoch, state.epoch_length, since(self._start)))
        self._start = now()
