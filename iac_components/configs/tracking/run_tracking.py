"""Trackers of a run: settings at its start, numbers of a search, files at its end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ignite.engine import Engine, Events
from monai.bundle import ConfigParser
from monai.handlers import MLFlowHandler, TensorBoardStatsHandler

from iac_components.configs.tracking.mlflow_tracker import MlflowTracker
from iac_components.configs.tracking.search_numbers import (
    name_effects,
    name_probabilities,
    read_looks,
)
from iac_components.configs.tracking.tensorboard_tracker import TensorboardTracker
from iac_components.configs.tracking.tracker import Tracker
from iac_components.engine import RunRecord, read_settings
from iac_components.search.audits.looks.audit_file import AuditLine

__all__ = ["RunTracking"]

_RESULTS = (".json", ".csv", ".png", ".html")
"""Files that a tracker is given; what it reads the run from, checkpoints and weights stay away."""


class RunTracking:
    """Parameters, result and files of a run, sent to the trackers that its handlers have opened.

    Args:
        parser: of the run, whose handlers are built.
        handlers: id of those of the engine that is run.
        record: of a training or a search.
    """

    def __init__(
        self, parser: ConfigParser, *, handlers: str, record: RunRecord | None = None
    ) -> None:
        self.parser = parser
        self.record = record
        self.trackers = list(_find_trackers(parser.get_parsed_content(handlers)))
        self._looks = 0
        self._epoch = 0

    def attach(self, engine: Engine) -> None:
        """Listen to an engine, after the handlers that open the trackers."""
        if self.trackers:
            engine.add_event_handler(Events.STARTED, self._begin)
            engine.add_event_handler(Events.EPOCH_COMPLETED, self._write_numbers)

    def _begin(self, engine: Engine) -> None:
        settings = read_settings(self.parser, self.record)
        for tracker in self.trackers:
            tracker.begin(settings)
        self._looks = len(self._read_looks())

    def _write_numbers(self, engine: Engine) -> None:
        self._epoch = engine.state.epoch
        if "trace" in self.parser:
            trace = self.parser.get_parsed_content("trace")
            if len(trace):
                self._tell(name_probabilities(trace), self._epoch)
            self._write_effects()

    def _write_effects(self) -> None:
        looks = self._read_looks()
        for epoch, numbers in name_effects(looks[self._looks :]).items():
            self._tell(numbers, epoch)
        self._looks = len(looks)

    def _read_looks(self) -> list[AuditLine]:
        if "audit" not in self.parser:
            return []
        return read_looks(self.parser.get_parsed_content("audit").trace_file)

    def _tell(self, numbers: dict[str, float], epoch: int) -> None:
        for tracker in self.trackers:
            tracker.write_numbers(numbers, epoch=epoch)

    def finish(self) -> None:
        """Add the last judgement of a search and the files that the run has left."""
        if not self.trackers:
            return
        self._write_effects()
        for tracker in self.trackers:
            tracker.add_files(self._list_files(), epoch=self._epoch)

    def _list_files(self) -> list[Path]:
        """List results, and what the run was given: its folds and, of a training, its cell."""
        value = self.parser.get_parsed_content
        files = [file for file in Path(value("output_dir")).iterdir() if file.suffix in _RESULTS]
        if "folds_file" in self.parser:
            files.append(Path(value("folds_file")))
        if "skip_module" in self.parser and value("skip_module") == "iac":
            files.append(Path(value("genotype_path")))
        return sorted({file for file in files if file.is_file()})


def _find_trackers(handlers: Iterable[object]) -> Iterable[Tracker]:
    for handler in handlers:
        if isinstance(handler, MLFlowHandler):
            yield MlflowTracker(handler)
        elif isinstance(handler, TensorBoardStatsHandler):
            yield TensorboardTracker(handler)
