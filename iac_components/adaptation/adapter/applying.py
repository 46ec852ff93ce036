"""A base network with adapters: in a copy, so that the network itself is never touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from iac_components.adaptation.adapter.adapter_file import Adapter, AdapterError, load_adapter
from iac_components.adaptation.adapter.base_network import (
    freeze,
    is_scripted,
    network_digest,
    network_name,
    private_copy,
)
from iac_components.adaptation.candidates import Attachment, PartPlan, find_candidate

__all__ = [
    "AdaptableNetwork",
    "apply_adapter",
    "attach_parts",
    "build_adapted_network",
    "gather_values",
    "require_base",
]

OFF = "none"
"""The name that switches every adapter off."""


def attach_parts(network: nn.Module, parts: Sequence[PartPlan]) -> list[Attachment]:
    """Put parts into a private copy of a base network, in place, and return them.

    Raises:
        ValueError: if the network cannot have one of them.
    """
    if is_scripted(network):
        beyond = [part.kind for part in parts if not find_candidate(part.kind).in_torchscript]
        if beyond:
            raise ValueError(
                f"the network is TorchScript, which takes no {' and no '.join(beyond)}. Take the "
                "Python network that it was made of"
            )
    return [find_candidate(part.kind).attach(network, part) for part in parts]


def gather_values(attachments: Sequence[Attachment]) -> dict[str, Tensor]:
    """Return copies of the values of parts, as an adapter holds them."""
    return {
        f"{index}.{name}": value.detach().cpu().clone()
        for index, attachment in enumerate(attachments)
        for name, value in attachment.tensors.items()
    }


def apply_adapter(network: nn.Module, adapter: Adapter | str | Path) -> nn.Module:
    """Return a network with an adapter; the network itself stays as it is.

    Weights that the adapter leaves alone are shared and not copied, unless it is TorchScript.

    Args:
        network: the base network that the adapter was made for, with its weights loaded; also
            TorchScript.
        adapter: the adapter, its folder, or ``"none"``.

    Returns:
        A copy in eval mode with the adapter in it; with ``"none"`` the network itself.

    Raises:
        AdapterError: if it cannot be read, or is for another network.

    Example:
        >>> adapted = iac.apply_adapter(network, "runs/site_a/adapter")
        >>> iac.apply_adapter(network, "none") is network
        True
    """
    if isinstance(adapter, str | Path) and str(adapter) == OFF:
        return network
    found = adapter if isinstance(adapter, Adapter) else load_adapter(adapter)
    require_base(network, found)
    return build_adapted(network, found)


def build_adapted_network(network: nn.Module, adapter: str | Path) -> nn.Module:
    """Build a network with an adapter's modules, for weights that are loaded afterwards.

    The config of an exported bundle calls it; the weights are those of the adapted network.

    Args:
        network: built as the base network was, with any weights.
        adapter: the adapter's folder.

    Raises:
        AdapterError: if it cannot be read, or does not fit.
    """
    return build_adapted(network, load_adapter(adapter))


def build_adapted(network: nn.Module, adapter: Adapter) -> nn.Module:
    """Put an adapter into a copy of a network, whatever its weights are."""
    return build_with(network, adapter.parts, adapter.tensors)


def build_with(
    network: nn.Module, parts: Sequence[PartPlan], values: Mapping[str, Tensor] | None = None
) -> nn.Module:
    """Put parts with their values into a copy of a network, folded in and frozen.

    Args:
        network: the base network.
        parts: of the adapter.
        values: of the parts; None leaves them as they are before any training.

    Raises:
        AdapterError: if they do not fit.
    """
    adapted = private_copy(network).eval()
    # Cells are drawn before they get their values.
    with torch.random.fork_rng(devices=[]):
        try:
            attachments = attach_parts(adapted, parts)
        except (AttributeError, ValueError) as error:
            raise AdapterError(
                f"the adapter's parts do not fit into {network_name(network)}: {error}"
            ) from error
    if values is not None:
        _load(attachments, values)
    for attachment in attachments:
        attachment.finish()
    return freeze(adapted)


def _load(attachments: Sequence[Attachment], values: Mapping[str, Tensor]) -> None:
    own = {
        f"{index}.{name}": tensor
        for index, attachment in enumerate(attachments)
        for name, tensor in attachment.tensors.items()
    }
    differing = sorted(set(own) ^ set(values)) or [
        name for name, tensor in own.items() if tensor.shape != values[name].shape
    ]
    if differing:
        raise AdapterError(
            f"the adapter's weights do not fit its parts (first: '{differing[0]}'). Adapt again."
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(values[name])


def require_base(network: nn.Module, adapter: Adapter) -> None:
    """Refuse a network that an adapter was not made for.

    Raises:
        AdapterError: if its weights are others.
    """
    digest = network_digest(network)
    if digest != adapter.base_digest:
        raise AdapterError(
            f"the adapter is for '{adapter.base_name}' with weights {adapter.base_digest[:19]}..., "
            f"this network's are {digest[:19]}...: it is another network, or was changed since. "
            "Take the one that the adapter was made for, or adapt again."
        )


class AdaptableNetwork(nn.Module):
    """A base network with any number of adapters side by side, chosen by name at each call.

    Args:
        network: the base network with its weights.
        adapters: adapters or their folders, by name; ``none`` is the base network.

    Raises:
        AdapterError: if one cannot be read, is for another network, or is called ``none``.

    Example:
        >>> both = iac.AdaptableNetwork(network, {"site_a": "runs/site_a/adapter"})
        >>> both.choose("site_a")
        >>> both.chosen
        'site_a'
    """

    def __init__(self, network: nn.Module, adapters: Mapping[str, Adapter | str | Path]) -> None:
        super().__init__()
        if OFF in adapters:
            raise AdapterError(f"an adapter cannot be called '{OFF}': that is the base network.")
        self.base = network
        self.adapted = nn.ModuleDict(
            {name: apply_adapter(network, adapter) for name, adapter in adapters.items()}
        )
        self._chosen = OFF

    @property
    def chosen(self) -> str:
        """Name of the adapter that :meth:`forward` uses."""
        return self._chosen

    def choose(self, name: str) -> None:
        """Use an adapter from now on.

        Raises:
            AdapterError: if there is none of that name.
        """
        self._find(name)
        self._chosen = name

    @contextmanager
    def using(self, name: str) -> Iterator[AdaptableNetwork]:
        """Use an adapter within the block, and the one before it afterwards."""
        before = self._chosen
        self.choose(name)
        try:
            yield self
        finally:
            self._chosen = before

    def forward(self, x: Tensor, adapter: str | None = None) -> Tensor:
        """Return the output for ``x`` (B, C, *S) with an adapter, by default the chosen one."""
        output: Tensor = self._find(adapter or self._chosen)(x)
        return output

    def _find(self, name: str) -> nn.Module:
        if name == OFF:
            return self.base
        if name not in self.adapted:
            known = ", ".join((OFF, *self.adapted))
            raise AdapterError(f"adapter '{name}' is unknown. Known: {known}.")
        return self.adapted[name]
