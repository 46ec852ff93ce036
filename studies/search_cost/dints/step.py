"""Time one DiNTS search step of ours against a hand-written loop on MONAI's classes.

    python -m studies.search_cost.dints.step --out dints_step.json

The yardstick takes the steps that the model zoo's DiNTS search takes: gradients of the other set
switched off, a weight step, then an architecture step with MONAI's path probabilities, topology
entropy and memory estimate. Both sides have equal weights, batches and optimizers; pairs alternate
in one process.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from collections.abc import Callable, Sequence

import torch
from monai.losses import DiceCELoss
from monai.networks.nets.dints import DiNTS, TopologySearch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from iac_components.dints import (
    ArchitectureRegularizer,
    DintsSearchNetwork,
    DintsSearchTrainer,
    DintsSpace,
    MemoryBudget,
    MemoryModel,
)
from iac_components.dints.topology_network import monai_arguments
from studies.measuring.records import add_out_option, machine, publish, spread

Batch = dict[str, torch.Tensor]
OUT_CHANNELS = 3


class _OneBatch(Dataset[Batch]):
    """The same batch again and again."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Batch:
        return self.batch


def random_batches(shape: Sequence[int]) -> list[Batch]:
    """Noise for the weights and for the architecture."""
    torch.manual_seed(0)
    return [
        {
            "image": torch.randn(*shape),
            "label": torch.randint(OUT_CHANNELS, (shape[0], 1, *shape[2:])).float(),
        }
        for _ in range(2)
    ]


def our_step(
    space: DintsSpace, batches: Sequence[Batch], *, searching: bool = True
) -> tuple[DintsSearchNetwork, Callable[[], object]]:
    """Build a supernet of ours and one iteration of its trainer; weights alone if not searching.

    Its optimizer ignores what has no gradient, as modules pruned later will.
    """
    network = DintsSearchNetwork(space, in_channels=1, out_channels=OUT_CHANNELS)
    memory = MemoryModel(network, input_shape=batches[0]["image"].shape)
    loaders = [DataLoader(_OneBatch(batch), batch_size=None) for batch in batches]
    trainer = DintsSearchTrainer(
        "cpu",
        1,
        loaders[0],
        network,
        torch.optim.SGD(network.weight_parameters(), lr=0.025, momentum=0.9),
        DiceCELoss(to_onehot_y=True, softmax=True),
        architecture_data_loader=loaders[1],
        architecture_optimizer=torch.optim.Adam(network.architecture_parameters(), lr=0.001),
        regularizer=ArchitectureRegularizer(network, MemoryBudget(memory, fraction=0.8)),
    )
    trainer.state.epoch, trainer.state.iteration = int(searching), 1
    return network, lambda: trainer._iteration(trainer, batches[0])


def loop_step(
    space: DintsSpace, batches: Sequence[Batch]
) -> tuple[nn.Module, Callable[[], object]]:
    """Build a supernet of MONAI's and one round of the hand-written loop."""
    with contextlib.redirect_stdout(io.StringIO()):  # MONAI prints at construction.
        topology = TopologySearch(**monai_arguments(space))
    network = DiNTS(topology, 1, OUT_CHANNELS, use_downsample=space.use_downsample)
    architecture = [topology.log_alpha_a, topology.log_alpha_c]
    weights = [p for p in network.parameters() if all(p is not a for a in architecture)]
    loss_function = DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.SGD(weights, lr=0.025, momentum=0.9)
    optimizers = [torch.optim.Adam([p], lr=0.001) for p in architecture]

    def switch(on: Sequence[nn.Parameter], off: Sequence[nn.Parameter]) -> None:
        for parameter in on:
            parameter.requires_grad_(True)
        for parameter in off:
            parameter.requires_grad_(False)

    def step() -> None:
        network.train()
        switch(weights, architecture)
        optimizer.zero_grad()
        loss_function(network(batches[0]["image"]), batches[0]["label"]).backward()
        optimizer.step()
        switch(architecture, weights)
        patterns, _ = topology.get_prob_a(child=True)
        entropy = -(patterns * torch.log(patterns + 1e-5)).mean()
        operations = F.softmax(topology.log_alpha_c, dim=-1)
        entropy = entropy - (operations * F.log_softmax(topology.log_alpha_c, dim=-1)).mean()
        size = batches[1]["image"].shape
        used = topology.get_ram_cost_usage(size) / topology.get_ram_cost_usage(size, full=True)
        extra = entropy + (0.8 - used).abs() + 0.001 * topology.get_topology_entropy(patterns)
        for one in optimizers:
            one.zero_grad()
        loss = loss_function(network(batches[1]["image"]), batches[1]["label"])
        (loss + extra).backward()
        for one in optimizers:
            one.step()

    return network, step


def measure(space: DintsSpace, shape: tuple[int, ...], *, repeats: int) -> dict[str, object]:
    """Time both in turn, after one round of each that does not count."""
    batches = random_batches(shape)
    ours, our_round = our_step(space, batches)
    theirs, their_round = loop_step(space, batches)
    state = ours.state_dict()
    del state["dints_space.alive"]
    theirs.load_state_dict(state)
    seconds: dict[str, list[float]] = {"ours": [], "loop": []}
    for repeat in range(repeats + 1):
        for name, run in (("ours", our_round), ("loop", their_round)):
            start = time.perf_counter()
            run()
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    pairs = [loop / own for own, loop in zip(seconds["ours"], seconds["loop"], strict=True)]
    return {
        "space": str(space),
        "input_shape": list(shape),
        "ours_seconds": spread(seconds["ours"]),
        "loop_seconds": spread(seconds["loop"]),
        "loop_over_ours": spread(pairs),
    }


SETTINGS = (
    (DintsSpace(6, 3, channel_mul=0.25), (2, 1, 32, 48, 32)),
    (DintsSpace(12, 4, channel_mul=0.125), (2, 1, 32, 32, 32)),
)
"""The hippocampus bundle's space, and the zoo's at a quarter of its channels."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="studies.search_cost.dints.step", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="pairs to time (default: 7)")
    add_out_option(parser)
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {options.repeats}.")
    record = {
        "machine": machine(),
        "settings": [measure(space, shape, repeats=options.repeats) for space, shape in SETTINGS],
    }
    publish(record, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
