"""Training of one network by several processes, with equal weights, gradients and buffers."""

from __future__ import annotations

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.engines import IterationEvents
from torch import nn

from iac_components.common.ranks import average, copy_from_first, require_same

__all__ = ["SynchronizedGradients"]


class SynchronizedGradients:
    """Keep the network of a MONAI ``SupervisedTrainer`` equal on all ranks; one rank does nothing.

    - Before the first epoch, and after a resume, all take the first rank's parameters and buffers.
    - After each backward pass, gradients and loss are averaged over the ranks, in one message. A
      parameter without gradient on some ranks counts as zero there; without any, it gets none.
    - After each epoch all take the first rank's floating buffers: the statistics of BatchNorm,
      which every rank gathers from its own batches (our choice, as in DistributedDataParallel).

    Attach it before :class:`NonFiniteGuard`, so that all ranks skip the same steps, and before
    what validates, prunes or saves. Differs from DistributedDataParallel in wrapping nothing:
    modules may be deleted, the state dict keeps its keys, and frozen parameters cost nothing. The
    effective batch is batch_size x ranks; rates are taken as they are given.

    Args:
        network: what the engine trains.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._aligned = False

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer."""
        engine.add_event_handler(Events.STARTED, self._start)
        # Not at STARTED: a checkpoint that is attached later is loaded there.
        engine.add_event_handler(Events.EPOCH_STARTED, self._align)
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self._average)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._share_statistics)

    def _start(self, engine: Engine) -> None:
        self._aligned = False

    def _align(self, engine: Engine) -> None:
        if self._aligned or idist.get_world_size() == 1:
            return
        shapes = {name: tuple(value.shape) for name, value in self.network.state_dict().items()}
        require_same(
            repr(shapes).encode(),
            what="the network's parameters",
            remedy="All ranks must run one config, and resume from one checkpoint.",
        )
        copy_from_first([*self.network.parameters(), *self.network.buffers()])
        self._aligned = True

    @torch.no_grad()
    def _average(self, engine: Engine) -> None:
        if idist.get_world_size() == 1:
            return
        parameters = [
            parameter
            for group in engine.optimizer.param_groups
            for parameter in group["params"]
            if parameter.requires_grad
        ]
        loss = engine.state.output["loss"].detach()
        present = loss.new_tensor([float(p.grad is not None) for p in parameters])
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        mean_loss, share, *means = average([loss, present, *gradients])
        engine.state.output["loss"] = mean_loss
        missing = any(parameter.grad is None for parameter in parameters)
        # The shares are looked at only where needed: a look makes a GPU wait.
        shares = share.tolist() if missing else [1.0] * len(parameters)
        for parameter, mean, held in zip(parameters, means, shares, strict=True):
            if parameter.grad is not None:
                parameter.grad.copy_(mean)
            elif held > 0:
                parameter.grad = mean

    def _share_statistics(self, engine: Engine) -> None:
        copy_from_first(b for b in self.network.buffers() if b.is_floating_point())
