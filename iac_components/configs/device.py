"""The device of a run."""

from __future__ import annotations

import os

import torch

__all__ = ["pick_device"]


def pick_device() -> torch.device:
    """Choose the GPU of this process if there is one, else the CPU.

    Of the processes that ``torchrun`` starts on a node, each has the GPU of its local rank.
    """
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")
