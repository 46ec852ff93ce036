"""The yardstick: a cell search as public PC-DARTS code runs it, slow and simple.

Source: the loops of DARTS (arXiv 1806.09055) and PC-DARTS (arXiv 1907.05737), first order. It
differs from our search in how, not in what: equal networks, batches and optimizers take equal steps
up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate
from torch.optim import Optimizer
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader

from iac_components.engine.checkpoints.checkpoint import Stateful
from iac_components.networks import CellSearchNetwork
from iac_components.networks.implanting.implant import skip_fusions
from iac_components.search import SearchTrace
from iac_components.search_space import SearchCell
from iac_components.search_space.cells.mixed_operation import MixedOperation
from studies.measuring.clock import StepClock

__all__ = ["PlainSearch", "PlainSearchCell", "plain_supernet"]

Batch = dict[str, torch.Tensor]


def plain_supernet(network: CellSearchNetwork) -> CellSearchNetwork:
    """Swap, in place, every search cell for a plain one that holds the same modules.

    Parameters stay the same objects under the same names.
    """
    for fusion in skip_fusions(network):
        if isinstance(fusion.skip_module, SearchCell):
            fusion.skip_module = PlainSearchCell(fusion.skip_module)
    return network


class PlainSearchCell(SearchCell):
    """A search cell that evaluates every operation of every edge by itself.

    With ``checkpointing`` no edge keeps its features for the backward pass.

    Args:
        cell: the cell whose modules it takes over.
    """

    def __init__(self, cell: SearchCell) -> None:
        nn.Module.__init__(self)
        # All that a cell holds: modules, parameters, mode, hooks, its place in the search space.
        self.__dict__.update(cell.__dict__)

    def forward(self, skip: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """Map skip (B, C, *S) and gate (B, G, *s) to the refined skip (B, C, *S)."""
        weights = self.slot.read()
        operation_weights = weights.operations[self.level]
        edge_weights = weights.edges[self.level]
        mode = "bilinear" if skip.ndim == 4 else "trilinear"
        coarse = self.gate_projection(gate)
        states = {
            "skip": self.skip_projection(skip),
            "gate": interpolate(coarse, skip.shape[2:], mode=mode, align_corners=False),
        }
        nodes = [f"node_{number}" for number in range(self.space.num_nodes)]
        for number, node in enumerate(nodes):
            terms = []
            for row, edge in enumerate(self.space.edges):
                key = f"{edge.input}-to-{node}"
                if edge.node == number and key in self.edges:
                    arguments = key, states[edge.input], operation_weights[row]
                    if self.checkpointing:
                        mixed = checkpoint(self._mixed, *arguments, use_reentrant=False)
                    else:
                        mixed = self._mixed(*arguments)
                    terms.append(edge_weights[row] * mixed)
            states[node] = _sum(terms)
        output = self.output_projection(torch.cat([states[node] for node in nodes], dim=1))
        refined: torch.Tensor = skip + self.scale * output
        return refined

    def _mixed(self, key: str, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Map (B, C, *S) to the edge's (B, C, *S), by weights (O,) of all candidates."""
        edge = cast(MixedOperation, self.edges[key])
        divisor = self.space.channel_divisor
        width = x.shape[1] // divisor
        by_name = dict(zip(self.space.operations, weights, strict=True))
        part = x[:, :width]
        mixed = _sum([by_name[name] * _apply(op, part) for name, op in edge.operations.items()])
        # K = 1 is DARTS, which has no bypass and no shuffle.
        return mixed if divisor == 1 else _shuffle(torch.cat((mixed, x[:, width:]), 1), divisor)


def _sum(terms: list[torch.Tensor]) -> torch.Tensor:
    return cast(torch.Tensor, sum(terms))


def _apply(operation: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Run an operation layer by layer, whatever faster way it may have of its own."""
    for layer in operation if isinstance(operation, nn.Sequential) else (operation,):
        x = layer(x)
    return x


def _shuffle(x: torch.Tensor, groups: int) -> torch.Tensor:
    batch, channels, *size = x.shape
    grouped = x.view(batch, groups, channels // groups, *size)
    return grouped.transpose(1, 2).contiguous().view(batch, channels, *size)


class PlainSearch:
    """The plain loop: each epoch's steps, and the means of its distributions in a trace.

    Each backward pass goes through everything: the weight step computes gradients of the
    architecture parameters too, and the architecture step those of the weights. Nothing is pruned.

    Args:
        network: the supernet, already plain.
        loss_function: of (prediction, label).
        optimizer: of ``network.weight_parameters()``.
        architecture_optimizer: of ``network.architecture_parameters()``.
        weight_loader: batches for the weights, ``image`` (B, C, *S) and ``label`` (B, 1, *S).
        architecture_loader: batches for the architecture parameters.
        device: where to compute; the network is there already.
        warmup_epochs: epochs at the start that train the weights alone.
        epoch_length: weight steps an epoch; the whole loader by default.
        seed: of dropout, together with the epoch; the loaders have their own.

    Attributes:
        epoch: the last epoch that was run, counted from 1.
        trace: the mean distributions of every epoch.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        loss_function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        *,
        optimizer: Optimizer,
        architecture_optimizer: Optimizer,
        weight_loader: DataLoader[Batch],
        architecture_loader: DataLoader[Batch],
        device: str | torch.device = "cpu",
        warmup_epochs: int = 0,
        epoch_length: int | None = None,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.loss_function = loss_function
        self.optimizer = optimizer
        self.architecture_optimizer = architecture_optimizer
        self.weight_loader = weight_loader
        self.architecture_loader = architecture_loader
        self.device = torch.device(device)
        self.warmup_epochs = warmup_epochs
        self.epoch_length = epoch_length or len(weight_loader)
        self.seed = seed
        self.epoch = 0
        self.trace = SearchTrace(network.space)
        self.clock = StepClock(device)

    def run_epoch(self, epoch: int) -> dict[str, dict[str, float]]:
        """Run epoch ``epoch``, counted from 1, and add it to the trace.

        Returns:
            Wall and CPU seconds of each part, as :meth:`StepClock.take` gives them.
        """
        self.clock.start()
        self._seed(epoch)
        weight_batches = _endless(self.weight_loader)
        # Public code asks for next(iter(loader)) at every step and gets other images each time,
        # since its sampler draws again. Ours draws by seed and epoch: that would be one batch again
        # and again. An iterator that is kept costs less, so the yardstick does not suffer by it.
        architecture_batches = _endless(self.architecture_loader)
        sums = [torch.zeros_like(value, dtype=torch.float64) for value in self._distributions()]
        for _ in range(self.epoch_length):
            with self.clock.part("data"):
                batch = next(weight_batches)
            with self.clock.part("weight_step"):
                self.weight_step(batch)
            if epoch > self.warmup_epochs:
                with self.clock.part("data"):
                    batch = next(architecture_batches)
                with self.clock.part("architecture_step"):
                    self.architecture_step(batch)
            sums = [s + v.double() for s, v in zip(sums, self._distributions(), strict=True)]
        steps = self.epoch_length if epoch > self.warmup_epochs else 0
        self._record([total / self.epoch_length for total in sums], steps)
        self.epoch = epoch
        return self.clock.take()

    def weight_step(self, batch: Batch) -> torch.Tensor:
        """Descend the loss of ``batch`` by the weights; returns it as a detached scalar."""
        return self._step(batch, self.optimizer)

    def architecture_step(self, batch: Batch) -> torch.Tensor:
        """Descend the loss of ``batch`` by the architecture parameters; returns it, detached."""
        return self._step(batch, self.architecture_optimizer)

    def _step(self, batch: Batch, optimizer: Optimizer) -> torch.Tensor:
        self.network.train()
        self.network.zero_grad()
        image, label = batch["image"].to(self.device), batch["label"].to(self.device)
        loss = self.loss_function(self.network(image), label).mean()
        torch.autograd.backward(loss)
        optimizer.step()
        return loss.detach()

    def _seed(self, epoch: int) -> None:
        """Make the epoch's draws a function of seed and epoch, so that a run can be resumed."""
        torch.manual_seed(self.seed * 1_000_000 + epoch)
        for loader in (self.weight_loader, self.architecture_loader):
            for part in (loader.dataset, loader.sampler):
                if hasattr(part, "set_epoch"):
                    part.set_epoch(epoch)

    @torch.no_grad()
    def _distributions(self) -> list[torch.Tensor]:
        return list(self.network.distributions())

    def _record(self, means: list[torch.Tensor], steps: int) -> None:
        probabilities, edge_weights = (mean.cpu().numpy() for mean in means)
        self.trace.append(
            probabilities=probabilities,
            edge_weights=edge_weights,
            divergence=np.full(edge_weights.shape, np.nan),
            alive=self.network.alive.cpu().numpy(),
            seconds=self.clock.elapsed,
            architecture_steps=steps,
        )

    def state_dict(self) -> dict[str, object]:
        """All that a resumed run needs: tensors and plain values."""
        return {
            "epoch": self.epoch,
            **{name: part.state_dict() for name, part in self._parts().items()},
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Resume from the result of :meth:`state_dict`."""
        for name, part in self._parts().items():
            part.load_state_dict(cast("dict[str, object]", state[name]))
        self.epoch = cast(int, state["epoch"])

    def _parts(self) -> dict[str, Stateful]:
        return {
            "network": self.network,
            "optimizer": self.optimizer,
            "architecture_optimizer": self.architecture_optimizer,
            # Its records are tensors, which the protocol leaves open.
            "trace": cast(Stateful, self.trace),
        }


def _endless(loader: DataLoader[Batch]) -> Iterator[Batch]:
    """Batches without end: a loader shorter than the epoch starts again."""
    while True:
        yield from loader
