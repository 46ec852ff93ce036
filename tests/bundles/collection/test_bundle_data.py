"""Every bundle reads data as its checks do: all parts, any ending, labels as integers."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.common.console.brief_errors import brief_message
from iac_components.data import load_datalist
from tools.maintenance.verification import Bundle

BUNDLES = Path(__file__).parents[3] / "bundles"
METHODS = ("hippocampus_unet_iac", "hippocampus_dints")
STAGES = ("search", "train")
DATASETS = ("train#dataset", "train#architecture_dataset", "validate#dataset")


@pytest.fixture
def folder(hippocampus, tmp_path: Path) -> Path:
    """A copy of the phantom; labels 1e-6 off, one of them healthy, endings of other spellings."""
    copy = tmp_path / "data"
    shutil.copytree(hippocampus.phantom, copy)
    for number, path in enumerate(sorted((copy / "labelsTr").iterdir())):
        image = nibabel.load(path)
        label = np.asarray(image.dataobj) * (number > 0) + 1e-6
        nibabel.save(nibabel.Nifti1Image(label.astype(np.float32), image.affine), path)
        path.rename(
            path.with_name(path.name.replace(".nii.gz", (".Nii.Gz", ".NII.GZ")[number % 2]))
        )
    return copy


@pytest.fixture
def parser(workbench, folder: Path, tmp_path: Path):
    """Return a function that gives the parser of a bundle for that data set."""

    def parse(name: str, stage: str, *configs: str, **options: object):
        bundle = Bundle(BUNDLES / f"{name}_segmentation_{stage}")
        settings = {**workbench.options(bundle), "dataset_dir": str(folder), **options}
        settings |= {"output_dir": str(tmp_path / "out"), "patches_per_volume": 1}
        # Parsed after its workflow is gone, and changed too much to be known as this file again.
        settings |= {"bundle_root": str(bundle.root)}
        settings |= {} if stage == "search" else {"ckpt_dir": str(tmp_path / "out")}
        known = {key: value for key, value in settings.items() if key in bundle.config()}
        return workbench.workflow(bundle, known, *configs).parser

    return parse


def check_of(parser) -> str:
    """Id of the check of the data in a config."""
    checks = [i for i, line in enumerate(parser["run"]) if "check_data" in line]
    assert len(checks) == 1
    return f"run#{checks[0]}"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", METHODS)
def test_labels_are_integers_wherever_they_are_used(parser, name: str, stage: str) -> None:
    config = parser(name, stage)
    config.get_parsed_content(check_of(config))
    found = [key for key in DATASETS if config.get(key.replace("#", "::")) is not None]
    assert len(found) >= 2
    for key in found:
        dataset = config.get_parsed_content(key)
        values = {
            value
            for index in range(len(dataset))
            for value in dataset[index]["label"].unique().tolist()
        }
        assert values <= {0.0, 1.0, 2.0}
        assert len(values) > 1, key


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("configs", "part"),
    [
        (("search",), "test"),
        (("search",), "validation"),
        (("train",), "test"),
        (("train", "evaluate"), "test"),
    ],
)
def test_no_part_is_left_unopened(
    parser, folder: Path, name: str, configs: tuple[str, ...], part: str
) -> None:
    image = Path(load_datalist(folder, layout="decathlon", part=part)[0]["image"])
    image.write_bytes(image.read_bytes()[:100])
    config = parser(name, *configs)
    check = check_of(config)
    with pytest.raises(RuntimeError) as caught:
        config.get_parsed_content(check)
    message = brief_message(caught.value)
    assert message is not None
    assert f"{image}\n  - cannot be read to its end" in message
    assert "1 fault(s)" in message


@pytest.mark.parametrize("name", METHODS)
def test_inference_reads_any_ending_and_keeps_the_place(
    parser, folder: Path, tmp_path: Path, name: str
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    first = sorted((folder / "imagesTr").iterdir())[0]
    for number, ending in enumerate((".Nii.Gz", ".NII.GZ", ".nii.GZ")):
        shutil.copy(first, images / f"{number}{ending}")
    config = parser(name, "inference", dataset_dir=str(images))
    config.get_parsed_content(check_of(config))
    dataset = config.get_parsed_content("dataset")
    assert len(dataset) == 3
    expected = nibabel.load(first)
    for item in dataset:
        affine = np.asarray(item["image"].meta["original_affine"])
        assert np.allclose(affine, expected.affine)
