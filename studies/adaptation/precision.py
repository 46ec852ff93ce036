"""Adapters trained in bfloat16 and in float32: ``python -m studies.adaptation.precision``.

Each candidate is trained with the five labelled cases of the rows' first draw, at three shifts,
twice in each precision by turns, and scored in float32 on the rows' test volumes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import nn

from iac_components.common.files import write_json
from iac_components.engine.steps.mixed_precision import has_bfloat16_units
from studies.adaptation.cases import RowCases, Volumes
from studies.adaptation.rows import score_cases, trainings_of
from studies.adaptation.settings import NO_SHIFT, ShiftSettings, load_shift_settings
from studies.cell_table.training.backbone import load_backbone
from studies.measuring.arguments import add_data_arguments

__all__ = ["compare_precisions"]

SHIFTS = ("inverted", "noise_strong", NO_SHIFT)
CASES = 5
SEEDS = (0, 1)
RESULT = Path(__file__).with_name("results") / "bfloat16.json"


def compare_precisions(
    settings: ShiftSettings, network: nn.Module, cases: RowCases
) -> dict[str, object]:
    """Train every candidate in both precisions, by turns.

    Returns:
        By candidate: the mean Dice of each training, and the processor's seconds of each, in
        ``float32`` and ``bfloat16``; and the mean Dice of the released network.
    """
    both = {
        "float32": trainings_of(settings, network, cases, 0, amp=False),
        "bfloat16": trainings_of(settings, network, cases, 0, amp=True),
    }
    arms = [arm for arm in both["float32"].plans if both["float32"].trains(arm)]
    found: dict[str, dict[str, dict[str, list[float]]]] = {
        arm: {name: {"dice": [], "cpu_seconds": []} for name in both} for arm in arms
    }
    for seed in SEEDS:
        for arm in arms:
            for name, trainings in both.items():
                start = time.process_time()
                fitted = trainings.fit(arm, cases.site, seed)
                seconds = time.process_time() - start
                dice = score_cases(trainings, fitted.network, cases.test)
                found[arm][name]["dice"].append(round(sum(dice.values()) / len(dice), 5))
                found[arm][name]["cpu_seconds"].append(round(seconds, 2))
    released = score_cases(both["float32"], network, cases.test)
    return {"released": round(sum(released.values()) / len(released), 5), "arms": found}


def main() -> None:
    """Compare at each shift, and write ``results/bfloat16.json``."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.adaptation.precision", description=main.__doc__
    )
    add_data_arguments(parser)
    parser.add_argument("--out", type=Path, default=RESULT, help="file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = load_shift_settings()
    network = load_backbone(settings.table, arguments.backbone)
    volumes = Volumes(settings, arguments.dataset_dir)
    rows = {
        shift: compare_precisions(settings, network, volumes.draw(shift, CASES, 0))
        for shift in SHIFTS
    }
    write_json(
        arguments.out,
        {
            "shifts": rows,
            "steps": settings.integer("steps"),
            "bfloat16_units": has_bfloat16_units(torch.device("cpu")),
            "torch": torch.__version__,
        },
    )
    print(arguments.out)


if __name__ == "__main__":
    main()
