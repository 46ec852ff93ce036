"""Time the DiNTS decoder against MONAI's, in pairs in one process, and print a JSON record.

    python -m studies.search_cost.dints.decoding --out dints_decoding.json

MONAI's decoder takes about ten seconds and over a gigabyte a call on the default space.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from monai.networks.nets.dints import TopologySearch

from iac_components.dints.decoding import decode
from iac_components.dints.topology_grid import DintsSpace
from studies.measuring.records import add_out_option, machine, publish, spread

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if the decoders disagree."""
    parser = argparse.ArgumentParser(prog="studies.search_cost.dints.decoding", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="pairs to time (default: 3)")
    parser.add_argument("--num_blocks", type=int, default=12)
    parser.add_argument("--num_depths", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    add_out_option(parser)
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {options.repeats}.")
    # Channels do not matter to a decoder; few of them make MONAI's supernet small.
    space = DintsSpace(options.num_blocks, options.num_depths, channel_mul=0.0625)
    record = measure(space, repeats=options.repeats, seed=options.seed)
    publish(record, options.out)
    return 0 if record["agree"] else 1


def measure(space: DintsSpace, *, repeats: int, seed: int) -> dict[str, object]:
    """Time both decoders in turn on new random probabilities for each pair."""
    torch.manual_seed(seed)
    with contextlib.redirect_stdout(io.StringIO()):  # MONAI prints at construction.
        topology = TopologySearch(
            channel_mul=space.channel_mul,
            num_blocks=space.num_blocks,
            num_depths=space.num_depths,
            spatial_dims=space.spatial_dims,
        )

    @torch.no_grad()
    def ours() -> tuple[np.ndarray, ...]:
        found = decode(
            space,
            torch.sigmoid(topology.log_alpha_a).numpy(),
            torch.softmax(topology.log_alpha_c, -1).numpy(),
        )
        return np.array(found.node_activations), found.path_mask, found.operation_indices

    @torch.no_grad()
    def theirs() -> tuple[np.ndarray, ...]:
        nodes, paths, operations, _ = topology.decode()
        return nodes, paths, np.where(paths, operations, 0)

    started, _ = _timed(ours)  # Fills the table of patterns, once a process.
    our_seconds, their_seconds, agree = [], [], []
    for _ in range(repeats):
        with torch.no_grad():
            topology.log_alpha_a.normal_()
            topology.log_alpha_c.normal_()
        seconds, our_result = _timed(ours)
        our_seconds.append(seconds)
        seconds, their_result = _timed(theirs)
        their_seconds.append(seconds)
        agree.append(all(map(np.array_equal, our_result, their_result)))
    return {
        "space": {"num_blocks": space.num_blocks, "num_depths": space.num_depths},
        "repeats": repeats,
        "seed": seed,
        "machine": machine(),
        "ours_seconds": {**spread(our_seconds), "first_call": started},
        "monai_seconds": spread(their_seconds),
        "ratio_of_medians": statistics.median(their_seconds) / statistics.median(our_seconds),
        "ratio_of_minima": min(their_seconds) / min(our_seconds),
        "agree": all(agree),
    }


def _timed(function: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    sys.exit(main())
