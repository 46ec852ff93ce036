from __future__ import annotations

import pytest
import torch
from torch.utils.data import Dataset, DistributedSampler

from iac_components.data import epoch_loader


class Numbers(Dataset[dict[str, object]]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, object]:
        return {"image": torch.tensor([float(index)])}


def order(count: int, epoch: int = 0, **options: object) -> list[float]:
    loader = epoch_loader(Numbers(count), **options)  # type: ignore[arg-type]
    assert isinstance(loader.sampler, DistributedSampler)
    loader.sampler.set_epoch(epoch)
    return [float(value) for batch in loader for value in batch["image"].flatten()]


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    first = order(20, batch_size=4, seed=1)
    torch.manual_seed(5)
    assert order(20, batch_size=4, seed=1) == first
    assert sorted(first) == list(range(20))
    assert order(20, batch_size=4, seed=1, epoch=1) != first
    assert order(20, batch_size=4, seed=2) != first


def test_the_global_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    order(20, batch_size=4)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_shuffling_the_order_is_the_datasets() -> None:
    assert order(5, batch_size=2, shuffle=False, drop_last=False) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("count", "batch_size", "drop_last", "items"),
    [(10, 4, True, 8), (10, 4, False, 10), (3, 4, True, 3), (4, 4, True, 4), (1, 8, True, 1)],
)
def test_a_small_dataset_still_gives_a_batch(
    count: int, batch_size: int, drop_last: bool, items: int
) -> None:
    assert len(order(count, batch_size=batch_size, drop_last=drop_last)) == items


def test_ranks_share_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    shares = []
    for rank in range(2):
        monkeypatch.setattr("torch.distributed.get_rank", lambda rank=rank: rank)
        shares.append(order(10, batch_size=2, drop_last=False))
    assert sorted(shares[0] + shares[1]) == list(range(10))
    assert not set(shares[0]) & set(shares[1])


def test_an_empty_dataset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no item to load.*empty_fraction"):
        epoch_loader(Numbers(0), batch_size=2)


def test_batch_size_is_checked() -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        epoch_loader(Numbers(3), batch_size=0)
