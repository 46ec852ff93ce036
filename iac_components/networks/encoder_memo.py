"""Frozen encoder with a cache of its features for recurring images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map

from iac_components.networks.implanted_network import ImplantedNetwork
from iac_components.networks.implanting.fusion import SkipFusion
from iac_components.networks.implanting.implant import skip_modules

__all__ = ["EncoderMemo"]


class EncoderMemo:
    """Cache for the modules in front of the first skip fusion, which then return earlier outputs.

    For images that do not change: a search's audit looks at the same ones over and over. Copies are
    kept and handed out, since a decoder may write into what it gets (activations in place).

    Args:
        network: a network with cells and a frozen backbone, whose encoder is then fixed.
        most_bytes: that the outputs may take; None for any number.

    Attributes:
        kept_bytes: that they take.

    Raises:
        ValueError: if its backbone trains.
    """

    def __init__(self, network: ImplantedNetwork, *, most_bytes: int | None = None) -> None:
        if not network.frozen_backbone:
            raise ValueError("features of an encoder that trains cannot be kept: freeze it.")
        self.network = network
        self.most_bytes = most_bytes
        self.kept_bytes = 0
        self._outputs: dict[str, list[tuple[nn.Module, object]]] = {}

    @torch.no_grad()
    def record(self, name: str, image: torch.Tensor) -> bool:
        """Record the encoder's outputs for ``image`` (B, C, *S) under ``name``.

        Returns:
            False, with nothing recorded, if they are more than may be kept.
        """
        recorder = _Recorder()
        with recorder.listening_to(self.network.backbone):
            self.network(image)
        size = sum(_bytes_of(output) for _, output in recorder.finished)
        if self.most_bytes is not None and self.kept_bytes + size > self.most_bytes:
            return False
        self._outputs[name] = recorder.finished
        self.kept_bytes += size
        return True

    @contextmanager
    def recalling(self, name: str) -> Iterator[None]:
        """Within the block, let the encoder return the outputs recorded under ``name``, if any."""
        with ExitStack() as stack:
            for module, output in self._outputs.get(name, ()):
                # An attribute of the instance, which is found before the class's method: to put
                # another module in its place would change the network's parameters.
                module.__dict__["forward"] = _Constant(output)
                stack.callback(module.__dict__.pop, "forward")
            yield


class _Constant:
    """A forward method that returns a copy of one value."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __call__(self, *_: object) -> object:
        return _copied(self.value)


class _Recorder:
    """Collects the outermost modules that have run before the first skip fusion or cell begins."""

    def __init__(self) -> None:
        self._finished: list[tuple[nn.Module, object]] = []
        self._started: list[int] = []
        self._runs: Counter[nn.Module] = Counter()
        self._fused = False
        self._cells: set[nn.Module] = set()

    @property
    def finished(self) -> list[tuple[nn.Module, object]]:
        """Each module with its output; one that ran several times has not one output."""
        return [(module, output) for module, output in self._finished if self._runs[module] == 1]

    @contextmanager
    def listening_to(self, backbone: nn.Module) -> Iterator[None]:
        # One at the bottleneck may be called ahead of its fusion (SegResNet).
        self._cells = set(skip_modules(backbone))
        with ExitStack() as stack:
            for module in backbone.modules():
                stack.callback(module.register_forward_pre_hook(self._begin).remove)
                stack.callback(module.register_forward_hook(self._end).remove)
            yield

    def _begin(self, module: nn.Module, _: object) -> None:
        self._fused = self._fused or isinstance(module, SkipFusion) or module in self._cells
        self._runs[module] += 1
        if not self._fused:
            self._started.append(len(self._finished))

    def _end(self, module: nn.Module, _: object, output: object) -> None:
        if not self._fused:
            # What ran within this module need not run once the module itself does not.
            del self._finished[self._started.pop() :]
            self._finished.append((module, _copied(output)))


def _copied(output: object) -> object:
    return tree_map(lambda value: value.clone() if torch.is_tensor(value) else value, output)


def _bytes_of(output: object) -> int:
    return sum(value.nbytes for value in tree_leaves(output) if torch.is_tensor(value))
