"""Measure the memory of training steps of a DiNTS architecture, in this process alone.

    python -m studies.search_cost.dints.memory architecture.json --out memory.json

On a CPU (Linux) it is the growth of the resident peak over the steps, on a GPU the allocator's;
beside it stand the bytes that autograd keeps, counted, and what the memory model says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import torch

from iac_components.dints import (
    MemoryModel,
    build_dints_network,
    load_architecture,
    saved_bytes,
)
from studies.measuring.peak_memory import PeakMeter
from studies.measuring.records import add_out_option, machine, publish

OUT_CHANNELS = 3
"""Classes hardly matter to memory."""


def measure(path: str, shape: Sequence[int], *, steps: int = 3) -> dict[str, object]:
    """Build the network, train a few steps on noise, and report."""
    architecture = load_architecture(path)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    network = build_dints_network(
        architecture, in_channels=shape[1], out_channels=OUT_CHANNELS, patch_size=shape[2:]
    ).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    image = torch.randn(*shape, device=device)
    # One step on the smallest input loads every kernel and makes all gradients and momenta.
    small = torch.randn(
        (shape[0], shape[1], *[2 * architecture.space.size_multiple] * (len(shape) - 2)),
        device=device,
    )
    for example, count in ((small, 1), (image, steps)):
        meter = PeakMeter(device)
        for _ in range(count):
            optimizer.zero_grad()
            network(example).square().mean().backward()
            optimizer.step()
    growth = meter.growth()
    return {
        "machine": machine(),
        "device": device.type,
        "input_shape": list(shape),
        "peak_growth_bytes": growth,
        "saved_bytes": saved_bytes(network, lambda: network(image)),
        "model_bytes": MemoryModel(network, input_shape=shape).of(architecture),
        "parameters": sum(p.numel() for p in network.parameters()),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="studies.search_cost.dints.memory", description=__doc__)
    parser.add_argument("architecture", help="architecture.json")
    parser.add_argument(
        "--input_shape", type=int, nargs="+", default=[8, 1, 32, 48, 32], metavar="N"
    )
    parser.add_argument("--steps", type=int, default=3)
    add_out_option(parser)
    options = parser.parse_args(arguments)
    record = measure(options.architecture, options.input_shape, steps=options.steps)
    publish(record, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
