"""Time one search step of ours against the yardstick's.

    python -m studies.search_cost.step --bundle hippocampus_unet acdc_resnet --out step.json

A step is a weight step and an architecture step on batches of noise of the bundle's batch and patch
size; network, loss and optimizers are those of its search config, with a frozen backbone and all
operations alive. The yardstick is plain PC-DARTS code (``searches/yardstick.py``) in the
default memory format and float32, ours an iteration of our trainer as the bundle sets it. Both
alternate in one process, after steps of both that do not count.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial

import torch

from iac_components.common.files import write_json
from iac_components.networks.implanting.implant import skip_modules
from studies.measuring.records import add_out_option, publish, spread
from studies.measuring.session import describe_session
from studies.search_cost.steps.step_pair import PHASES, OurStep, YardstickStep
from studies.search_cost.steps.steps import noise_batch
from studies.search_cost.steps.subjects import BundleSubject, Subject, VolumeSubject

WARM_UP = 2
"""Steps of each side that do not count."""

KINDS = ("wall", "cpu")

Record = dict[str, object]


class StepBenchmark:
    """Measures our step of one subject against its yardstick.

    Args:
        plain: the subject in the default memory format and float32.
        ours: the subject as its search has it.
        repeats: pairs to time.
    """

    def __init__(self, plain: Subject, ours: Subject, *, repeats: int) -> None:
        self.repeats = repeats
        torch.manual_seed(1)
        noise = partial(noise_batch, plain.shape, classes=plain.classes, device=torch.device("cpu"))
        batches = [noise() for _ in PHASES]
        self._make_yardstick = partial(YardstickStep, plain, batches=batches)
        self._make_ours = partial(OurStep, ours, batches=batches)
        self.yardstick = self._make_yardstick()
        self._saved = self.yardstick.saved_bytes()
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

    def measure(self) -> Record:
        """Time our step in pairs with the yardstick, and compare what they compute.

        The seconds before the first pair are recorded by themselves.
        """
        difference = self._difference()
        began = time.perf_counter()
        step = self._make_ours()
        saved = step.saved_bytes()
        for _ in range(WARM_UP):
            step()
        seconds = time.perf_counter() - began
        pairs = [(self.yardstick(), step()) for _ in range(self.repeats)]
        return {
            "case": "ours",
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

    def _difference(self) -> dict[str, float]:
        """Largest difference of each result from the yardstick's, relative to its largest entry.

        Both compute in float64: in float32 rounding alone turns a unit on or off here and there,
        and with it a gradient by parts in ten thousand.
        """
        expected = self._make_yardstick(dtype=torch.float64).results()
        return {
            key: float((found - expected[key]).abs().max() / expected[key].abs().max())
            for key, found in self._make_ours(dtype=torch.float64).results().items()
        }


def _total(parts: Mapping[str, Mapping[str, float]], kind: str) -> float:
    """Milliseconds of a step, whatever its parts."""
    return 1e3 * sum(spent[kind] for spent in parts.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studies.search_cost.step", description=__doc__)
    parser.add_argument("--bundle", nargs="+", default=[], metavar="NAME", help="such as acdc_unet")
    parser.add_argument("--repeats", type=int, default=7, help="pairs to time (default: 7)")
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
    try:
        subjects = _subjects(options)
    except ValueError as error:
        parser.error(str(error))
    settings: list[Record] = []
    record: Record = {**describe_session(), "repeats": options.repeats, "settings": settings}
    for plain, ours in subjects:
        benchmark = StepBenchmark(plain, ours, repeats=options.repeats)
        shape = {"subject": plain.name, "input_shape": list(plain.shape)}
        settings.append({**shape, **benchmark.describe(), "cases": [benchmark.measure()]})
        if options.out is not None:
            # After every subject: a run that is stopped leaves what it has measured.
            write_json(options.out, record)
    publish(record, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
