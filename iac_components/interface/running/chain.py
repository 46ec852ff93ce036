"""Stages one after the other, without the finished ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.common.files import require_writable_directory
from iac_components.data import load_datalist
from iac_components.data.case import DatalistEntry
from iac_components.interface.running.finished import FinishedStages
from iac_components.interface.running.overrides import check_stages
from iac_components.interface.running.process import run_stage
from iac_components.interface.running.segmenting import link_images
from iac_components.interface.running.stages import Stage

__all__ = ["run_stages", "test_cases"]


def run_stages(
    stages: Sequence[Stage],
    out: Path,
    *,
    images: Path | None = None,
    layout: str = "",
    until: str | None = None,
    again: str | None = None,
    resting: Sequence[Stage] = (),
) -> None:
    """Check the options of all stages, then run those that have not ended.

    Args:
        stages: in their order.
        out: the output folder, which keeps the record of finished stages.
        images: folder to fill with the images of the test part before they are segmented; None if
            the images are the user's own.
        layout: of the data set.
        until: the last stage to run.
        again: the first stage to run although it has ended.
        resting: stages of a later call that rest on these: no longer ended once one of these runs.

    Raises:
        OptionError: if an option is at fault, or a stage ended with others.
        StageError: if a stage fails.
    """
    wanted = stages[: _index(stages, until, "until") + 1] if until else stages
    start = _index(wanted, again, "again") if again else len(stages)
    finished = FinishedStages(out)
    # Before hours of work, and before anything is written, the last stage's options included.
    check_stages(wanted)
    require_writable_directory(out)
    ended = [index < start and finished.has(stage) for index, stage in enumerate(wanted)]
    # What lies on a stage that runs again is no longer its result.
    first = ended.index(False) if False in ended else len(wanted)
    _tell(wanted, first)
    if first < len(wanted):
        finished.drop([*stages[first:], *resting])
    for number, stage in enumerate(wanted[first:], start=first + 1):
        print(f"\n{number}/{len(wanted)}  {stage.title.capitalize()}.", flush=True)
        if stage.name == "predict" and images is not None:
            link_images(test_cases(stages[0], layout), images)
        resumed = stage.resumes and number <= start
        started = time.monotonic()
        try:
            run_stage(stage.with_options({"resume": resumed}) if stage.resumes else stage)
        finally:
            finished.spend(stage, time.monotonic() - started, resumed=resumed)
        finished.add(stage)


def _tell(stages: Sequence[Stage], first: int) -> None:
    for number, stage in enumerate(stages, start=1):
        state = "ended before" if number <= first else "to do"
        print(f"{number}/{len(stages)}  {stage.name:<16}{state:<14}{stage.title}", flush=True)


def _index(stages: Sequence[Stage], name: str | None, option: str) -> int:
    names = [stage.name for stage in stages]
    if name not in names:
        raise OptionError(f"--{option} {name}: the stages are {', '.join(names)}.")
    return names.index(name)


def test_cases(stage: Stage, layout: str) -> list[DatalistEntry]:
    """List the cases of the test part.

    Args:
        stage: one with the options of the fold.
        layout: of the data set.
    """
    options = stage.options
    names = {"fold": "fold", "num_folds": "num_folds", "split_seed": "seed"}
    fold = {name: int(str(options[key])) for key, name in names.items() if key in options}
    return list(
        load_datalist(
            str(options["dataset_dir"]),
            layout=layout,
            part="test",
            folds_file=str(options["folds_file"]),
            **fold,
        )
    )
