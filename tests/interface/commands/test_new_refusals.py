"""Bundles for a user's data set are written whole, or not at all; nothing that is there is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from described_data import CT, write_dataset

from iac_components.bundling.own_data import create_bundles, writing

ROOT = Path(__file__).parents[3]


@pytest.fixture
def dataset(tmp_path) -> Path:
    return write_dataset(tmp_path / "data", CT, cases=4)


@pytest.fixture
def write(dataset, tmp_path):
    """Write bundles of the small data set; options replace the usual ones."""

    def run(**options: object) -> None:
        usual = {"name": "mine", "network": "unet", "out": tmp_path / "bundles"}
        create_bundles(dataset, **{**usual, **options})

    return run


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("backbone", ["efficientnet", "nnunet", "resnet", "unet"])
def test_every_backbone_is_rendered(write, tmp_path, backbone):
    write(network=backbone)
    folder = tmp_path / "bundles" / f"mine_{backbone}_iac_segmentation_train"
    assert json.loads((folder / "configs" / "train.json").read_text())["backbone"] == backbone


def test_four_patients_get_four_folds(write, tmp_path):
    write()
    folder = tmp_path / "bundles" / "mine_unet_iac_segmentation_search"
    assert json.loads((folder / "configs" / "search.json").read_text())["num_folds"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "vgg"}, "backbone 'vgg' is unknown. Known: efficientnet, nnunet, resnet"),
        ({"name": "My_Data"}, "lower-case letters"),
        ({"name": "my__data"}, "single underscores"),
        ({"name": "2fast"}, "a letter first"),
        ({"name": "../x"}, "lower-case"),
        ({"name": "heart_v2"}, "'_v'.*'heartv2'"),
        ({"name": "acdc"}, "a data set of this collection"),
        ({"spacing": (0.0, 1.0)}, "in_plane_spacing must be positive"),
        ({"out": ROOT / "bundles"}, "collection's own folder"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(write, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write(**options)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_is_there_is_not_replaced_unless_asked(write, tmp_path):
    bundles = tmp_path / "bundles"
    write()
    model = bundles / "mine_unet_iac_segmentation_train" / "models" / "model.pt"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    before = snapshot(bundles)
    with pytest.raises(FileExistsError, match=r"mine_unet_iac_segmentation_search.*--overwrite"):
        write(spacing=(2.0, 2.0))
    assert snapshot(bundles) == before
    write(spacing=(2.0, 2.0), overwrite=True)
    after = snapshot(bundles)
    assert after.keys() == before.keys()
    assert model.read_bytes() == b"weights"
    config = json.loads(after["mine_unet_iac_segmentation_train/configs/train.json"])
    assert config["pixdim"] == [2.0, 2.0, -1.0]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("fails", ["render", "write_text", "replace"])
def test_a_failure_leaves_what_was_there(write, tmp_path, monkeypatch, overwrite, fails):
    bundles = tmp_path / "bundles"
    if overwrite:
        write()
    before = snapshot(tmp_path)
    calls = iter(range(100))
    real = os.replace if fails == "replace" else getattr(writing, fails)

    def failing(*arguments: object) -> object:
        # Renames within write_text come first: the last of the three bundles fails.
        inner = fails == "replace" and ".iac_new." in str(arguments[1])
        if not inner and next(calls) == (2 if fails == "replace" else 1):
            raise OSError("No space left on device")
        return real(*arguments)

    target = (
        "os.replace" if fails == "replace" else f"iac_components.bundling.own_data.writing.{fails}"
    )
    if overwrite and fails == "replace":
        pytest.skip("renaming over files that are there happens after all is on the disk")
    monkeypatch.setattr(target, failing)
    with pytest.raises(OSError, match="No space left"):
        write(spacing=(2.0, 2.0), overwrite=overwrite)
    assert snapshot(tmp_path) == before
    assert not bundles.exists() or overwrite == bool(list(bundles.iterdir()))


def test_the_command_ends_with_one_line(iac, tmp_path):
    (tmp_path / "empty").mkdir()
    ended = iac("new", tmp_path / "empty", "--name", "mine", "--out", tmp_path / "out")
    assert ended.status == 2
    assert ended.err.startswith("iac new: error: ")
    assert "an empty folder, which is no layout that is read" in ended.err
    assert not (tmp_path / "out").exists()


def test_text_of_the_data_set_is_never_run(tmp_path):
    """MONAI evaluates strings that begin with ``$``, and follows ``@`` and ``%``."""
    labels = {"0": "background", "1": "$open('pwned','w')", "2": "@bundle_root"}
    data = write_dataset(
        tmp_path / "data",
        CT,
        labels=labels,
        modality={"0": "$open('pwned','w')"},
        licence="%/etc/passwd#root",
        reference="$x\n# Title `a` @##y",
    )
    planned = create_bundles(data, name="mine", network="unet", out=tmp_path / "out")
    combination = planned.combination
    config = json.loads((combination.root("train") / "configs" / "train.json").read_text())
    assert config["class_names"] == ["open_pwned_w", "bundle_root"]
    metadata = (combination.root("train") / "configs" / "metadata.json").read_text()
    for value in ("$", '"@', '"%', "@#"):
        assert value not in metadata.replace('"$schema"', "")
