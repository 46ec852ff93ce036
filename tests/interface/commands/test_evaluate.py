"""Scores of label maps, however they lie, and of a network on a data set as a whole."""

from __future__ import annotations

import json
import shutil

import nibabel
import numpy as np
import pytest

from iac_components.evaluation import read_metrics
from iac_components.interface.label_maps.pairs import folder_cases, pair_up
from iac_components.interface.label_maps.scoring import Scoring, score
from iac_components.phantoms import write_phantom
from iac_components.phantoms.catalogue import write_nifti


def write_map(path, values, *, spacing=(1.0, 2.0, 3.0)):
    write_nifti(path, np.asarray(values, dtype=np.uint8), np.diag([*spacing, 1.0]))


@pytest.fixture
def maps(tmp_path, monkeypatch):
    """Folders ``labels`` and ``predictions`` of three cases: equal, half, and none predicted."""
    monkeypatch.chdir(tmp_path)
    label = np.zeros((6, 6, 4))
    label[1:5, 1:5, 1:3] = 1
    label[1:3, 1:5, 1:3] = 2
    half = np.where(label == 2, 0, label)
    for number, predicted in enumerate((label, half, np.zeros_like(label))):
        write_map(tmp_path / "labels" / f"case_{number}.nii.gz", label)
        write_map(tmp_path / "predictions" / f"case_{number}_seg.nii.gz", predicted)
    return tmp_path


def dice(folder) -> dict[tuple[str, str], float]:
    return {(record.case, record.class_name): record.dice for record in read_metrics(folder)}


def test_a_folder_against_a_folder(iac, maps):
    ended = iac("evaluate", "predictions", "labels", "--output_dir", "scores")
    assert (ended.status, ended.err) == (0, "")
    assert dice("scores") == {
        **{("case_0", name): 1.0 for name in "12"},
        **{("case_1", "1"): 1.0, ("case_1", "2"): 0.0},
        **{("case_2", name): 0.0 for name in "12"},
    }
    diagonal = np.linalg.norm([6, 12, 12])
    last = [record for record in read_metrics("scores") if record.case == "case_2"]
    assert [record.hd95 for record in last] == pytest.approx([diagonal] * 2)
    assert {record.patient for record in read_metrics("scores")} == {"case_0", "case_1", "case_2"}
    assert "3 cases of 3 patients." in ended.out
    assert "0.667" in ended.out


def test_names_and_regions(iac, maps):
    words = ["--class_names", "core", "rim", "--regions", "whole=1,2", "core=1"]
    assert iac("evaluate", "predictions", "labels", "--output_dir", "scores", *words).status == 0
    found = dice("scores")
    assert found["case_1", "whole"] == pytest.approx(2 / 3)
    assert found["case_1", "core"] == 1.0
    content = json.loads((maps / "scores" / "metrics.json").read_text(encoding="utf-8"))
    assert content["regions"] == {"whole": [1, 2], "core": [1]}


def test_white_masks_count_as_the_only_class(iac, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mask = np.zeros((6, 6, 1))
    mask[1:5, 1:5] = 1
    write_map(tmp_path / "labels" / "a.nii.gz", 255 * mask)
    for folder, value in (("ones", 1), ("white", 255)):
        write_map(tmp_path / folder / "a_seg.nii.gz", value * mask)
        ended = iac("evaluate", folder, "labels", "--output_dir", f"scores_{folder}")
        assert (ended.status, ended.err) == (0, "")
        assert "Label value 255 counts as 1" in ended.out
        assert dice(f"scores_{folder}") == {("a", "1"): 1.0}
    named = ("--class_names", "nuclei", "--output_dir", "named")
    assert iac("evaluate", "ones", "labels", *named).status == 0
    assert dice("named") == {("a", "nuclei"): 1.0}
    write_map(tmp_path / "labels" / "a.nii.gz", 255 * mask + (mask == 0))
    ended = iac("evaluate", "ones", "labels", "--output_dir", "other")
    assert "counts as 1" not in ended.out


@pytest.mark.parametrize("extra", [(1,), (1, 1)])
def test_axes_of_one_voxel_do_not_count(iac, maps, extra):
    for folder in ("labels", "predictions"):
        path = next((maps / folder).glob("case_0*"))
        image = nibabel.load(path)
        values = np.asarray(image.dataobj)
        nibabel.save(nibabel.Nifti1Image(values.reshape(*values.shape, *extra), image.affine), path)
        ended = iac("evaluate", "predictions", "labels", "--output_dir", f"scores_{folder}")
        assert (ended.status, ended.err) == (0, "")
        assert dice(f"scores_{folder}")["case_0", "2"] == 1.0


@pytest.mark.parametrize(("value", "status"), [(1.9999, 0), (2.0009, 0), (1.99, 2), (2.3, 2)])
def test_labels_are_integers_but_for_rounding(iac, maps, value, status):
    for path in (maps / "labels").iterdir():
        values = np.asarray(nibabel.load(path).dataobj).astype(np.float32)
        values[values == 2] = value
        nibabel.save(nibabel.Nifti1Image(values, nibabel.load(path).affine), path)
    ended = iac("evaluate", "predictions", "labels", "--output_dir", "scores")
    assert ended.status == status
    if status:
        assert "non-integer label values" in ended.err
    else:
        assert dice("scores")["case_0", "2"] == 1.0


def test_other_labels_are_told_with_the_option(iac, maps):
    words = ["--output_dir", "scores", "--class_names", "core"]
    ended = iac("evaluate", "predictions", "labels", *words)
    assert ended.status == 2
    assert "or set --class_names." in ended.err


@pytest.mark.parametrize("place", ["labels/groups.csv", "groups.csv", "elsewhere.csv"])
def test_patients_of_a_table(iac, maps, place):
    (maps / place).write_text("case,subject_group\ncase_0.nii.gz,a\ncase_1,a\ncase_2,b\n")
    words = ["--groups", place] if place == "elsewhere.csv" else []
    ended = iac("evaluate", "predictions", "labels", "--output_dir", "scores", *words)
    assert "3 cases of 2 patients." in ended.out
    assert {record.patient for record in read_metrics("scores")} == {"a", "b"}


def test_a_case_that_the_table_of_patients_lacks_is_an_error(iac, maps):
    """It had counted as a patient of its own."""
    (maps / "labels" / "groups.csv").write_text("case,subject_group\ncase_0,a\ncase_1,\n")
    ended = iac("evaluate", "predictions", "labels", "--output_dir", "scores")
    assert ended.status == 2
    for case in ("case_1", "case_2"):
        assert f"has no subject_group for case '{case}'" in ended.err
    assert "Add a row for it." in ended.err
    assert not (maps / "scores").exists()


def test_stored_values_count_as_their_classes_in_labels_alone(maps):
    for path in (maps / "labels").iterdir():
        values = np.asarray(nibabel.load(path).dataobj)
        # Class 1 is stored as 2, and class 2 as 9.
        write_map(path, np.array([0, 2, 9])[values])
    pairs = pair_up(maps / "predictions", folder_cases(maps / "labels"))
    records = score(pairs, Scoring(["1", "2"], renumbered={2: 1, 9: 2}))
    assert {(record.case, record.class_name): record.dice for record in records} == {
        **{("case_0", name): 1.0 for name in "12"},
        **{("case_1", "1"): 1.0, ("case_1", "2"): 0.0},
        **{("case_2", name): 0.0 for name in "12"},
    }


def test_what_one_side_lacks_is_named_or_left_out_as_asked(iac, maps):
    (maps / "predictions" / "case_1_seg.nii.gz").unlink()
    (maps / "labels" / "case_2.nii.gz").unlink()
    ended = iac("evaluate", "predictions", "labels", "--output_dir", "scores")
    assert ended.status == 2
    assert "case_1.nii.gz\n  - has no prediction" in ended.err
    assert "case_2_seg.nii.gz\n  - has no label" in ended.err
    assert not (maps / "scores" / "metrics.json").exists()
    words = ["--common"]
    assert iac("evaluate", "predictions", "labels", "--output_dir", "scores", *words).status == 0
    assert {case for case, _ in dice("scores")} == {"case_0"}


def test_names_with_other_ends(iac, maps):
    for path in list((maps / "labels").iterdir()):
        path.rename(path.with_name(path.name.replace(".nii", "_gt.nii")))
    for path in list((maps / "predictions").iterdir()):
        path.rename(path.with_name(path.name.replace("_seg", "_ours")))
    words = ["--label_suffix", "_gt", "--prediction_suffix", "_ours"]
    ended = iac("evaluate", "predictions", "labels", "--output_dir", "scores")
    assert "is named after one of 3 case(s), such as 'case_0_gt'" in ended.err
    assert iac("evaluate", "predictions", "labels", "--output_dir", "scores", *words).status == 0


def shift(folder, name, **changes):
    path = folder / "predictions" / name
    if "data" not in changes:
        changes["data"] = np.asanyarray(nibabel.load(path).dataobj)
    write_map(path, changes.pop("data"), **changes)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: shift(d, "case_1_seg.nii.gz", data=np.zeros((6, 6, 5))), "has shape (6, 6, 5)"),
        (lambda d: shift(d, "case_1_seg.nii.gz", spacing=(1, 2, 4)), "the affines differ"),
        (lambda d: shift(d, "case_1_seg.nii.gz", data=np.full((6, 6, 4), 7)), "label values 7"),
        (lambda d: (d / "labels" / "case_0.nii.gz").write_bytes(b"no image"), "case_0.nii.gz"),
        (lambda d: shift(d, "case_2_seg.nii", data=np.zeros((6, 6, 4))), "of the same case"),
        (lambda d: shutil.rmtree(d / "predictions"), "predictions 'predictions' is not a folder"),
        (
            lambda d: [path.unlink() for path in (d / "labels").iterdir()],
            "labels 'labels' holds no .nii or .nii.gz file, but an empty folder",
        ),
        (lambda d: (d / "groups.csv").write_text("a,b\n"), "lacks the column(s)"),
    ],
)
def test_files_at_fault_are_named_and_nothing_is_scored(iac, maps, spoil, message):
    spoil(maps)
    ended = iac("evaluate", "predictions", "labels", "--output_dir", "scores")
    assert ended.status == 2
    assert ended.err.startswith("iac evaluate: error: ")
    assert message in ended.err
    assert not (maps / "scores" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["labels"], "1 folder(s) given: pass PREDICTIONS LABELS"),
        (["a", "b", "c"], "3 folder(s) given"),
        (["predictions", "labels", "--bundles", "acdc_unet"], "pass DATA --bundles STEM"),
        (["predictions", "labels", "--run", "x"], "--run is for --bundles"),
        (["predictions", "labels", "--set", "a=1"], "--set is for --bundles"),
        (["predictions", "labels", "--regions", "core"], "--regions 'core' is not NAME=1,2"),
        (["predictions", "labels", "--regions", "core=x"], "--regions 'core=x' is not NAME=1,2"),
        (["predictions", "labels", "--regions", "core=9"], "label value 9, outside 1 to 2"),
        (
            ["predictions", "labels", "--layout", "acdc", "--groups", "g"],
            "--groups is for a folder",
        ),
        (["labels", "--bundles", "no_such"], "no bundles 'no_such_iac_segmentation_"),
    ],
)
def test_bad_input_is_one_line(iac, maps, words, message):
    ended = iac("evaluate", *words, "--output_dir", "scores")
    assert ended.status == 2
    assert message in ended.err
    assert not (maps / "scores" / "metrics.json").exists()


@pytest.mark.parametrize("layout", ["acdc", "brats", "brats2021", "decathlon", "kits", "amos"])
def test_a_data_set_of_any_layout_as_a_whole(iac, tmp_path, layout):
    """Its own labels are predictions without a fault, under the names that inference gives."""
    from iac_components.data import read_dataset

    folder = write_phantom(tmp_path / "data", layout=layout, num_patients=3)
    name = "brats" if layout == "brats2021" else layout
    cases = read_dataset(folder, layout=name)
    (tmp_path / "predictions").mkdir()
    for case in cases:
        shutil.copy(case.label, tmp_path / "predictions" / f"{case.name}_seg.nii.gz")
    out = tmp_path / "scores"
    words = [tmp_path / "predictions", folder, "--layout", name, "--output_dir", out]
    ended = iac("evaluate", *words)
    assert ended.status == 0, ended.err
    records = read_metrics(out)
    assert {record.case for record in records} == {case.name for case in cases}
    assert {record.patient for record in records} == {case.patient for case in cases}
    assert {record.dice for record in records if not np.isnan(record.dice)} == {1.0}


def test_a_network_on_a_data_set_as_a_whole(iac, stages, small_hippocampus, tmp_path):
    out = tmp_path / "scores"
    words = [small_hippocampus, "--bundles", "hippocampus_unet", "--output_dir", out]
    ended = iac("evaluate", *words)
    assert ended.status == 0, ended.err
    (stage,) = stages.ran
    assert set(stage.options) == {"dataset_dir", "output_dir"}
    records = read_metrics(out)
    assert len({record.case for record in records}) == 10
    assert {record.class_name for record in records} == {"anterior", "posterior"}
    assert {record.dice for record in records} == {1.0}


def test_the_network_of_a_run(iac, stages, small_hippocampus, tmp_path):
    run, out = tmp_path / "run", tmp_path / "scores"
    words = [small_hippocampus, "--bundles", "hippocampus_unet", "--output_dir", out, "--run", run]
    ended = iac("evaluate", *words)
    assert ended.status == 2
    assert "genotype.json' is missing" in ended.err
    for path in (run / "search" / "genotype.json", run / "train" / "models" / "model.pt"):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    assert iac("evaluate", *words).status == 0
    options = stages.ran[0].options
    assert options["genotype_path"] == run / "search" / "genotype.json"
    assert options["checkpoint"] == run / "train" / "models" / "model.pt"
