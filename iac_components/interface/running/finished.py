"""Record of the finished stages, so that a second call continues after them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.options import OptionError
from iac_components.common.files import read_json, write_json
from iac_components.interface.running.stages import Stage

__all__ = ["RECORD_NAME", "FinishedStages"]

RECORD_NAME = "run.json"
MAX_BYTES = 1_000_000
SEGMENTS = "predict"
IMAGES = "dataset_dir"
FREE = frozenset({"amp", "cache_dir", "dataset_dir", "device", "num_workers", "resume"})
"""Options that may differ between a finished stage and the current request: they determine the
place and the manner of a computation, not its result. Of a segmentation, ``dataset_dir`` is what is
segmented, and may not."""


class FinishedStages:
    """The file ``run.json`` of an output folder.

    Args:
        folder: the output folder.

    Raises:
        OptionError: if the file is there but of another kind.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORD_NAME
        self._stages: dict[str, dict[str, str]] = {}
        self._seconds: dict[str, float] = {}
        if self.path.exists():
            self._stages, self._seconds = self._read()

    def has(self, stage: Stage) -> bool:
        """Return whether a stage has ended and left its result.

        Raises:
            OptionError: if it ran with other options; they are named.
        """
        if stage.name not in self._stages or not stage.result.exists():
            return False
        before, now = self._stages[stage.name], _plain(stage)
        if IMAGES not in before:  # as recorded until version 0.5.0
            now.pop(IMAGES, None)
        names = sorted(before.keys() | now.keys())
        differing = [
            f"{name} {before.get(name, 'default')} (now {now.get(name, 'default')})"
            for name in names
            if before.get(name) != now.get(name)
        ]
        if differing:
            raise OptionError(
                f"stage '{stage.name}' in '{self.path.parent}' has ended with other options: "
                f"{', '.join(differing)}. Pass another --output_dir, or --again {stage.name} to "
                "repeat it and all later stages."
            )
        return True

    @property
    def seconds(self) -> dict[str, float]:
        """Time that each stage took, with what was stopped and resumed; unknown of earlier runs."""
        return dict(self._seconds)

    def spend(self, stage: Stage, seconds: float, *, resumed: bool) -> None:
        """Record the time that a stage ran, whether it ended or not.

        Args:
            stage: the stage.
            seconds: of this call.
            resumed: whether it continued an earlier call's, whose time counts too.
        """
        before = self._seconds.get(stage.name, 0.0) if resumed else 0.0
        self._seconds[stage.name] = round(before + seconds, 1)
        self._write(self._stages)

    def add(self, stage: Stage) -> None:
        """Record that a stage has ended."""
        self._write({**self._stages, stage.name: _plain(stage)})

    def drop(self, stages: Sequence[Stage]) -> None:
        """Forget stages, so that they run again."""
        names = {stage.name for stage in stages}
        self._write({k: v for k, v in self._stages.items() if k not in names})

    def _write(self, stages: dict[str, dict[str, str]]) -> None:
        self._stages = stages
        content = {"schema_version": 1, "finished": stages, "seconds": self._seconds}
        write_json(self.path, content)

    def _read(self) -> tuple[dict[str, dict[str, str]], dict[str, float]]:
        remedy = "Pass another --output_dir, or delete the file to run all stages."
        try:
            content = read_json(self.path, max_bytes=MAX_BYTES)
        except ValueError as error:
            raise OptionError(f"'{self.path}': {error} {remedy}") from error
        found = content if isinstance(content, dict) else {}
        stages, seconds = found.get("finished"), found.get("seconds", {})
        if (
            not isinstance(stages, dict)
            or not all(isinstance(options, dict) for options in stages.values())
            or not isinstance(seconds, dict)
            or not all(isinstance(value, int | float) for value in seconds.values())
        ):
            raise OptionError(f"'{self.path}' is not a record of finished stages. {remedy}")
        return cast("dict[str, dict[str, str]]", stages), seconds


def _plain(stage: Stage) -> dict[str, str]:
    """Return the options that determine the result of a stage."""
    free = FREE - {IMAGES} if stage.name == SEGMENTS else FREE
    return {key: str(value) for key, value in stage.options.items() if key not in free}
