"""Speed-up of a DiNTS search by pruning, measured so that other load cancels out.

    python -m studies.search_cost.dints.pruning RUN/pruned --out dints_pruning.json

Takes the trace of a pruned search, builds its supernet as it was at several moments, and times a
step of each in turn with the whole supernet's, in one process. Multiplied with the epochs that the
search had at each moment this gives the ratio of a search of full length to the pruned one, steps
alone: no validation and no data. The wall-clock of two searches on a busy machine does not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch

from iac_components.dints import load_architecture
from iac_components.visualization import read_trace
from studies.measuring.records import add_out_option, machine, publish
from studies.search_cost.dints.step import our_step, random_batches


def masks_by_epoch(trace_csv: Path, shape: tuple[int, ...]) -> list[np.ndarray]:
    """(L, P, O) what was alive during each epoch: what the epoch before had left."""
    active = read_trace(trace_csv).active.reshape(-1, *shape)
    return [np.ones(shape, dtype=bool), *active[:-1]]


def paired_ratio(whole: Callable[[], object], part: Callable[[], object], *, repeats: int) -> float:
    """Median of whole / part over alternating pairs, after one of each that does not count."""
    ratios = []
    for repeat in range(repeats + 1):
        seconds = []
        for run in (whole, part):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        if repeat:
            ratios.append(seconds[0] / seconds[1])
    return statistics.median(ratios)


def measure(folder: Path, *, states: int, repeats: int) -> dict[str, object]:
    """Time the states and put them together."""
    architecture = load_architecture(folder / "architecture.json")
    settings = cast(Mapping[str, int], architecture.provenance["settings"])
    memory = cast(Mapping[str, list[int]], architecture.provenance["memory"])
    space, warmup = architecture.space, settings["warmup_epochs"]
    shape = (space.num_blocks, len(space.paths), len(space.operations))
    masks = masks_by_epoch(folder / "search_trace.csv", shape)
    searched = masks[warmup:]
    counts = [int(mask.sum()) for mask in searched]
    batches = random_batches(tuple(memory["input_shape"]))
    _, whole = our_step(space, batches)
    _, weights_alone = our_step(space, batches, searching=False)
    share = 1 / paired_ratio(whole, weights_alone, repeats=repeats)
    distinct = sorted(set(counts), reverse=True)
    chosen = [distinct[i] for i in np.unique(np.linspace(0, len(distinct) - 1, states).astype(int))]
    ratios = {}
    for count in chosen:
        network, step = our_step(space, batches)
        network.prune(torch.from_numpy(searched[counts.index(count)]))
        ratios[count] = paired_ratio(whole, step, repeats=repeats)
    # An epoch between two measured states costs as much as the larger: cautious.
    steps = [1 / ratios[min(c for c in chosen if c >= count)] for count in counts]
    full = warmup * share + settings["max_epochs"] - warmup
    pruned = warmup * share + sum(steps)
    return {
        "machine": machine(),
        "epochs": {"full": settings["max_epochs"], "pruned": len(masks), "warmup": warmup},
        "weight_step_over_search_step": share,
        "whole_over_pruned_step": {str(count): ratio for count, ratio in ratios.items()},
        "full_over_pruned_search": full / pruned,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="studies.search_cost.dints.pruning", description=__doc__)
    parser.add_argument("folder", type=Path, help="output folder of a pruned search")
    parser.add_argument("--states", type=int, default=8, help="moments to time (default: 8)")
    parser.add_argument("--repeats", type=int, default=5, help="pairs of each (default: 5)")
    add_out_option(parser)
    options = parser.parse_args(arguments)
    if options.repeats < 1 or options.states < 2:
        parser.error("--repeats must be at least 1 and --states at least 2.")
    record = measure(options.folder, states=options.states, repeats=options.repeats)
    publish(record, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
