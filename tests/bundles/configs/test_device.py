"""A process computes on the GPU of its rank, or on the CPU."""

from __future__ import annotations

import pytest
import torch

from iac_components.configs import pick_device


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device() == torch.device("cpu")


@pytest.mark.parametrize(("rank", "index"), [(None, 0), ("3", 3)])
def test_with_gpus(monkeypatch, rank, index):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert pick_device() == torch.device("cuda", index)
