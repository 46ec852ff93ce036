r"""Measure what a cell search costs and what its cell is worth, mode against mode.

    python -m studies.search_cost.search --dataset_dir ... --bundle hippocampus_unet \
        --output_dir WORK --modes reference,full,pruned,random --seeds 0 1 2 --out FILE

* ``reference``: a plain search as the literature runs it, of full length;
* ``full``: our engine at full length, nothing pruned;
* ``pruned``: our engine with stability pruning;
* ``random``: a random genotype, at no cost.

All searches run in this one process and take turns epoch by epoch. Every cell is then implanted in
the same trained backbone and trained on the same budget; final weights are evaluated on the test
fold. What exists is not run again, so a run that was stopped or killed resumes where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from studies.measuring.records import json_object
from studies.search_cost.searches.settings import MODES, BenchmarkError, BenchmarkSettings
from studies.search_cost.searches.stages import STAGES, run_stages
from studies.search_cost.searches.turns import Deadline


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 after one line on bad input."""
    parser = _parser()
    options = parser.parse_args(arguments)
    stages = STAGES if options.stage == "all" else (options.stage,)
    try:
        settings = _settings(options)
        if "report" in stages and options.out is None:
            raise BenchmarkError("--out is missing: the report is written there.")
        settings.claim_folder(measuring=options.stage != "report")
    except (BenchmarkError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    if not run_stages(
        settings, stages=stages, out=options.out, deadline=Deadline(options.max_minutes)
    ):
        print(f"{options.max_minutes:g} minutes are over. The same command continues from here.")
    return 0


def _settings(options: argparse.Namespace) -> BenchmarkSettings:
    seeds = options.search_seeds or options.seeds
    return BenchmarkSettings(
        bundle=options.bundle,
        dataset_dir=options.dataset_dir,
        output_dir=options.output_dir.absolute(),
        modes=options.modes.split(","),
        seeds=options.seeds,
        search_seeds={
            "reference": options.reference_seeds or seeds[:1],
            "full": options.full_seeds or seeds,
            "pruned": seeds,
        },
        fold=options.fold,
        epochs=options.epochs,
        search=options.search,
        network=options.network,
        backbone_ckpt=options.backbone_ckpt,
        base_steps=options.base_steps,
        train_steps=options.train_steps,
        steps_per_epoch=options.steps_per_epoch,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="studies.search_cost.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", required=True, help="for instance hippocampus_unet")
    parser.add_argument("--dataset_dir", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True, help="where everything goes")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the report goes")
    parser.add_argument("--modes", default=",".join(MODES), help=f"default: {','.join(MODES)}")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings (default: 0 1 2)"
    )
    parser.add_argument(
        "--search_seeds", type=int, nargs="+", help="of the searches (default: those of --seeds)"
    )
    parser.add_argument(
        "--full_seeds", type=int, nargs="+", help="of the mode full (default: --search_seeds)"
    )
    parser.add_argument(
        "--reference_seeds",
        type=int,
        nargs="+",
        help="of the mode reference (default: the first of --search_seeds)",
    )
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="of a search (default: the bundle's own)")
    parser.add_argument(
        "--search", type=json_object, default={}, help='other keys of the search: {"key": value}'
    )
    parser.add_argument("--network", type=json_object, default={}, help="other keys of all configs")
    parser.add_argument("--backbone_ckpt", type=Path, help="the trained backbone (default: train)")
    parser.add_argument("--base_steps", type=int, default=1200, help="of the backbone")
    parser.add_argument("--train_steps", type=int, default=300, help="of each found cell")
    parser.add_argument("--steps_per_epoch", type=int, default=30, help="of the trainings")
    parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
    parser.add_argument(
        "--max_minutes", type=float, help="begin no epoch and no training after so many minutes"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
