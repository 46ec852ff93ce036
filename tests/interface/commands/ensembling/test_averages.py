"""Folders of saved probabilities become label maps; the averages are computed by hand."""

from __future__ import annotations

import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from iac_components.evaluation import read_metrics

AFFINE = np.array([[0.0, -2, 0, 5], [1.5, 0, 0, -3], [0, 0, 4, 7], [0, 0, 0, 1]])

# Four voxels; each row is a class.
FIRST = [[0.6, 0.5, 0.1, 0.2], [0.4, 0.1, 0.8, 0.4], [0.0, 0.4, 0.1, 0.4]]
SECOND = [[0.3, 0.1, 0.0, 0.2], [0.4, 0.2, 0.7, 0.4], [0.3, 0.7, 0.3, 0.4]]
# Means: .45 .40 .15 | .30 .15 .55 | .05 .75 .20 | .2 .4 .4. Of equal classes the first counts.
AVERAGE = [0, 2, 1, 1]


def save(folder: Path, case: str, values, *, affine=AFFINE, shape=(4, 1, 1)) -> None:
    """Write probabilities beside a label map that no network with them would have made."""
    folder.mkdir(parents=True, exist_ok=True)
    probabilities = np.array(values).reshape(-1, *shape)
    np.savez_compressed(folder / f"{case}_seg.npz", probabilities=probabilities)
    image = nibabel.Nifti1Image(np.full(shape, 7, dtype=np.uint8), affine)
    image.set_qform(affine, code=1)
    nibabel.save(image, folder / f"{case}_seg.nii.gz")


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    """Folders ``a`` and ``b`` of two cases; the second has the classes in reverse."""
    monkeypatch.chdir(tmp_path)
    for name, values in (("a", FIRST), ("b", SECOND)):
        save(tmp_path / name, "x", values)
        save(tmp_path / name, "y", values[::-1])
    return tmp_path


def labels(path: Path) -> list[int]:
    return np.asarray(nibabel.load(path).dataobj).ravel().tolist()


def test_the_average_of_two_networks(iac, folders):
    ended = iac("ensemble", "a", "b", "--output_dir", "out")
    assert (ended.status, ended.err) == (0, "")
    assert f"2 cases by the average of 2: {folders / 'out' / 'predictions'}" in ended.out
    written = sorted((folders / "out" / "predictions").iterdir())
    assert [path.name for path in written] == ["x_seg.nii.gz", "y_seg.nii.gz"]
    assert labels(written[0]) == AVERAGE
    assert labels(written[1]) == [2, 0, 1, 0]


def test_label_maps_lie_where_their_images_lie(iac, folders):
    iac("ensemble", "a", "b", "--output_dir", "out")
    image = nibabel.load(folders / "out" / "predictions" / "x_seg.nii.gz")
    np.testing.assert_allclose(image.affine, AFFINE)
    np.testing.assert_allclose(image.get_qform(), AFFINE, atol=1e-6)
    assert image.header["qform_code"] == 1
    assert (image.shape, image.get_data_dtype()) == ((4, 1, 1), np.uint8)


def test_each_of_three_counts_the_same(iac, folders):
    third = [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    for case in ("x", "y"):
        save(folders / "c", case, third)
    assert iac("ensemble", "a", "b", "c", "--output_dir", "out").status == 0
    # Sums: .9 1.8 .3 | 1.6 .3 1.1 | .1 1.5 1.4 | 1.4 .8 .8
    assert labels(folders / "out" / "predictions" / "x_seg.nii.gz") == [1, 0, 1, 0]


def test_order_changes_nothing(iac, folders):
    iac("ensemble", "a", "b", "--output_dir", "ab")
    iac("ensemble", "b", "a", "--output_dir", "ba")
    names = [folders / out / "predictions" / "x_seg.nii.gz" for out in ("ab", "ba")]
    assert labels(names[0]) == labels(names[1]) == AVERAGE


def test_label_maps_of_pictures_are_pictures(iac, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, sure in (("a", 0.9), ("b", 0.4)):
        (tmp_path / name).mkdir()
        right = np.array([[0, 1, 1], [1, 0, 0]])
        values = np.stack([np.where(right, 1 - sure, sure), np.where(right, sure, 1 - sure)])
        np.savez(tmp_path / name / "cell_seg.npz", probabilities=values[..., None])
        # A picture's rows are the second axis.
        Image.fromarray(np.zeros((3, 2), dtype=np.uint8)).save(tmp_path / name / "cell_seg.png")
    assert iac("ensemble", "a", "b", "--output_dir", "out").status == 0
    with Image.open(tmp_path / "out" / "predictions" / "cell_seg.png") as image:
        assert np.asarray(image).T.tolist() == [[0, 1, 1], [1, 0, 0]]


def test_nested_regions_are_scored_on_the_average(iac, folders):
    iac("ensemble", "a", "b", "--output_dir", "out")
    for case, values in (("x", [1, 2, 2, 0]), ("y", [1, 0, 1, 0])):
        image = nibabel.Nifti1Image(np.array(values, dtype=np.uint8).reshape(4, 1, 1), AFFINE)
        (folders / "labels").mkdir(exist_ok=True)
        nibabel.save(image, folders / "labels" / f"{case}.nii.gz")
    words = ["--class_names", "rim", "core", "--regions", "whole=1,2", "core=2"]
    words += ["--output_dir", "scores"]
    assert iac("evaluate", "out/predictions", "labels", *words).status == 0
    dice = {(r.case, r.class_name): r.dice for r in read_metrics("scores")}
    # The average has 0 2 1 1 where the label has 1 2 2 0.
    assert dice["x", "whole"] == pytest.approx(2 * 2 / 6)
    assert dice["x", "core"] == pytest.approx(2 * 1 / 3)
    assert dice["y", "whole"] == 1.0


def test_a_second_call_takes_what_is_there_now(iac, folders):
    iac("ensemble", "a", "b", "--output_dir", "out")
    for name in "ab":
        (folders / name / "y_seg.npz").unlink()
        save(folders / name, "x", FIRST)
    assert iac("ensemble", "a", "b", "--output_dir", "out").status == 0
    (path,) = (folders / "out" / "predictions").iterdir()
    assert labels(path) == [0, 0, 1, 1]


def lose_case(folders: Path) -> None:
    (folders / "b" / "y_seg.npz").unlink()


def lose_first(folders: Path) -> None:
    (folders / "a" / "x_seg.npz").unlink()


def lose_all(folders: Path) -> None:
    for path in (folders / "b").glob("*.npz"):
        path.unlink()


def lose_label_map(folders: Path) -> None:
    (folders / "b" / "x_seg.nii.gz").unlink()


def other_shape(folders: Path) -> None:
    save(folders / "b", "x", SECOND, shape=(2, 2, 1))


def other_classes(folders: Path) -> None:
    save(folders / "b", "x", SECOND[:2])


def other_place(folders: Path) -> None:
    save(folders / "b", "x", SECOND, affine=np.diag([1.0, 1, 1, 1]))


def other_label_map(folders: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((9, 1, 1), dtype=np.uint8), AFFINE)
    nibabel.save(image, folders / "b" / "x_seg.nii.gz")


def damaged(folders: Path) -> None:
    (folders / "b" / "x_seg.npz").write_bytes(b"PK")


def no_probabilities(folders: Path) -> None:
    np.savez(folders / "b" / "x_seg.npz", probabilities=np.zeros((3, 4, 1, 1), dtype=np.int64))


def other_array(folders: Path) -> None:
    np.savez(folders / "b" / "x_seg.npz", softmax=np.zeros((3, 4, 1, 1)))


def in_use(folders: Path) -> None:
    (folders / "out").mkdir()
    (folders / "out" / "thesis.txt").write_text("mine", encoding="utf-8")


def of_others(folders: Path) -> None:
    (folders / "out").mkdir()
    text = '{"schema_version": 1, "averaged": ["/c", "/d"], "images": null}'
    (folders / "out" / "ensemble.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lose_case, "b' has no probabilities of y_seg, which '.*a' has"),
        (lose_first, "a' has no probabilities of x_seg, which '.*b' has"),
        (lose_all, r"b' holds no probabilities \(\*.npz\), but x_seg.nii.gz, y_seg.nii.gz"),
        (lose_label_map, "no label map 'x_seg.nii.gz' beside it"),
        (other_shape, r"x_seg.npz' has shape \(3, 2, 2, 1\), '.*x_seg.npz' \(3, 4, 1, 1\)"),
        (other_classes, r"has shape \(2, 4, 1, 1\)"),
        (other_place, "lies up to .* mm away from '.*x_seg.nii.gz'.*Segment the same images"),
        (other_label_map, r"has \(4, 1, 1\) voxels, '.*x_seg.nii.gz' \(9, 1, 1\)"),
        (damaged, "x_seg.npz' holds no array 'probabilities'"),
        (no_probabilities, "holds int64 values of shape"),
        (other_array, "holds no array 'probabilities'"),
        (in_use, "out' is in use: it holds thesis.txt"),
        (of_others, "out' holds the average of /c, /d"),
    ],
)
def test_what_cannot_be_averaged_is_one_line_and_nothing_is_written(iac, folders, spoil, message):
    spoil(folders)
    ended = iac("ensemble", "a", "b", "--output_dir", "out")
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1
    assert re.search(message, ended.err)
    assert not (folders / "out" / "predictions").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "a' alone is no ensemble: pass two folders or more"),
        (["a", "a"], "a folder is given twice"),
        (["a", "c"], "c' is not a folder"),
        (["a", "b", "--images", "a"], "--images is for runs"),
        (["a", "b", "--set", "mirror=true"], "--set is for runs"),
        (["a", "b", "--images", "nowhere"], "--images 'nowhere' is not a folder"),
    ],
)
def test_bad_words_are_one_line(iac, folders, words, message):
    ended = iac("ensemble", *words, "--output_dir", "out")
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1
    assert message in ended.err
