"""Skip modules to compare with a cell, by name.

Each is put into a network by ``implant`` alone, as a cell is, so that a comparison differs in that
one argument: ``attention`` (Attention U-Net's gate), ``residual_path`` (MultiResUNet) and
``nested`` (U-Net++'s dense skips). A user registers more with ``register_skip_module``. Unlike a
cell, none of them starts as the identity: a trained backbone's output changes until they are
trained.

All three run, train and export in every network that ``implant`` knows, in 2-D and 3-D. Where
their ideas apply:

- BasicUNet, DynUNet, FlexibleUNet (ResNet, EfficientNet), UNet, VNet: all three, as in the papers,
  since each skip is a convolutional feature computed from the next finer one. FlexibleUNet and
  UNet have no skip at full resolution, so that their finest level is at half of it.
- SegResNet, SegResNetDS: all three; the skip is added where others concatenate it, so that a module
  which scales it (``attention``) or replaces it (``nested``) changes the sum's size.
- AttentionUnet: all three; ``attention`` puts a second gate in front of its own.
- SwinUNETR: as above. Its five skips are features of one hierarchy, but for the finest, which is
  convolved from the image; the fifth gets a residual path of one block too.
- UNETR: ``attention`` applies unchanged, its gate being the decoder's. ``residual_path`` fits in
  that a finer skip comes from an earlier block of the transformer, and the finest from the image.
  ``nested`` has little reason there: all blocks have the same tokens and see the whole image, so
  that a coarser skip is a later feature without a wider view, which is what U-Net++ brings up.

Floating-point operations relative to the plain network (widths of the bundles for BasicUNet, 192 x
192 pixels): ``attention`` 1.0; ``residual_path`` 1.1 (EfficientNet, UNETR) to 1.8; ``nested`` 1.2
(UNETR), 1.3 (EfficientNet) and about 3 (the others). Read a gain over the plain network with that.
"""

from __future__ import annotations

from iac_components.networks.skip_modules.attention import AttentionGate
from iac_components.networks.skip_modules.catalogue import (
    SkipModuleFactory,
    register_skip_module,
    registered_skip_modules,
    skip_module_factory,
)
from iac_components.networks.skip_modules.nested import NestedFeatures, NestedSkip
from iac_components.networks.skip_modules.residual_path import ResidualPath

__all__ = [
    "AttentionGate",
    "NestedFeatures",
    "NestedSkip",
    "ResidualPath",
    "SkipModuleFactory",
    "register_skip_module",
    "registered_skip_modules",
    "skip_module_factory",
]
