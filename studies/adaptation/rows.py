"""Rows of the study: every arm, and the adapter that was chosen, at a shift with K cases."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.inferers import SliceInferer
from torch import nn

from iac_components.adaptation import AdaptSettings
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.fitting.cases import SiteCase, WindowShape
from iac_components.adaptation.fitting.strength import FULL
from iac_components.adaptation.run import decide
from iac_components.adaptation.site import Site
from iac_components.evaluation import finite_mean
from iac_components.search_space import SearchSpace, random_genotype
from studies.adaptation.cases import RowCases, Volumes
from studies.adaptation.settings import NO_SHIFT, ShiftSettings
from studies.cell_table.training.backbone import backbone_digest

__all__ = [
    "CHOSEN",
    "RowKey",
    "compare_arms",
    "make_row",
    "row_keys",
    "score_cases",
    "trainings_of",
]

CLASS_NAMES = ("anterior", "posterior")
CHOSEN = "chosen"
"""What was chosen, at its strength; other arms are at full strength."""

UNBOUNDED = 100.0
"""Time of inference over the released network's that nothing exceeds."""

Row = dict[str, object]


@dataclass(frozen=True, order=True)
class RowKey:
    """Identity of a row among the others.

    Attributes:
        shift: name of the scanner's shift, or ``none``.
        cases: number K of labelled cases.
        draw: of their patients.
    """

    shift: str
    cases: int
    draw: int

    @property
    def file(self) -> str:
        """Name of the row's file."""
        return f"{self.shift}-{self.cases}-{self.draw}.json"


def row_keys(settings: ShiftSettings) -> Iterator[RowKey]:
    """List the rows, such that any beginning of the list covers shifts, then numbers of cases."""
    for draw in range(settings.integer("draws")):
        for cases in settings.numbers("numbers_of_cases"):
            for shift in (*settings.shifts, NO_SHIFT):
                yield RowKey(shift, cases, draw)
    for draw in range(settings.integer("draws"), settings.integer("null_draws")):
        yield RowKey(NO_SHIFT, settings.numbers("numbers_of_cases")[0], draw)


def make_row(
    key: RowKey, settings: ShiftSettings, network: nn.Module, volumes: Volumes, work_dir: Path
) -> Row:
    """Choose an adapter, train every arm with all K cases, and score all on the test volumes.

    Rows without a shift beyond the first draws are there for the verdict, and train no baseline.

    Args:
        key: of the row.
        settings: of the study.
        network: the released network.
        volumes: of patients that it has not seen.
        work_dir: keeps the choice's finished trainings, for a row that is interrupted.
    """
    start = time.process_time()
    cases = volumes.draw(key.shift, key.cases, key.draw)
    only_verdict = key.shift == NO_SHIFT and key.draw >= settings.integer("draws")
    baselines = () if only_verdict else settings.names("baselines")
    trainings = trainings_of(settings, network, cases, key.draw, folder=work_dir)
    # Arms that take too long to be chosen are compared with, too.
    others = trainings_of(settings, network, cases, key.draw, also=baselines, max_cost=UNBOUNDED)
    found = decide(trainings)
    chosen = found.verdict.chosen
    used = found.verdict.effect
    arms: dict[str, Row] = {"released": _scored(trainings, network, cases)}
    if not only_verdict:
        for arm in settings.names("arms"):
            if arm in others.plans:
                made_by = trainings if _same_parts(trainings, others, arm) else others
                arms[arm] = _arm(made_by, arm, cases)
    if used is not None:
        arms[CHOSEN] = _arm(trainings, used.arm, cases, used.strength)
    if baselines:
        for arm in baselines:
            arms[arm] = _arm(others, arm, cases)
        for seed in range(settings.integer("random_cells")):
            arms[f"random_cell_{seed}"] = _random_cell(settings, network, cases, key.draw, seed)
    return {
        "shift": key.shift,
        "cases": key.cases,
        "draw": key.draw,
        "patients": [case.patient for case in cases.site],
        "chosen": chosen,
        "strength": None if used is None else used.strength,
        "verdict": found.verdict.plain(),
        "held_out_gains": {
            arm: {
                f"{strength:g}": [round(gain, 5) for gain in gains]
                for strength, gains in trainings.gains(arm).items()
            }
            for arm in trainings.plans
            if arm not in trainings.notes
        },
        "arms": arms,
        "ratio": round(found.cost.ratio, 3),
        "cpu_seconds": round(time.process_time() - start, 1),
        "choice_seconds": round(found.seconds, 1),
        "settings": settings.digest(key.shift),
        "backbone": backbone_digest(network),
        "torch": torch.__version__,
    }


def compare_arms(
    key: RowKey, arms: Sequence[str], settings: ShiftSettings, network: nn.Module, volumes: Volumes
) -> Row:
    """Train some arms with all K cases and score them on the test volumes; nothing is chosen.

    Args:
        key: of the row that would have the same cases.
        arms: candidates.
        settings: of the study.
        network: the released network.
        volumes: of patients that it has not seen.
    """
    cases = volumes.draw(key.shift, key.cases, key.draw)
    trainings = trainings_of(
        settings, network, cases, key.draw, candidates=arms, max_cost=UNBOUNDED
    )
    return {
        "shift": key.shift,
        "cases": key.cases,
        "draw": key.draw,
        "patients": [case.patient for case in cases.site],
        "arms": {
            "released": _scored(trainings, network, cases),
            **{arm: _arm(trainings, arm, cases) for arm in arms},
        },
        "settings": settings.digest(key.shift),
        "backbone": backbone_digest(network),
        "torch": torch.__version__,
    }


def trainings_of(
    settings: ShiftSettings,
    network: nn.Module,
    cases: RowCases,
    draw: int,
    *,
    candidates: Sequence[str] | None = None,
    also: Sequence[str] = (),
    random_cell: int | None = None,
    max_cost: float | None = None,
    folder: Path | None = None,
    amp: bool = False,
) -> Trainings:
    """Set up a row's trainings.

    Args:
        settings: of the study.
        network: the released network.
        cases: of the row.
        draw: of its patients.
        candidates: instead of the study's.
        also: baselines to measure beside them.
        random_cell: seed of a random cell; None takes a uniform one.
        max_cost: time of inference with what is chosen; None takes the study's.
        folder: keeps finished trainings; None keeps them in memory.
        amp: train in bfloat16; rows do not, so that those of all machines are of one kind.
    """
    shape = settings.table.slice_shape
    genotype = None
    if random_cell is not None:
        genotype = random_genotype(SearchSpace(spatial_dims=2, num_nodes=1), random_cell)
    site = Site(
        network,
        cases.site,
        CLASS_NAMES,
        SliceInferer(roi_size=shape, spatial_dim=2, sw_batch_size=32),
        WindowShape(tuple(shape), 2),
        name="hippocampus_plain_unet",
        genotype=genotype,
    )
    return Trainings(
        site,
        AdaptSettings(
            candidates=tuple(candidates or settings.names("arms")),
            compare=tuple(also),
            strengths=tuple(settings.shares("strengths")),
            max_cost=max_cost or settings.number("max_cost"),
            steps=settings.integer("steps"),
            seed=1000 * draw,
            amp=amp,
        ),
        folder=folder,
    )


def _same_parts(one: Trainings, other: Trainings, arm: str) -> bool:
    return arm in one.plans and one.plans[arm].parts == other.plans[arm].parts


def _random_cell(
    settings: ShiftSettings, network: nn.Module, cases: RowCases, draw: int, seed: int
) -> Row:
    trainings = trainings_of(
        settings,
        network,
        cases,
        draw,
        candidates=("cells",),
        random_cell=100 * draw + seed,
        max_cost=UNBOUNDED,
    )
    if "cells" not in trainings.plans:
        return {"note": trainings.notes["cells"]}
    return _arm(trainings, "cells", cases)


def _arm(trainings: Trainings, arm: str, cases: RowCases, strength: float = FULL) -> Row:
    start = time.process_time()
    network = trainings.final(arm, strength).network
    seconds = time.process_time() - start
    return {
        **_scored(trainings, network, cases),
        "parameters": trainings.plans[arm].parameters,
        "ratio": round(trainings.plans[arm].ratio, 3),
        "train_cpu_seconds": round(seconds, 1),
    }


def _scored(trainings: Trainings, network: nn.Module, cases: RowCases) -> Row:
    return {
        "test": score_cases(trainings, network, cases.test),
        "home": score_cases(trainings, network, cases.home),
    }


def score_cases(
    trainings: Trainings, network: nn.Module, cases: Sequence[SiteCase]
) -> Mapping[str, float]:
    """Return the mean Dice of both classes by case; a class that neither shows is left out."""
    scores = trainings.scored(network, cases).scores
    return {name: round(finite_mean(score), 5) for name, score in scores.items()}
