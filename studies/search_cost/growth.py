"""Measure how the cost of one search step grows with what it is made of.

    python -m studies.search_cost.growth --out growth.json

Seconds and bytes kept for the backward pass against levels, nodes, operations, partial channels,
image size and batch, in 2-D and 3-D, and two processes against one. A picture goes beside the
record, as ``.png``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import torch

from studies.measuring.records import add_out_option, publish
from studies.measuring.session import describe_session
from studies.search_cost.steps.growth import BASE, FACTORS, Point, measure_factor
from studies.search_cost.steps.growth_pictures import draw_growth
from studies.search_cost.steps.growth_ranks import measure_ranks, run_rank


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studies.search_cost.growth", description=__doc__)
    parser.add_argument(
        "--factors", nargs="*", choices=FACTORS, default=list(FACTORS), metavar="NAME"
    )
    parser.add_argument(
        "--side", type=int, default=BASE.side, metavar="N", help="of the base point's images"
    )
    parser.add_argument("--batch_size", type=int, default=BASE.batch_size, metavar="N")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds (default: 5)")
    parser.add_argument(
        "--rank_rounds",
        type=int,
        default=2,
        metavar="N",
        help="how often one process and two take turns; 0 leaves them out (default: 2)",
    )
    parser.add_argument("--rank_job", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--point", help=argparse.SUPPRESS)
    add_out_option(parser)
    return parser


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Measure what the options ask for.

    Raises:
        ValueError: if a point is impossible.
        RuntimeError: if one of several processes fails.
    """
    base = replace(BASE, side=options.side, batch_size=options.batch_size)
    session = describe_session()
    ranks = None
    if options.rank_rounds:
        # Twice the base's batch, so that two processes have the base's each.
        ranks = measure_ranks(
            Path(__file__),
            replace(base, batch_size=2 * base.batch_size),
            rounds=options.rank_rounds,
            repeats=options.repeats,
        )
    factors = [
        measure_factor(FACTORS[name], base, repeats=options.repeats) for name in options.factors
    ]
    return {
        **session,
        "device": "GPU" if torch.cuda.is_available() else "CPU",
        "base": asdict(base),
        "repeats": options.repeats,
        "factors": factors,
        "ranks": ranks,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for name, least in (("repeats", 1), ("rank_rounds", 0)):
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(options, name)}.")
    if options.rank_job is not None:
        run_rank(options.rank_job, Point(**json.loads(options.point)), repeats=options.repeats)
        return 0
    try:
        record = measure(options)
    except ValueError as error:
        parser.error(str(error))
    except RuntimeError as error:
        print(f"benchmark_growth: {error}", file=sys.stderr)
        return 1
    publish(record, options.out)
    if options.out is not None:
        out = Path(options.out)
        factors = cast("list[dict[str, object]]", record["factors"])
        draw_growth(factors, out.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
