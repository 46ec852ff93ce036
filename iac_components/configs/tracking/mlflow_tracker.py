"""The run that MONAI's ``MLFlowHandler`` keeps, and what is added to it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from monai.handlers import MLFlowHandler

__all__ = ["MlflowTracker"]

_UNKNOWN = re.compile(r"[^\w\-./: ]")
"""Characters that MLflow refuses in names."""

_NAME, _VALUE = 250, 6000
"""Longest name and value of a parameter."""

_PARAMETERS, _METRICS = 100, 1000
"""Most of each in one call."""


class MlflowTracker:
    """Parameters, further metrics and artifacts of a run in MLflow.

    Args:
        handler: MONAI's, which opens the run when its engine starts.
    """

    def __init__(self, handler: MLFlowHandler) -> None:
        self.handler = handler
        self._run = ""

    def begin(self, settings: Mapping[str, object]) -> None:
        """See :meth:`Tracker.begin`. What a resumed run wrote before stays: MLflow changes none."""
        # The handler forgets the run when the engine ends, before the results are written.
        self._run = self.handler.cur_run.info.run_id
        known = self.handler.client.get_run(self._run).data.params
        named = {_name(key): str(value)[:_VALUE] for key, value in settings.items()}
        rows = iter([(key, value) for key, value in named.items() if key not in known])
        from mlflow.entities import Param

        while some := [Param(*row) for row in islice(rows, _PARAMETERS)]:
            self.handler.client.log_batch(self._run, params=some)

    def write_numbers(self, numbers: Mapping[str, float], *, epoch: int) -> None:
        """See :meth:`Tracker.write_numbers`."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        rows = iter(numbers.items())
        while some := [Metric(_name(k), v, now, epoch) for k, v in islice(rows, _METRICS)]:
            self.handler.client.log_batch(self._run, metrics=some)

    def add_files(self, files: Sequence[Path], *, epoch: int) -> None:
        """See :meth:`Tracker.add_files`."""
        for file in files:
            self.handler.client.log_artifact(self._run, str(file))


def _name(key: str) -> str:
    """Return a name that MLflow takes: ids of a config are separated by ``#``."""
    return _UNKNOWN.sub("", key.replace("#", "."))[:_NAME]
