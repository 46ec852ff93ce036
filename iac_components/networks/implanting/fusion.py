"""Decoder block with a skip module in front, and the blocks that can be wrapped so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import TypeVar

import torch
from monai.networks.blocks import UnetrUpBlock, UnetUpBlock
from monai.networks.nets.basic_unet import UpCat
from monai.networks.nets.vnet import UpTransition
from torch import Tensor, nn

from iac_components.networks.implanting.skip_connection import SkipConnection
from iac_components.networks.implanting.untreated import UnchangedSkip

__all__ = ["SkipFusion", "fusion_block_types", "implanted_key", "register_fusion_block"]

BlockType = TypeVar("BlockType", bound=type[nn.Module])

_CHILDREN = ("block", "skip_module")
_NAMES = {"skips": "skip_module", "bottleneck": "bottleneck_module", "decoder": "output_module"}
_BLOCK_TYPES: list[type[nn.Module]] = []


def register_fusion_block(block_type: BlockType) -> BlockType:
    """Make a type of decoder block known to the implant; usable as a decorator.

    Args:
        block_type: a module called as ``forward(coarse, skip)``, both positional, with the
            decoder feature ``(B, G, *s)`` and the encoder feature ``(B, C, *S)``. Where the
            network gives no skip, the second argument is None or left out.

    Returns:
        ``block_type`` itself.

    Raises:
        TypeError: if ``block_type`` is not a module type.

    Example:
        >>> @iac.register_fusion_block
        ... class UpAndAdd(torch.nn.Module):
        ...     def __init__(self, coarse, fine):
        ...         super().__init__()
        ...         self.up = torch.nn.ConvTranspose2d(coarse, fine, kernel_size=2, stride=2)
        ...
        ...     def forward(self, coarse, skip):
        ...         return self.up(coarse) + skip
    """
    if not (isinstance(block_type, type) and issubclass(block_type, nn.Module)):
        raise TypeError(f"A fusion block must be a subclass of nn.Module, got {block_type!r}.")
    if block_type not in _BLOCK_TYPES:
        _BLOCK_TYPES.append(block_type)
    return block_type


def fusion_block_types() -> tuple[type[nn.Module], ...]:
    """Return the registered block types, in order of registration."""
    return tuple(_BLOCK_TYPES)


register_fusion_block(UpCat)  # BasicUNet, BasicUNetPlusPlus, FlexibleUNet
register_fusion_block(UnetUpBlock)  # DynUNet
register_fusion_block(UnetrUpBlock)  # UNETR, SwinUNETR
register_fusion_block(UpTransition)  # VNet


def implanted_key(key: str, prefix: str, *, children: Iterable[str] = _CHILDREN) -> str:
    """Return the state-dict key that a plain network's key has once its block is wrapped.

    Args:
        key: a key of the plain or of the implanted network.
        prefix: path of the wrapped block, with the closing dot.
        children: names of the wrapper's children.

    Returns:
        ``<prefix>block.X`` for ``<prefix>X``; any other key, and one of the implanted network,
        as it is.
    """
    rest = key.removeprefix(prefix)
    if not key.startswith(prefix) or rest.startswith(tuple(f"{name}." for name in children)):
        return key
    return f"{prefix}block.{rest}"


def _rename_plain_keys(
    module: SkipFusion, state: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    """Let a plain network's weights load into the wrapped block (load-state-dict pre-hook)."""
    children = [name for name, _ in module.named_children()]
    for key in list(state):
        state[implanted_key(key, prefix, children=children)] = state.pop(key)


class SkipFusion(nn.Module):
    """Decoder block that gets its skip feature through a skip module.

    ::

        gate (B, G, *s) -> bottleneck_module -+----> block -> output_module -> (B, out, *S)
                                              v        ^
        skip (B, C, *S) -----------------> skip_module-+

    Each module refines a feature in its own type: under autocast it may compute in a wider one; the
    decoder would follow, at the cost of memory, and no longer behave like the plain network.

    The modules at the bottleneck and at the output are there where :meth:`put` has put them. A
    state dict of the plain network loads too: its keys ``<block>.X`` are read as
    ``<block>.block.X``, and only the keys of the skip modules are then missing. Networks that fuse
    in another way have subclasses of this one (see ``networks.topologies``).

    Args:
        block: the decoder block, of a registered type.
        skip_module: module called as ``(skip, gate)``; see ``MakeSkipModule``. None leaves the
            skip as it is.
        connection: where this is in the network.

    Raises:
        ValueError: if the block has a child or tensor of its own named ``block`` or
            ``skip_module``, since its keys could not be told from the wrapper's.

    Attributes:
        places: by name of the child, where each skip module is.
    """

    def __init__(
        self, block: nn.Module, skip_module: nn.Module | None, *, connection: SkipConnection
    ):
        super().__init__()
        self.connection = connection
        self.training = block.training
        _check_names(block, connection.name, _CHILDREN)
        self.block = block
        self.skip_module = skip_module or UnchangedSkip()
        self.bottleneck_module: nn.Module | None = None
        self.output_module: nn.Module | None = None
        self.places = {} if skip_module is None else {"skip_module": connection}
        register: Callable[..., object] = self.register_load_state_dict_pre_hook
        register(_rename_plain_keys)

    def put(self, module: nn.Module, connection: SkipConnection) -> None:
        """Put a skip module where ``connection.site`` says.

        Raises:
            ValueError: as the constructor does, for the name of the module's place.
        """
        name = _NAMES[connection.site]
        _check_names(self.block, connection.name, (name,))
        setattr(self, name, module)
        self.places[name] = connection

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Fuse ``x`` of shape ``(B, G, *s)`` with ``skip`` of shape ``(B, C, *S)`` or None."""
        if skip is None:
            if torch.jit.is_scripting():
                raise RuntimeError("a block that was implanted with a skip gets none.")
            else:  # noqa: RET506  (TorchScript compiles what follows an if, but not its else)
                plain: Tensor = self.block(x, skip)
                return plain
        x = self.enter(x)
        return self.leave(self.block(x, self.refine(skip, x)), x)

    def refine(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Refine ``skip`` (B, C, *S) by the skip module, in the skip's type."""
        refined: Tensor = self.skip_module(skip, gate)
        return refined.to(skip.dtype)

    def enter(self, x: Tensor) -> Tensor:
        """Refine ``x`` (B, G, *s) by the module at the bottleneck, if there is one."""
        if self.bottleneck_module is None:
            return x
        refined: Tensor = self.bottleneck_module(x, x)
        return refined.to(x.dtype)

    def leave(self, output: Tensor, gate: Tensor) -> Tensor:
        """Refine the output by the module there, if there is one."""
        if self.output_module is None:
            return output
        refined: Tensor = self.output_module(output, gate)
        return refined.to(output.dtype)


def _check_names(block: nn.Module, place: str, names: Iterable[str]) -> None:
    taken = {key.partition(".")[0] for key in block.state_dict()}.intersection(names)
    if taken:
        raise ValueError(
            f"{type(block).__name__} at '{place}' holds a '{min(taken)}', a name that the implant "
            "needs for itself. Rename it in the block."
        )
