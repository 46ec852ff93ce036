"""Time one search step of ours against the yardstick's, and every lever alone and together.

    python -m studies.search_cost.step --bundle hippocampus_unet acdc_resnet --out step.json

A step is a weight step and an architecture step on batches of noise of the bundle's batch and patch
size; network, loss and optimizers are those of its search config, with a frozen backbone and all
operations alive. The yardstick is plain PC-DARTS code (``searches/yardstick.py``) in the
default memory format and float32. Each case alternates with the yardstick in one process, after
steps of both that do not count. ``ours`` is an iteration of our trainer as the bundle sets it; the
other cases are the yardstick's step with levers. "Same gradients" are all levers that leave results
as they are up to rounding; one of them, the encoder that remembers its features, looks nothing up
and so is an upper bound. A table goes beside the record, as ``.md``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import torch

from iac_components.common.files import write_json, write_text
from iac_components.networks.implanting.implant import skip_modules
from studies.measuring.records import add_out_option, mebibytes, publish, spread
from studies.measuring.session import describe_session
from studies.search_cost.steps.levers import LEVERS, PHASES, LeveredStep, OurStep
from studies.search_cost.steps.steps import noise_batch
from studies.search_cost.steps.subjects import BundleSubject, Subject, VolumeSubject

SAME_GRADIENTS = ("own_gradient", "fused", "channels_last", "encoder_memory")
PRUNING = ("half_operations", "two_operations")
WARM_UP = 2
"""Steps of each side that do not count."""

KINDS = ("wall", "cpu")

Record = dict[str, object]
MakeStep = Callable[..., LeveredStep]


def combinations(*, compiled: bool) -> dict[str, tuple[str, ...]]:
    """Return the levers of each case, by the case's name."""
    known = [lever for lever in LEVERS if compiled or lever != "compile"]
    cases: dict[str, tuple[str, ...]] = {lever: (lever,) for lever in known}
    cases["same gradients"] = SAME_GRADIENTS
    for lever in SAME_GRADIENTS:
        cases[f"same gradients - {lever}"] = tuple(x for x in SAME_GRADIENTS if x != lever)
    for lever in known:
        if lever not in SAME_GRADIENTS:
            cases[f"same gradients + {lever}"] = (*SAME_GRADIENTS, lever)
    return cases


class StepBenchmark:
    """Measures cases of one subject against its yardstick.

    Args:
        plain: the subject in the default memory format and float32.
        ours: the subject as its search has it.
        repeats: pairs to time.
        compiled: whether to measure ``torch.compile`` too.
    """

    def __init__(self, plain: Subject, ours: Subject, *, repeats: int, compiled: bool) -> None:
        self.repeats = repeats
        torch.manual_seed(1)
        noise = partial(noise_batch, plain.shape, classes=plain.classes, device=torch.device("cpu"))
        batches = [noise() for _ in PHASES]
        self._plain = partial(LeveredStep, plain, batches=batches)
        self.cases: dict[str, MakeStep] = {"ours": partial(OurStep, ours, batches=batches)}
        for name, levers in combinations(compiled=compiled).items():
            self.cases[name] = partial(self._plain, levers)
        self.yardstick = self._plain()
        self._saved = self.yardstick.saved_bytes()
        self._expected = {
            frozenset(levers): self._plain(levers, dtype=torch.float64).results()
            for levers in ([], *([lever] for lever in PRUNING))
        }
        for _ in range(WARM_UP):
            self.yardstick()

    def describe(self) -> Record:
        """Describe the yardstick and the memory that it keeps for its backward passes."""
        network, space = self.yardstick.network, self.yardstick.network.space
        return {
            "device": self.yardstick.device_name,
            "frozen_backbone": network.frozen_backbone,
            "operations": list(space.operations),
            "num_nodes": space.num_nodes,
            "channel_divisor": space.channel_divisor,
            "cells": len(skip_modules(network)),
            "yardstick_saved_bytes": self._saved,
        }

    def measure(self, name: str) -> Record:
        """Time a case in pairs with the yardstick, and compare what it computes.

        What it computes is compared with the yardstick of the same operations, pruned alike. The
        seconds before the first pair, compilation among them, are recorded by themselves.
        """
        difference = self._difference(name)
        began = time.perf_counter()
        step = self.cases[name]()
        saved = step.saved_bytes()
        for _ in range(WARM_UP):
            step()
        seconds = time.perf_counter() - began
        pairs = [(self.yardstick(), step()) for _ in range(self.repeats)]
        return {
            "case": name,
            "levers": [lever for lever in LEVERS if lever in step.levers],
            "memory_format": step.memory_format,
            "milliseconds": {
                kind: spread([_total(own, kind) for _, own in pairs]) for kind in KINDS
            },
            "phase_milliseconds": {
                phase: statistics.median(1e3 * own[phase]["wall"] for _, own in pairs)
                for phase in PHASES
            },
            "yardstick_milliseconds": {
                kind: spread([_total(plain, kind) for plain, _ in pairs]) for kind in KINDS
            },
            "yardstick_over_case": {
                kind: spread([_total(plain, kind) / _total(own, kind) for plain, own in pairs])
                for kind in KINDS
            },
            "saved_bytes": saved,
            "largest_relative_difference": difference,
            "seconds_before": seconds,
        }

    def _difference(self, name: str) -> dict[str, float]:
        """Largest difference of each result from the yardstick's, relative to its largest entry.

        Both compute in float64: in float32 rounding alone turns a unit on or off here and there,
        and with it a gradient by parts in ten thousand. 16-bit arithmetic starts from float32.
        """
        step = self.cases[name](dtype=torch.float64)
        if "autocast" in step.levers:
            step = self.cases[name]()
        expected = self._expected[step.levers & set(PRUNING)]
        return {
            key: float((found - expected[key]).abs().max() / expected[key].abs().max())
            for key, found in step.results().items()
        }


def _total(parts: Mapping[str, Mapping[str, float]], kind: str) -> float:
    """Milliseconds of a step, whatever its parts."""
    return 1e3 * sum(spent[kind] for spent in parts.values())


def table(setting: Record) -> str:
    """Format the cases of a setting as a Markdown table."""
    saved = cast("dict[str, int]", setting["yardstick_saved_bytes"])
    shape = "x".join(str(size) for size in cast(Sequence[int], setting["input_shape"]))
    operations = cast(Sequence[str], setting["operations"])
    lines = [
        f"### {setting['subject']}, batch {shape}, {setting['device']}",
        "",
        f"{len(operations)} operations, {setting['num_nodes']} nodes, "
        f"K = {setting['channel_divisor']}, {setting['cells']} cells. For the backward passes of "
        f"the weight and the architecture step the yardstick keeps {_mebibytes(saved)} MiB.",
        "",
        "| case | ms, median (minimum) | yardstick / case, median (minimum) | of CPU seconds "
        "| weight + architecture step, ms | kept for backward, MiB "
        "| architecture gradient differs by |",
        "|---|---|---|---|---|---|---|",
        *(_row(case) for case in cast(Sequence[Record], setting["cases"])),
    ]
    return "\n".join(lines) + "\n"


def _row(case: Record) -> str:
    times = cast("dict[str, dict[str, float]]", case["milliseconds"])["wall"]
    ratios = cast("dict[str, dict[str, float]]", case["yardstick_over_case"])
    phases = cast("dict[str, float]", case["phase_milliseconds"])
    difference = cast("dict[str, float]", case["largest_relative_difference"])
    cells = [
        str(case["case"]),
        f"{times['median']:.0f} ({times['minimum']:.0f})",
        f"{ratios['wall']['median']:.2f} ({ratios['wall']['minimum']:.2f})",
        f"{ratios['cpu']['median']:.2f}",
        " + ".join(f"{value:.0f}" for value in phases.values()),
        _mebibytes(cast("dict[str, int]", case["saved_bytes"])),
        f"{difference['architecture_step_gradient']:.0e}",
    ]
    return f"| {' | '.join(cells)} |"


def _tables(settings: Sequence[Record]) -> str:
    return "\n".join(table(setting) for setting in settings)


def _mebibytes(phases: Mapping[str, int]) -> str:
    return " + ".join(mebibytes(size) for size in phases.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studies.search_cost.step", description=__doc__)
    parser.add_argument("--bundle", nargs="+", default=[], metavar="NAME", help="such as acdc_unet")
    parser.add_argument("--repeats", type=int, default=7, help="pairs to time (default: 7)")
    parser.add_argument(
        "--cases", nargs="+", metavar="CASE", help="cases to measure (default: all)"
    )
    parser.add_argument(
        "--compile", action="store_true", help="also the cases with torch.compile, which takes long"
    )
    parser.add_argument(
        "--input_size", type=int, nargs="+", metavar="N", help="patch size instead of the bundle's"
    )
    parser.add_argument("--batch_size", type=int, help="batch size instead of the bundle's")
    parser.add_argument(
        "--volume_side", type=int, metavar="N", help="also a 3-D U-Net on patches of N^3"
    )
    add_out_option(parser)
    return parser


def _subjects(options: argparse.Namespace) -> list[tuple[Subject, Subject]]:
    """Each subject as plain code has it, and as its search does."""
    sizes = {"patch_size": options.input_size, "batch_size": options.batch_size}
    given = {key: value for key, value in sizes.items() if value is not None}
    found: list[tuple[Subject, Subject]] = [
        (
            BundleSubject(bundle, {**given, "channels_last": False, "amp": False}),
            BundleSubject(bundle, given),
        )
        for bundle in options.bundle
    ]
    if options.volume_side is not None:
        volume = VolumeSubject(options.volume_side, options.batch_size or 2)
        found.append((volume, volume))
    if not found:
        raise ValueError("nothing to time: give --bundle or --volume_side.")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {options.repeats}.")
    known = ["ours", *combinations(compiled=options.compile)]
    unknown = [case for case in options.cases or [] if case not in known]
    if unknown:
        parser.error(f"there is no case '{unknown[0]}'. Known: {', '.join(known)}.")
    try:
        subjects = _subjects(options)
    except ValueError as error:
        parser.error(str(error))
    settings: list[Record] = []
    record: Record = {**describe_session(), "repeats": options.repeats, "settings": settings}
    for plain, ours in subjects:
        benchmark = StepBenchmark(plain, ours, repeats=options.repeats, compiled=options.compile)
        cases: list[Record] = []
        shape = {"subject": plain.name, "input_shape": list(plain.shape)}
        settings.append({**shape, **benchmark.describe(), "cases": cases})
        for case in options.cases or known:
            cases.append(benchmark.measure(case))
            print(f"{plain.name}: {_row(cases[-1])}", file=sys.stderr, flush=True)
            if options.out is not None:
                # After every case: a run that is stopped leaves what it has measured.
                write_json(options.out, record)
                write_text(Path(options.out).with_suffix(".md"), _tables(settings))
    publish(record, options.out)
    print(_tables(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
