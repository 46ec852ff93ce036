"""Outputs of a network's frozen part, computed once a window.

Before the first value that is trained, a network makes the same of the same window in every step.
The outputs of its modules up to there are kept and given back in the place of a computation.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from iac_components.adaptation.adapter.base_network import is_scripted
from iac_components.adaptation.fitting.pool import Batch

__all__ = ["FeatureStore", "FrozenPart"]

MOST_BYTES = 2**30

Outputs = Mapping[str, object]
"""Outputs of all frozen modules for one window, by module: a tensor or several."""


@dataclass
class FeatureStore:
    """Kept outputs by window, for each set of frozen modules.

    Attributes:
        most_bytes: limit of all together; what is beyond is recomputed each time.
    """

    most_bytes: int = MOST_BYTES
    _kept: dict[tuple[Hashable, Hashable], Outputs] = field(default_factory=dict)
    _bytes: int = 0

    def find(self, part: Hashable, window: Hashable) -> Outputs | None:
        """Return what was kept, or None."""
        return self._kept.get((part, window))

    def keep(self, part: Hashable, window: Hashable, outputs: Outputs) -> None:
        """Keep outputs if there is room."""
        tensors = [one for output in outputs.values() for one in _tensors(output)]
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        if self._bytes + size <= self.most_bytes:
            self._kept[part, window] = outputs
            self._bytes += size


class _EnoughError(Exception):
    """Ends a pass once the last frozen module has run."""


class FrozenPart:
    """The modules of a network that run before the first trained value is used.

    Args:
        network: in eval mode, with parts to be trained in it; its forward pass gives the same
            whatever else is in the batch.
        store: for the outputs; shared only among networks whose frozen modules of the same names
            do the same.
        example: images (B, C, *S) to look at the network with.
    """

    def __init__(self, network: nn.Module, store: FeatureStore, example: Tensor) -> None:
        self._network = network
        self._store = store
        self._modules = _frozen_modules(network, example)
        self._noted: dict[str, object] | None = None
        self._given: Mapping[str, object] | None = None
        if self._modules and not self._agrees(example):
            self._modules = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of the modules whose outputs are kept."""
        return tuple(self._modules)

    @contextmanager
    def replaying(self) -> Iterator[Callable[[Batch], object]]:
        """Give a function that applies the network to a batch, by kept outputs where it can."""
        with ExitStack() as stack:
            for name, module in self._modules.items():
                stack.callback(_restore, module, module.__dict__.get("forward"))
                module.forward = self._instead(name, module.forward)
            yield self._apply

    def _apply(self, batch: Batch) -> object:
        if batch.keys is None or not self._modules:
            return self._network(batch.images)
        rows = []
        for key, image in zip(batch.keys, batch.images, strict=True):
            outputs = self._store.find(self.names, key)
            if outputs is None:
                outputs = self._compute(image)
                self._store.keep(self.names, key, outputs)
            rows.append(outputs)
        return self._continue(batch.images, rows)

    @torch.no_grad()
    def _compute(self, image: Tensor) -> Outputs:
        """Run the frozen modules alone on a window.

        One at a time: in company, last bits would depend on what has been kept before.
        """
        self._noted = {}
        try:
            self._network(image[None])
        except _EnoughError:
            pass
        finally:
            noted, self._noted = self._noted, None
        return {name: _each(output, lambda one: one[0]) for name, output in noted.items()}

    def _continue(self, images: Tensor, rows: Sequence[Outputs]) -> object:
        """Run the rest of the network behind outputs of the frozen modules."""
        self._given = {name: _stack([row[name] for row in rows]) for name in rows[0]}
        try:
            return self._network(images)
        finally:
            self._given = None

    def _instead(self, name: str, forward: Callable[..., object]) -> Callable[..., object]:
        def instead(*inputs: object, **named: object) -> object:
            if self._given is not None:
                return self._given[name]
            output = forward(*inputs, **named)
            if self._noted is not None:
                # What comes next may change an output in place.
                self._noted[name] = _each(output, torch.clone)
                if len(self._noted) == len(self._modules):
                    raise _EnoughError
            return output

        return instead

    @torch.no_grad()
    def _agrees(self, example: Tensor) -> bool:
        """Return True if the network gives the same by kept outputs."""
        expected = _tensors(self._network(example))
        with self.replaying():
            found = _tensors(self._continue(example, [self._compute(image) for image in example]))
        return len(found) == len(expected) and all(
            torch.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in zip(expected, found, strict=True)
        )


def _frozen_modules(network: nn.Module, example: Tensor) -> dict[str, nn.Module]:
    """Return the outermost modules whose outputs depend on no trained value, by their names.

    Only modules that are called once and give one row for each image are among them. TorchScript
    calls its modules without hooks, and so has none.
    """
    calls: dict[nn.Module, list[bool]] = {}

    def note(module: nn.Module, _: object, output: object) -> None:
        tensors = _tensors(output)
        frozen = bool(tensors) and all(
            not tensor.requires_grad and len(tensor) == len(example) for tensor in tensors
        )
        calls.setdefault(module, []).append(frozen)

    with ExitStack() as stack, torch.enable_grad():
        for module in network.modules():
            if not is_scripted(module):
                stack.callback(module.register_forward_hook(note).remove)
        network(example)
    found: dict[str, nn.Module] = {}
    # Parents come before their children, but calls end before their parent's.
    for name, module in network.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if name and not inside and calls.get(module) == [True]:
            found[name] = module
    return found


def _tensors(output: object) -> Sequence[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, list | tuple) and all(isinstance(one, Tensor) for one in output):
        return list(output)
    return []


def _each(output: object, change: Callable[[Tensor], Tensor]) -> object:
    if isinstance(output, Tensor):
        return change(output)
    changed = [change(one) for one in _tensors(output)]
    return changed if isinstance(output, list) else tuple(changed)


def _stack(rows: Sequence[object]) -> object:
    if isinstance(rows[0], Tensor):
        return torch.stack([one for row in rows for one in _tensors(row)])
    stacked = [torch.stack(each) for each in zip(*map(_tensors, rows), strict=True)]
    return stacked if isinstance(rows[0], list) else tuple(stacked)


def _restore(module: nn.Module, own: object) -> None:
    if own is None:
        del module.__dict__["forward"]
    else:
        module.__dict__["forward"] = own
