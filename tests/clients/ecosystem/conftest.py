"""A small inference bundle with weights, and a folder with one image."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from monai.bundle import ConfigParser, run

ROOT = Path(__file__).parents[3]
PREFIX = "hippocampus_unet_iac_segmentation"


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies the bundle of a stage to where runs may write."""

    def copy(stage: str) -> Path:
        name = f"{PREFIX}_{stage}"
        ignored = shutil.ignore_patterns("eval", "data", "iac_components", "*.ts")
        shutil.copytree(ROOT / "bundles" / name, tmp_path / name, ignore=ignored)
        return tmp_path / name

    return copy


@pytest.fixture(scope="session")
def shipped() -> Path:
    """The inference bundle with weights."""
    return ROOT / "bundles" / f"{PREFIX}_inference"


@pytest.fixture(scope="session")
def image(hippocampus) -> Path:
    return sorted((hippocampus.phantom / "imagesTr").glob("*.nii.gz"))[0]


@pytest.fixture(scope="session")
def own_prediction(shipped, image, tmp_path_factory) -> Path:
    """The bundle's own label map of the image, as a user runs it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "in").mkdir()
    (folder / "in" / image.name).symlink_to(image)
    run(
        config_file=str(shipped / "configs" / "inference.json"),
        dataset_dir=str(folder / "in"),
        output_dir=str(folder / "out"),
    )
    (path,) = (folder / "out").iterdir()
    return path


@pytest.fixture
def parser(shipped) -> ConfigParser:
    """The config as Label and Deploy read it: one file, its bundle root given."""
    parser = ConfigParser()
    parser.read_config(str(shipped / "configs" / "inference.json"))
    parser.read_meta(str(shipped / "configs" / "metadata.json"))
    parser["bundle_root"] = str(shipped)
    return parser
