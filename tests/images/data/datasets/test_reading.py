"""A file that vanishes or is cut after the check is named in one line, wherever it is read."""

from __future__ import annotations

import gzip
import shutil

import pytest
from monai.data import DataLoader
from monai.transforms import Compose, EnsureChannelFirstd, Lambdad, LoadImaged, Spacingd

from iac_components.common.console.brief_errors import brief_message
from iac_components.data import (
    CaseDataset,
    DatasetError,
    SliceDataset,
    VolumePatchDataset,
    load_datalist,
)

KEYS = ["image", "label"]
LOAD = [LoadImaged(KEYS), EnsureChannelFirstd(KEYS)]


def remove(path):
    path.unlink()


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def cut_within(path):
    """A sound gzip stream of half a file."""
    with gzip.open(path) as stream:
        content = stream.read()
    path.write_bytes(gzip.compress(content[: len(content) // 2]))


def empty(path):
    path.write_bytes(b"")


def folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = [remove, cut, cut_within, empty, folder]


@pytest.fixture
def entries(phantoms, tmp_path):
    """Two entries whose files may be spoilt."""
    found = []
    for entry in load_datalist(phantoms["decathlon"], layout="decathlon", part="train")[:2]:
        paths = {key: tmp_path / f"{entry['case']}_{key}.nii.gz" for key in KEYS}
        for key, path in paths.items():
            shutil.copy(entry[key], path)
        found.append({**entry, **{key: str(path) for key, path in paths.items()}})
    return found


def shown(read):
    with pytest.raises(Exception, match=r"\.nii") as caught:
        read()
    message = brief_message(caught.value)
    assert message is not None, "the user would be shown a traceback"
    assert message.startswith("DatasetError: ")
    assert "\n" not in message
    assert "--resume True" in message
    return message


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("make", [CaseDataset, SliceDataset, VolumePatchDataset])
def test_damaged_file_is_named(entries, tmp_path, damage, key, make):
    path = tmp_path / f"{entries[1]['case']}_{key}.nii.gz"
    dataset = make(entries, Compose(LOAD))
    damage(path)
    message = shown(lambda: [dataset[index] for index in range(len(dataset))])
    assert f"'{path}' " in message


@pytest.mark.parametrize("make", [SliceDataset, VolumePatchDataset])
def test_damaged_file_while_a_cache_is_filled(entries, tmp_path, make):
    path = tmp_path / f"{entries[1]['case']}_image.nii.gz"
    dataset = make(entries, Compose(LOAD), cache_dir=tmp_path / "cache")
    cut(path)
    assert f"'{path}' " in shown(lambda: len(dataset))


def test_damaged_file_in_a_worker_process(entries, tmp_path):
    path = tmp_path / f"{entries[1]['case']}_label.nii.gz"
    loader = DataLoader(CaseDataset(entries, Compose(LOAD)), batch_size=1, num_workers=1)
    path.unlink()
    assert f"'{path}' does not exist" in shown(lambda: list(loader))


def test_cache_that_vanishes_under_a_worker_process(entries, tmp_path):
    dataset = SliceDataset(entries, Compose(LOAD), cache_dir=tmp_path / "cache")
    assert len(dataset)
    shutil.rmtree(tmp_path / "cache")
    loader = DataLoader(dataset, batch_size=1, num_workers=1)
    with pytest.raises(OSError, match="cached volume") as caught:
        list(loader)
    message = brief_message(caught.value)
    assert message.startswith(f"OSError: cached volume '{tmp_path / 'cache'}")
    assert "\n" not in message


def test_file_of_a_channel(entries, tmp_path):
    entry = {**entries[0], "image": [entries[0]["image"], str(tmp_path / "absent.nii.gz")]}
    assert "absent.nii.gz' does not exist" in shown(lambda: CaseDataset([entry], Compose(LOAD))[0])


@pytest.mark.parametrize("num_workers", [0, 1])
def test_volume_that_outgrows_the_memory_is_named(entries, num_workers):
    """No machine has the addresses for it, so that nothing is taken."""
    steps = Compose([*LOAD, Spacingd(KEYS, pixdim=(1e-4, 1e-4, 1e-4))])
    loader = DataLoader(CaseDataset(entries, steps), batch_size=1, num_workers=num_workers)
    with pytest.raises(Exception, match="memory") as caught:
        list(loader)
    message = brief_message(caught.value)
    assert message.startswith(f"DatasetError: '{entries[0]['image']}' does not fit into the memory")
    assert "--pixdim" in message


@pytest.mark.parametrize("num_workers", [0, 1])
def test_bug_in_a_transform_keeps_its_traceback(entries, num_workers):
    """The files are sound: then they are not to blame."""
    steps = Compose([*LOAD, Lambdad("image", lambda image: image.no_such_thing)])
    loader = DataLoader(CaseDataset(entries, steps), batch_size=1, num_workers=num_workers)
    with pytest.raises(Exception, match=r"no_such_thing|Lambdad|applying") as caught:
        list(loader)
    assert not isinstance(caught.value, DatasetError)
    assert brief_message(caught.value) is None


def test_entries_and_slices_as_in_monai(entries):
    dataset = CaseDataset(entries, Compose(LOAD))
    assert len(dataset) == 2
    assert dataset[-1]["case"] == entries[1]["case"]
    assert len(dataset[:1]) == 1
