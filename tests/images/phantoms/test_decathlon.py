from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from iac_components.data import (
    DatasetError,
    check_datalist,
    check_description,
    image_datalist,
    load_datalist,
    read_dataset,
)
from iac_components.phantoms import DECATHLON_TASKS, write_phantom

SHAPE = (32, 28, 16)
PATIENTS = 5
NAMES = list(DECATHLON_TASKS)

# From the published description of the data: channels, and names of the label values.
PUBLISHED = {
    "msd_brain_tumour": (
        {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        ["background", "edema", "non-enhancing tumor", "enhancing tumour"],
    ),
    "msd_heart": ({"0": "MRI"}, ["background", "left atrium"]),
    "msd_liver": ({"0": "CT"}, ["background", "liver", "cancer"]),
    "msd_prostate": ({"0": "T2", "1": "ADC"}, ["background", "PZ", "TZ"]),
    "msd_lung": ({"0": "CT"}, ["background", "cancer"]),
    "msd_pancreas": ({"0": "CT"}, ["background", "pancreas", "cancer"]),
    "msd_hepaticvessel": ({"0": "CT"}, ["background", "Vessel", "Tumour"]),
    "msd_spleen": ({"0": "CT"}, ["background", "spleen"]),
    "msd_colon": ({"0": "CT"}, ["background", "colon cancer primaries"]),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("msd")
    return {
        name: write_phantom(root / name, layout=name, num_patients=PATIENTS, shape=SHAPE)
        for name in NAMES
    }


def voxels(path: object) -> np.ndarray:
    return np.asanyarray(nibabel.load(path).dataobj)


@pytest.mark.parametrize("name", NAMES)
def test_dataset_json_is_as_in_the_release(folders: dict[str, Path], name: str) -> None:
    content = json.loads((folders[name] / "dataset.json").read_text())
    assert list(content) == [
        "name",
        "description",
        "reference",
        "licence",
        "release",
        "tensorImageSize",
        "modality",
        "labels",
        "numTraining",
        "numTest",
        "training",
        "test",
    ]
    modality, labels = PUBLISHED[name]
    assert content["modality"] == modality
    assert content["labels"] == {str(value): label for value, label in enumerate(labels)}
    assert content["tensorImageSize"] == ("4D" if len(modality) > 1 else "3D")
    assert DECATHLON_TASKS[name].folder in content["description"]
    assert "phantom" in content["description"]
    assert len(content["training"]) == content["numTraining"] == PATIENTS
    assert len(content["test"]) == content["numTest"] == 1
    for file in (*content["training"][0].values(), *content["test"]):
        assert file.startswith(("./imagesTr/", "./labelsTr/", "./imagesTs/"))
        assert (folders[name] / file).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_readers_and_checks_take_it(folders: dict[str, Path], name: str) -> None:
    task = DECATHLON_TASKS[name]
    cases = read_dataset(folders[name], layout="decathlon")
    assert len({case.patient for case in cases}) == PATIENTS
    values = range(1, len(task.labels) + 1)
    channels = len(task.modality)
    check_datalist([case.entry() for case in cases], labels=values, num_channels=channels)
    check_description(
        folders[name], layout="decathlon", class_names=task.labels, num_channels=channels
    )
    check_datalist(
        image_datalist(folders[name] / "imagesTs", num_channels=channels),
        labels=values,
        num_channels=channels,
    )
    with pytest.raises(DatasetError):
        check_datalist([case.entry() for case in cases], labels=values, num_channels=channels + 1)
    with pytest.raises(DatasetError, match="modality"):
        check_description(
            folders[name], layout="decathlon", class_names=task.labels, num_channels=channels + 1
        )


@pytest.mark.parametrize("name", NAMES)
def test_monai_reads_the_channels_first(folders: dict[str, Path], name: str) -> None:
    entry = load_datalist(folders[name], layout="decathlon", part="train", num_folds=2)[0]
    keys = ["image", "label"]
    item = Compose([LoadImaged(keys), EnsureChannelFirstd(keys)])(entry)
    channels = len(DECATHLON_TASKS[name].modality)
    assert item["image"].shape == (channels, *SHAPE)
    assert item["label"].shape == (1, *SHAPE)
    stored = voxels(entry["image"])
    assert stored.shape == (SHAPE if channels == 1 else (*SHAPE, channels))
    assert np.array_equal(item["image"][-1].numpy(), stored if channels == 1 else stored[..., -1])


@pytest.mark.parametrize("name", NAMES)
def test_every_class_occurs_and_only_tumours_are_absent(
    folders: dict[str, Path], name: str
) -> None:
    values = set(range(1, len(DECATHLON_TASKS[name].labels) + 1))
    cases = read_dataset(folders[name], layout="decathlon")
    absent = [values - set(np.unique(voxels(case.label)).tolist()) for case in cases]
    expected: list[set[int]] = [set() for _ in cases]
    # Cases are sorted by name; the fourth liver has no cancer, the fifth glioma does not enhance.
    if name == "msd_liver":
        expected[3] = {2}
    if name == "msd_brain_tumour":
        expected[4] = {3}
    assert absent == expected


@pytest.mark.parametrize("name", NAMES)
def test_grey_values_are_the_modalitys_and_do_not_separate_alone(
    folders: dict[str, Path], name: str
) -> None:
    overlaps = []
    for case in read_dataset(folders[name], layout="decathlon"):
        image, label = voxels(case.image), voxels(case.label)
        assert image.dtype == np.int16
        channels = image[..., None] if image.ndim == 3 else image
        for channel in np.moveaxis(channels, -1, 0):
            if DECATHLON_TASKS[name].modality == ("CT",):
                assert np.median(channel[0, 0]) == pytest.approx(-1000, abs=60)
                assert channel.max() > 200
            else:
                assert channel.min() == 0
                assert channel.max() > 150
            low, high = np.percentile(channel[label > 0], [10, 90])
            overlaps.append(((channel > low) & (channel < high) & (label == 0)).mean())
    assert np.mean(overlaps) > 0.03


def test_channels_show_one_anatomy_in_other_contrasts(folders: dict[str, Path]) -> None:
    for case in read_dataset(folders["msd_prostate"], layout="decathlon"):
        image = voxels(case.image)
        assert not np.array_equal(image[..., 0], image[..., 1])
        background = [image[..., c] < 0.15 * image[..., c].max() for c in (0, 1)]
        assert (background[0] & background[1]).sum() > 0.6 * background[0].sum()


@pytest.mark.parametrize("name", ["msd_liver", "msd_prostate"])
def test_the_seed_gives_the_files_to_the_byte(tmp_path: Path, name: str) -> None:
    def contents(seed: int) -> list[bytes]:
        folder = write_phantom(
            tmp_path / str(seed), layout=name, num_patients=1, shape=(16, 16, 16), seed=seed
        )
        return [path.read_bytes() for path in sorted(folder.rglob("*.nii.gz"))]

    first = contents(1)
    assert len(first) == 3
    assert first == contents(1)
    assert first != contents(2)


@pytest.mark.parametrize("name", NAMES)
def test_coarse_volumes_show_every_class(tmp_path: Path, name: str) -> None:
    write_phantom(tmp_path, layout=name, num_patients=2, shape=(16, 16, 16), seed=3)
    for case in read_dataset(tmp_path, layout="decathlon"):
        labels = DECATHLON_TASKS[name].labels
        assert set(np.unique(voxels(case.label)).tolist()) == set(range(len(labels) + 1))


def test_spacing_and_default_shape(tmp_path: Path) -> None:
    write_phantom(tmp_path, layout="msd_prostate", num_patients=1, spacing=((2.0, 2.0), (5.0, 5.0)))
    (case,) = read_dataset(tmp_path, layout="decathlon")
    assert case.name == "prostate_01"
    assert nibabel.load(case.label).shape == (64, 64, 20)
    assert nibabel.load(case.label).header.get_zooms() == (2, 2, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (32, 32, 15)}, "at least 16 voxels"),
        ({"shape": (32, 32)}, "must be three sizes"),
        ({"spacing": ((1.0, 1.0),)}, r"spacing must be 2 range\(s\)"),
    ],
)
def test_bad_arguments(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_phantom(tmp_path, layout="msd_heart", **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
