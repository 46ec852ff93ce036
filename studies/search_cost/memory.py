"""Measure the peak memory of a search step against a training step of the plain backbone.

    python -m studies.search_cost.memory --bundle hippocampus_unet acdc_unet --out memory.json

Networks, loss, optimizers, batch and patch size are those of the bundle's search config. Every case
runs in a process of its own. On a CPU (Linux) its peak is what the resident set grows by over two
steps, after one of a batch of one; on a GPU it is the allocator's. To it are added the weights,
gradients and optimizer states held between steps, which are counted. Beside it stand the bytes that
autograd keeps for a backward pass, counted too.

glibc keeps freed memory for later, so that a resident set holds more than is in use. On a CPU each
case therefore runs twice: told to give memory back at once, and as it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.files import write_json
from studies.measuring.children import environment_of_children
from studies.measuring.records import add_out_option, json_object, publish
from studies.measuring.session import describe_session
from studies.search_cost.steps.memory_cases import CASES, PLAIN, weigh
from studies.search_cost.steps.subjects import BundleSubject, Subject, VolumeSubject

PROMPT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Lets glibc give memory back at once: the resident set is then what is in use."""

Record = dict[str, object]


def run_apart(arguments: Sequence[str], environment: Mapping[str, str]) -> Record:
    """Run this program in a fresh process, and return the record that it writes.

    Args:
        arguments: its options, one case of one subject.
        environment: variables to set beside this process's.

    Raises:
        RuntimeError: if the process fails; with the last line it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "record.json"
        done = subprocess.run(  # noqa: S603
            [sys.executable, __file__, *arguments, "--out", str(out)],
            env=environment_of_children(**environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise RuntimeError(f"{' '.join(arguments)}: {last[-1]}")
        return cast(Record, json.loads(out.read_text(encoding="utf-8")))


def weigh_apart(arguments: Sequence[str], case: str) -> Record:
    """Weigh a case in fresh processes.

    Args:
        arguments: the options that name one subject.
        case: one of the known cases.

    Raises:
        RuntimeError: if a process fails.
    """
    record = run_apart([*arguments, "--case", case], PROMPT)
    if record["device"] == "cpu":
        as_it_is = run_apart([*arguments, "--case", case], {})
        record["peak_growth_bytes_default_allocator"] = as_it_is["peak_growth_bytes"]
    return record


def with_ratios(records: Sequence[Mapping[str, object]]) -> list[Record]:
    """Add to each record its peak, and what it is of the plain training's of the same subject."""
    plain = {record["subject"]: _figures(record) for record in records if record["case"] == PLAIN}
    result: list[Record] = []
    for record in records:
        figures = _figures(record)
        base = plain.get(record["subject"])
        ratios = {name: figures[name] / base[name] for name in figures} if base else None
        result.append({**record, "peak_bytes": figures["peak"], "over_plain": ratios})
    return result


def _figures(record: Mapping[str, object]) -> dict[str, int]:
    """Return the compared figures: peak, its growth over the steps, bytes kept for a pass."""
    growth, held = cast(int, record["peak_growth_bytes"]), cast(int, record["held_bytes"])
    saved = cast("dict[str, int]", record["saved_bytes"])
    resident = cast(int, record.get("peak_growth_bytes_default_allocator", growth))
    return {
        "peak": held + growth,
        "growth": growth,
        "resident_growth": resident,
        "saved": max(saved.values()),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studies.search_cost.memory", description=__doc__)
    parser.add_argument("--bundle", nargs="+", default=[], metavar="NAME", help="such as acdc_unet")
    parser.add_argument(
        "--settings", default="{}", metavar="JSON", help='keys of the config: {"batch_size": 2}'
    )
    parser.add_argument(
        "--volume_side", type=int, metavar="N", help="also weigh a 3-D U-Net on patches of N^3"
    )
    parser.add_argument("--volume_batch", type=int, default=2, metavar="N", help="(default: 2)")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    add_out_option(parser)
    return parser


def _subjects(options: argparse.Namespace) -> list[tuple[Subject, list[str]]]:
    """Each subject, and the options that name it alone."""
    try:
        settings = json_object(options.settings)
    except argparse.ArgumentTypeError as error:
        # Not a type of the option's: its text is handed on to the process of each case.
        raise ValueError(f"--settings {error}") from error
    named: list[tuple[Subject, list[str]]] = []
    for bundle in options.bundle:
        arguments = ["--bundle", bundle, "--settings", options.settings]
        named.append((BundleSubject(bundle, settings), arguments))
    if options.volume_side is not None:
        side, batch = options.volume_side, options.volume_batch
        arguments = ["--volume_side", str(side), "--volume_batch", str(batch)]
        named.append((VolumeSubject(side, batch), arguments))
    if not named:
        raise ValueError("nothing to weigh: give --bundle or --volume_side.")
    return named


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        subjects = _subjects(options)
    except ValueError as error:
        parser.error(str(error))
    if options.case is not None:
        write_json(options.out, weigh(subjects[0][0], options.case))
        return 0
    session = describe_session()
    try:
        records = with_ratios(
            [weigh_apart(named, case) for _, named in subjects for case in options.cases]
        )
    except RuntimeError as error:
        print(f"benchmark_memory: {error}", file=sys.stderr)
        return 1
    publish({**session, "allocator": PROMPT, "records": records}, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
