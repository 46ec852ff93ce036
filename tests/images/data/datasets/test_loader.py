from __future__ import annotations

import json
import multiprocessing
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import Compose, LoadImaged
from torch import distributed
from torch.utils.data import Dataset, DistributedSampler

from iac_components.data import SliceDataset, epoch_loader, share_of_cases


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


def _work(rank: int, folder: Path, entries: list[dict[str, str]]) -> None:
    """Work of each of two processes: it leaves the items it saw in a file."""
    # A forked process must not use the threads that its parent had.
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder / 'meeting'}",
        rank=rank,
        world_size=2,
        timeout=timedelta(minutes=8),
    )
    found: dict[str, object] = {
        f"{count}": [
            order(count, batch_size=2, drop_last=False, epoch=epoch) for epoch in (0, 1, 2, 1)
        ]
        for count in (1, 10, 11)
    }
    found["steps"] = [len(epoch_loader(Numbers(count), batch_size=4)) for count in (7, 9, 17)]

    transform = Compose(LoadImaged(["image", "label"], ensure_channel_first=True))
    dataset = SliceDataset(entries, transform, cache_dir=folder / "cache")
    made: list[str] = []
    read = dataset._read_volume

    def read_and_note(number: int) -> Mapping[str, torch.Tensor]:
        made.append(f"c{number}")
        if len(made) == 1:
            # Neither goes on before the other has begun, so neither finds all made already.
            distributed.barrier()
        return read(number)

    dataset._read_volume = read_and_note  # type: ignore[method-assign]
    loader = epoch_loader(dataset, batch_size=1, drop_last=False)
    found["slices"] = [
        [batch["case"][0], int(batch["slice"]), float(batch["image"].mean())] for batch in loader
    ]
    found["made"] = made
    (folder / f"{rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list]]:
    """The items that two gloo processes saw."""
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here, and two new interpreters would take long to start")
    folder = tmp_path_factory.mktemp("ranks")
    entries = []
    for number in range(4):
        files = {key: str(folder / f"{number}_{key}.nii") for key in ("image", "label")}
        for file in files.values():
            nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 3), number, np.uint8), np.eye(4)), file)
        entries.append({**files, "case": f"c{number}", "patient": f"p{number}"})
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_work, args=(rank, folder, entries)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=500)
        if process.is_alive():
            process.kill()
    assert [process.exitcode for process in processes] == [0, 0]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("epoch", range(3))
def test_ranks_share_the_items(ranks: list[dict[str, list]], epoch: int) -> None:
    first, second = (found["10"][epoch] for found in ranks)
    assert len(first) == len(second) == 5
    assert sorted(first + second) == list(range(10))


@pytest.mark.parametrize(("count", "share"), [("1", 1), ("11", 6)])
def test_uneven_items_fill_equal_shares(
    ranks: list[dict[str, list]], count: str, share: int
) -> None:
    first, second = (found[count][0] for found in ranks)
    assert len(first) == len(second) == share
    assert set(first + second) == set(range(int(count)))


def test_ranks_make_as_many_steps(ranks: list[dict[str, list]]) -> None:
    # Shares of 4, 5 and 9 items in batches of 4.
    assert [found["steps"] for found in ranks] == [[1, 1, 2]] * 2


def test_a_resumed_rank_sees_its_epoch_again(ranks: list[dict[str, list]]) -> None:
    for found in ranks:
        zeroth, first, second, again = found["11"]
        assert again == first
        assert len({tuple(order) for order in (zeroth, first, second)}) == 3


def test_ranks_share_the_slices_and_their_cache(ranks: list[dict[str, list]]) -> None:
    seen = [tuple(item) for found in ranks for item in found["slices"]]
    assert sorted(seen) == [(f"c{number}", i, number) for number in range(4) for i in range(3)]
    # Each begins with its half, and makes of the other's at most what is not there yet.
    for found, half in zip(ranks, (["c0", "c1"], ["c2", "c3"]), strict=True):
        assert found["made"][0] == half[0]


def test_an_empty_dataset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no item to load.*empty_fraction"):
        epoch_loader(Numbers(0), batch_size=2)


def test_batch_size_is_checked() -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, not 0"):
        epoch_loader(Numbers(3), batch_size=0)


def test_more_processes_than_cases_to_validate(monkeypatch) -> None:
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    with pytest.raises(ValueError, match=r"2 processes cannot share 1 case.*Start 1 at most"):
        share_of_cases(Numbers(1))
