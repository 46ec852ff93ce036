"""Networks whose decoder has no block that is called with the gate and the skip.

For a decoder block of that kind, ``register_fusion_block`` is all it takes. The networks here fuse
in other ways, each described by a ``Topology``: which of its modules to wrap, in which
``SkipFusion``, and which method of its own adds the skips.

- UNet: a level concatenates the encoder feature with the inner levels' output (recursive).
- AttentionUnet: recursive too; the skip passes an attention block, which has the gate as well.
- SegResNet, SegResNetVAE, SegResNetDS: a loop in a method adds the skips (additive).
"""

from __future__ import annotations

from iac_components.networks.implanting.topologies.attention_unet import AttentionFusion
from iac_components.networks.implanting.topologies.catalogue import (
    DecoderLoop,
    Topology,
    fusible_blocks,
    known_networks,
    own_decoder_loops,
    register_topology,
)
from iac_components.networks.implanting.topologies.recursive import RecursiveFusion
from iac_components.networks.implanting.topologies.segresnet import AdditiveFusion

__all__ = [
    "AdditiveFusion",
    "AttentionFusion",
    "DecoderLoop",
    "RecursiveFusion",
    "Topology",
    "fusible_blocks",
    "known_networks",
    "own_decoder_loops",
    "register_topology",
]
