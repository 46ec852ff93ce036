"""First use of losses, optimizers, schedules and inferers, on very small inputs.

Many of their arguments are looked at when they are used, not when they are made: after hours of
reading and training. What is tried here is MONAI's, PyTorch's and this package's; what a user wrote
may count its calls.
"""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from monai.inferers import SimpleInferer, SliceInferer, SlidingWindowInferer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

__all__ = ["Setting", "use_once"]

_LIBRARIES = ("monai", "torch", "iac_components")
_SIDE = 16


@dataclass(frozen=True)
class Setting:
    """Channels, sizes and the like that the objects of a run are made for.

    Attributes:
        in_channels: channels of an image.
        out_channels: channels that the network gives.
        spatial_dims: of a patch.
        device: of the computation.
    """

    in_channels: int
    out_channels: int
    spatial_dims: int
    device: torch.device


def use_once(component: object, setting: Setting) -> None:
    """Use an object of a library as the run will, and restore its state.

    Raises:
        Exception: whatever the object raises.
        ValueError: if a loss gives no single number.
    """
    if type(component).__module__.partition(".")[0] not in _LIBRARIES:
        return
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(component, Optimizer):
            _step(component)
        elif isinstance(component, LRScheduler):
            _step_schedule(component)
        elif isinstance(component, SlidingWindowInferer | SimpleInferer):
            _infer(component, setting)
        elif isinstance(component, nn.Module):
            _lose(component, setting)


def _step(optimizer: Optimizer) -> Optimizer:
    """Step a twin that has one small parameter a group."""
    twin = copy.copy(optimizer)
    twin.state = defaultdict(dict)
    twin.param_groups = [
        {**group, "params": [_parameter(group["params"])]} for group in optimizer.param_groups
    ]
    # Not its own attribute, which a schedule may have put there to count the first one's steps.
    step: Callable[[Optimizer], object] = type(twin).step
    step(twin)
    return twin


def _parameter(like: Sequence[Tensor]) -> nn.Parameter:
    parameter = nn.Parameter(torch.zeros(2, 2, device=like[0].device, dtype=like[0].dtype))
    parameter.grad = torch.ones_like(parameter)
    return parameter


def _step_schedule(scheduler: LRScheduler) -> None:
    # Its step takes a score, which its handler gives it.
    if isinstance(scheduler, ReduceLROnPlateau):
        return
    optimizer = scheduler.optimizer
    copy.deepcopy(scheduler, {id(optimizer): _step(optimizer)}).step()


def _infer(inferer: SlidingWindowInferer | SimpleInferer, setting: Setting) -> None:
    """Infer an image a little smaller than the window, through a network that does nothing."""
    sizes = [_SIDE] * setting.spatial_dims
    if isinstance(inferer, SlidingWindowInferer):
        given = inferer.roi_size
        window = [given] * len(sizes) if isinstance(given, int) else list(given)
        sizes = [size if size and size > 0 else _SIDE for size in window]
        sizes[0] = max(sizes[0] - 1, 1)
    if isinstance(inferer, SliceInferer) and len(sizes) == 2:
        sizes.insert(inferer.spatial_dim, 2)
    image = torch.zeros(1, setting.in_channels, *sizes, device=setting.device)

    def network(windows: Tensor, *_: object, **__: object) -> Tensor:
        return windows.new_zeros(len(windows), setting.out_channels, *windows.shape[2:])

    with torch.no_grad():
        inferer(image, network)


def _lose(loss: nn.Module, setting: Setting) -> None:
    sizes = [_SIDE] * setting.spatial_dims
    shape = (2, setting.out_channels, *sizes)
    prediction = torch.zeros(shape, device=setting.device, requires_grad=True)
    label = torch.zeros(2, 1, *sizes, device=setting.device)
    value = loss(prediction, label)
    if not isinstance(value, Tensor) or value.numel() != 1:
        found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"it gives {found}, and a training needs one number")
    torch.autograd.backward(value)
