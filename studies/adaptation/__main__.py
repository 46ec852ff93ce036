"""Command line of the study: ``python -m studies.adaptation <command>``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

import torch

from studies.adaptation.cases import Volumes
from studies.adaptation.page import PAGE, PAIR, write_page
from studies.adaptation.records import keep_rows, key_of, read_kept, read_rows, write_row
from studies.adaptation.rows import Row, RowKey, compare_arms, make_row, row_keys
from studies.adaptation.settings import ShiftSettings, load_shift_settings
from studies.cell_table.training.backbone import load_backbone
from studies.measuring.arguments import add_data_arguments

RESULTS = Path(__file__).with_name("results")
KEPT = RESULTS / "hippocampus.jsonl"
PAIRS = RESULTS / "norms_and_lora.jsonl"
PAIR_SHIFTS = ("resolution", "bias_strong", "noise_strong", "blur_strong", "bias_mild")
"""Where, in the first draw, the two differ and one of them gains above 0.02."""


def main() -> None:
    """Make rows, keep them, compare norms with LoRA, or write the page from what is kept."""
    arguments = _arguments()
    torch.set_num_threads(1)
    settings = load_shift_settings()
    if arguments.command == "fill":
        _fill(settings, arguments)
    elif arguments.command == "keep":
        print(f"{KEPT}: {keep_rows(KEPT, read_rows(arguments.raw))} rows.")
    elif arguments.command == "pairs":
        _pairs(settings, arguments)
    else:
        write_page(settings, read_kept(KEPT), RESULTS, pairs=read_kept(PAIRS))
        print(RESULTS / PAGE)


def _fill(settings: ShiftSettings, arguments: argparse.Namespace) -> None:
    rows = (*read_rows(arguments.raw), *read_kept(KEPT))
    done = _done(settings, rows, f"start with an empty {arguments.raw} and without {KEPT}")
    network = load_backbone(settings.table, arguments.backbone)
    volumes = Volumes(settings, arguments.dataset_dir)
    made = 0
    for key in row_keys(settings):
        if key in done or (arguments.limit is not None and made >= arguments.limit):
            continue
        row = make_row(key, settings, network, volumes, arguments.raw / "trainings")
        write_row(arguments.raw, row)
        made += 1
        print(
            f"{time.strftime('%H:%M:%S')} {key} {row['chosen']} {row['cpu_seconds']} s", flush=True
        )


def _done(settings: ShiftSettings, rows: Iterable[Row], otherwise: str) -> set[RowKey]:
    """List the rows that are there, all of which must be of these settings."""
    done = set()
    for row in rows:
        if row["settings"] != settings.digest(str(row["shift"])):
            raise ValueError(
                f"row {key_of(row)} was made with other settings: restore them, or {otherwise}."
            )
        done.add(key_of(row))
    return done


def _pairs(settings: ShiftSettings, arguments: argparse.Namespace) -> None:
    network = load_backbone(settings.table, arguments.backbone)
    volumes = Volumes(settings, arguments.dataset_dir)
    done = _done(settings, read_kept(PAIRS), f"start without {PAIRS}")
    for draw in range(1, settings.integer("draws")):
        for shift in PAIR_SHIFTS:
            key = RowKey(shift, settings.numbers("numbers_of_cases")[0], draw)
            if key not in done:
                keep_rows(PAIRS, [compare_arms(key, PAIR, settings, network, volumes)])
                print(f"{time.strftime('%H:%M:%S')} {key}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.adaptation", description=main.__doc__)
    parser.add_argument("command", choices=("fill", "keep", "pairs", "report"))
    add_data_arguments(parser)
    parser.add_argument("--raw", type=Path, default=Path("runs/adaptation"), help="raw rows")
    parser.add_argument("--limit", type=int, default=None, help="rows to make at most")
    return parser.parse_args()


if __name__ == "__main__":
    main()
