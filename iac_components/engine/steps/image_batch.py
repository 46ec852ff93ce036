"""The input of a network out of a batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch

__all__ = ["image_batch"]


def image_batch(
    batchdata: Mapping[str, torch.Tensor],
    device: str | torch.device | None = None,
    non_blocking: bool = False,
    *,
    image_key: str = "image",
    **arguments: object,
) -> tuple[torch.Tensor, None]:
    """Take the images out of a batch, as MONAI's evaluators ask for it.

    Differs from MONAI's ``default_prepare_batch`` in the key, which may be any.

    Args:
        batchdata: a batch.
        device: where to put the images.
        non_blocking: whether the host may continue before they are there.
        image_key: their key in the batch.
        **arguments: of ``Tensor.to``.

    Returns:
        Images (B, C, *S), and None in the place of labels.
    """
    image = batchdata[image_key].to(device=device, non_blocking=non_blocking, **arguments)  # type: ignore[call-overload]
    return image, None
