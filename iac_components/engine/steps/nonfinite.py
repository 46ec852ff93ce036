"""A loss that becomes NaN: the step is skipped and counted; several in a row end the run."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from monai.engines import IterationEvents

from iac_components.engine.steps.mixed_precision import Bfloat16Inferer

__all__ = ["NonFiniteGuard", "NonFiniteLossError"]


class NonFiniteLossError(RuntimeError):
    """Too many steps in a row had a loss or gradient that is NaN or infinite."""


class NonFiniteGuard:
    """Keep NaN and infinity out of the weights of a MONAI ``SupervisedTrainer``.

    After the backward pass, a step whose loss or gradient is not finite loses its gradients, so
    that the optimizer leaves every weight as it is. Under AMP the gradient scaler skips such steps
    itself (an overflow is part of its search for a scale), so only the loss counts there.

    Args:
        patience: bad steps in a row that end the run.

    Raises:
        ValueError: if ``patience`` is below 1.
    """

    def __init__(self, patience: int = 5) -> None:
        if patience < 1:
            raise ValueError(f"patience must be at least 1, got {patience}.")
        self.patience = patience
        self.total = 0
        self.in_a_row = 0

    def attach(self, engine: Engine) -> None:
        """Listen to the backward passes of a trainer."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._report)

    def __call__(self, engine: Engine) -> None:
        """Check the step that is about to be taken.

        Raises:
            NonFiniteLossError: at the ``patience``-th bad step in a row.
        """
        loss = engine.state.output["loss"].detach()
        gradients = [
            parameter.grad
            for group in engine.optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        finite = torch.isfinite(loss).all()
        if not engine.amp and gradients:
            finite = finite & torch.isfinite(torch.nn.utils.get_total_norm(gradients))
        if bool(finite):
            self.in_a_row = 0
            return
        self.total += 1
        self.in_a_row += 1
        if not engine.amp:
            engine.optimizer.zero_grad(set_to_none=True)
        engine.logger.warning(
            f"Epoch {engine.state.epoch}, iteration {engine.state.iteration}: loss or gradient is "
            f"not finite (loss {loss.item()}); step skipped, {self.in_a_row} in a row."
        )
        if self.in_a_row >= self.patience:
            raise NonFiniteLossError(
                f"{self.in_a_row} steps in a row had a loss or gradient that is NaN or infinite "
                f"(epoch {engine.state.epoch}). Weights and checkpoints are those from before. "
                f"Check the images (the preflight check names files with NaN), {_remedy(engine)}."
            )

    def _report(self, engine: Engine) -> None:
        if self.total:
            engine.logger.warning(f"{self.total} steps were skipped: loss or gradient not finite.")


def _remedy(engine: Engine) -> str:
    """Return what else may help: a run in mixed precision may do better without it."""
    if engine.amp or isinstance(engine.inferer, Bfloat16Inferer):
        return "lower the learning rate, or compute in float32 (--amp false)"
    return "or lower the learning rate"
