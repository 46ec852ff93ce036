r"""Measure a grid of threshold and patience: time to a genotype, and Dice of the trained cell.

    python -m studies.search_cost.sensitivity --dataset_dir ... --bundle hippocampus_unet \
        --output_dir WORK --backbone_ckpt model.pt --out FILE

The searches take turns epoch by epoch in one process; what exists is not run again. Writes
FILE.json, FILE.md and FILE.png.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from iac_components.common.files import write_json, write_text
from studies.measuring.records import json_object
from studies.measuring.session import describe_session
from studies.search_cost.pages.grid import Grid, describe, measure
from studies.search_cost.pages.grid_page import draw_grid, render_grid
from studies.search_cost.searches.settings import BenchmarkError, BenchmarkSettings
from studies.search_cost.searches.turns import Deadline


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 after one line on bad input."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        grid = Grid(options.thresholds, options.patiences)
        settings = BenchmarkSettings(
            bundle=options.bundle,
            dataset_dir=options.dataset_dir,
            output_dir=options.output_dir.absolute(),
            modes=["pruned"],
            seeds=options.seeds,
            search_seeds={"pruned": [options.search_seed]},
            epochs=options.epochs,
            search=options.search,
            network=options.network,
            backbone_ckpt=options.backbone_ckpt,
            train_steps=options.train_steps,
        )
        settings.claim_folder()
    except (BenchmarkError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    points = measure(settings, grid, Deadline(options.max_minutes))
    if points is None:
        print(f"{options.max_minutes:g} minutes are over. The same command continues from here.")
        return 0
    stem = options.out.with_suffix("")
    record = {
        "made_by": "python -m studies.search_cost.sensitivity",
        "session": describe_session(),
        "settings": describe(settings),
        "points": [point.to_json() for point in points],
    }
    write_json(stem.with_suffix(".json"), record)
    write_text(stem.with_suffix(".md"), render_grid(points))
    draw_grid(points, grid, stem.with_suffix(".png"))
    print(render_grid(points))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="studies.search_cost.sensitivity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", required=True, help="for instance hippocampus_unet")
    parser.add_argument("--dataset_dir", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True, help="where everything goes")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the report")
    parser.add_argument("--backbone_ckpt", type=Path, required=True, help="the trained backbone")
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.1, 0.2, 0.3, 0.5])
    parser.add_argument("--patiences", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=60, help="of a search at most (default: 60)")
    parser.add_argument("--search_seed", type=int, default=0)
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0], help="of the trainings (default: 0)"
    )
    parser.add_argument("--train_steps", type=int, default=150)
    parser.add_argument("--search", type=json_object, default={}, help="other keys of the search")
    parser.add_argument("--network", type=json_object, default={}, help="keys of all configs")
    parser.add_argument("--max_minutes", type=float, help="begin nothing after so many minutes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
