"""The planted study: every task with every seed and rule, a JSON file each; resumable."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from iac_components.common.files import write_json
from studies.cell_table.training.backbone import backbone_digest
from studies.found.halves import SearchHalves
from studies.found.records import require_making
from studies.found.run import run_search
from studies.measuring.rules import Rule
from studies.planted.answers import read_answer
from studies.planted.operations import CANDIDATES
from studies.planted.tasks import EVERYWHERE, PlantedTask, corrupt, planted_tasks

__all__ = ["NULL_SEEDS", "SEEDS", "SHARED", "fill_planted", "planned_runs", "run_task"]

SEEDS = range(3)
NULL_SEEDS = range(20)

SHARED: Mapping[str, object] = {
    "epochs": 20,
    "steps_per_epoch": 10,
    "warmup_epochs": 2,
    "batch_size": 8,
    "learning_rate": 0.02,
    "num_nodes": 1,
    "operations": CANDIDATES,
    "device": "cpu",
}
"""Arguments of all searches of the study: a short search in a small space."""


@dataclass(frozen=True)
class Run:
    """One search to make."""

    rule: Rule
    task: PlantedTask
    seed: int

    def path(self, raw: Path) -> Path:
        """Return the path of its record."""
        return raw / self.rule.name / f"{self.task.name}-seed{self.seed}.json"


def planned_runs(rules: Sequence[Rule]) -> Iterator[Run]:
    """Yield every run, seed by seed, so that a part of them holds every task and rule."""
    *planted, null = planted_tasks()
    for seed in NULL_SEEDS:
        for rule in rules:
            yield Run(rule, null, seed)
            if seed in SEEDS:
                yield from (Run(rule, task, seed) for task in planted)


def run_task(
    run: Run,
    backbone: nn.Module,
    halves: SearchHalves,
    *,
    output_dir: Path,
    shared: Mapping[str, object] = SHARED,
) -> dict[str, object]:
    """Search a planted task and read the answer.

    Args:
        run: task, seed and rule.
        backbone: trained, in eval mode.
        halves: at home, not spoilt.
        output_dir: folder of the search.
        shared: arguments of all searches.
    """
    spoilt = SearchHalves(
        *(corrupt(part, run.task) for part in (halves.weights, halves.architecture, halves.judged))
    )
    arguments = {**shared, **run.rule.arguments, "separate_levels": run.task.separate}
    found = run_search(backbone, spoilt, arguments, seed=run.seed, output_dir=output_dir)
    provenance = found.genotype.provenance
    answer = read_answer(found.genotype, run.task, levels=len(EVERYWHERE))
    return {
        "task": run.task.name,
        "remedy": run.task.remedy,
        "seed": run.seed,
        "rule": run.rule.name,
        **answer.values(),
        "kind": provenance["kind"],
        "epochs": provenance["epochs"],
        "findings": provenance.get("findings"),
        "seconds": round(found.seconds, 1),
    }


def fill_planted(
    backbone: nn.Module,
    halves: Callable[[], SearchHalves],
    *,
    raw: Path,
    rules: Sequence[Rule],
    patients: int,
    shared: Mapping[str, object] = SHARED,
    tasks: Collection[str] | None = None,
    limit: int | None = None,
) -> int:
    """Make the runs that ``raw`` does not have yet, and return how many that were.

    Args:
        backbone: trained, in eval mode.
        halves: gives the halves, once they are needed.
        raw: folder of the records.
        rules: to search by.
        patients: of a half.
        shared: arguments of all searches.
        tasks: names of those to search; None searches all.
        limit: runs at most; None makes them all.

    Raises:
        ValueError: if a record that is there was made otherwise.
    """
    own, made = None, 0
    making = {
        "shared": {name: _plain(value) for name, value in shared.items()},
        "patients": patients,
        "backbone": backbone_digest(backbone),
    }
    for run in planned_runs(rules):
        if tasks is not None and run.task.name not in tasks:
            continue
        path = run.path(raw)
        if path.is_file():
            require_making(path, making)
            continue
        if limit is not None and made >= limit:
            continue
        own = own or halves()
        with tempfile.TemporaryDirectory() as folder:
            record = {
                **run_task(run, backbone, own, output_dir=Path(folder), shared=shared),
                **making,
            }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, record)
        made += 1
        print(_line(record), flush=True)
    return made


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _line(record: Mapping[str, object]) -> str:
    keys = ("rule", "task", "seed", "right", "skip", "gate", "treatments", "kind", "epochs")
    parts = " ".join(f"{key}={record[key]}" for key in keys)
    return f"{time.strftime('%H:%M:%S')} {parts} {record['seconds']} s"
