"""Ensembles of runs; what runs a stage is replaced, all else is real."""

from __future__ import annotations

import json
import os
import shutil

import nibabel
import numpy as np
from run_folders import edit

from iac_components.evaluation import read_metrics


def test_each_network_of_a_fold_segments_its_test_patients(ensemble, stages, runs):
    ended = ensemble()
    assert (ended.status, ended.err) == (0, "")
    assert stages.names == ["predict"] * 4
    for fold, ran in ((0, stages.ran[:2]), (1, stages.ran[2:])):
        out = runs / "both" / f"fold_{fold}"
        for name, stage in zip(("flat", "volumes"), ran, strict=True):
            options = stage.options
            assert options["dataset_dir"] == out / "images"
            assert options["save_probabilities"] is True
            assert "postprocessing_file" not in options
            models = runs / name / f"fold_{fold}" / "train" / "models"
            assert options["checkpoint"] == models / "model.pt"
            assert stage.result == out / "networks" / name / "predictions"
        assert ran[0].options["mirror"] == "true"
        assert "mirror" not in ran[1].options
        assert "unet3d" in str(ran[1].configs[0])


def test_the_average_is_scored_as_a_run_is(ensemble, runs):
    ended = ensemble()
    records = read_metrics(runs / "both" / "cross_validation")
    before = read_metrics(runs / "flat" / "cross_validation")
    assert [record.key for record in records] == [record.key for record in before]
    # 0.4 and 0.9 are 0.65 together: the average is right everywhere.
    assert {record.dice for record in records} == {1.0}
    content = json.loads((runs / "both" / "cross_validation" / "metrics.json").read_text())
    assert content["info"] == {
        "folds": [0, 1],
        "runs": [str(runs / "flat"), str(runs / "volumes")],
    }
    assert "1.000" in ended.out
    assert f"iac compare --best {runs / 'flat'} {runs / 'volumes'} {runs / 'both'}" in ended.out


def test_an_average_that_is_wrong_scores_so(ensemble, stages, runs):
    stages.confidence["volumes"] = 0.5
    ensemble()
    assert {record.dice for record in read_metrics(runs / "both" / "cross_validation")} == {0.0}


def test_best_may_be_an_ensemble(ensemble, iac):
    ensemble()
    ended = iac("compare", "--best", "flat", "volumes", "both")
    assert (ended.status, ended.err) == (0, "")
    assert "Reference: both." in ended.out
    assert "Best mean Dice of 2 patients: both, 100.00." in ended.out
    assert "| flat | **mean** | 2 | 100.00 | 87.50 |" in ended.out


def test_a_second_call_runs_nothing_and_writes_the_same(ensemble, stages, runs):
    ensemble()
    scores = (runs / "both" / "cross_validation" / "metrics.csv").read_bytes()
    stages.ran.clear()
    assert ensemble().status == 0
    assert stages.ran == []
    assert (runs / "both" / "cross_validation" / "metrics.csv").read_bytes() == scores


def test_it_continues_where_it_failed(ensemble, stages):
    stages.fails_after = 2
    ended = ensemble()
    assert (ended.status, stages.names) == (3, ["predict"] * 3)
    stages.fails_after = None
    stages.ran.clear()
    assert ensemble().status == 0
    assert [stage.result.parent.name for stage in stages.ran] == ["flat", "volumes"]


def test_a_network_that_was_trained_again_segments_again(ensemble, stages, runs):
    ensemble()
    stages.ran.clear()
    weights = runs / "volumes" / "fold_1" / "train" / "models" / "model.pt"
    weights.write_bytes(b"others")
    later = (runs / "both" / "fold_1" / "networks" / "volumes" / "run.json").stat().st_mtime + 5
    os.utime(weights, (later, later))
    ensemble()
    (stage,) = stages.ran
    assert stage.options["checkpoint"] == weights


def test_images_are_segmented_by_runs_and_folds(ensemble, stages, images, runs):
    assert ensemble("--images", images).status == 0
    for name, stage in zip(("flat", "volumes"), stages.ran[4:], strict=True):
        folds = [runs / name / f"fold_{fold}" for fold in (0, 1)]
        assert stage.options["fold_weights"] == [
            str(folder / "train" / "models" / "model.pt") for folder in folds
        ]
        assert stage.options["dataset_dir"] == images
        assert "checkpoint" not in stage.options
        assert "postprocessing_file" not in stage.options
    (path,) = (runs / "both" / "predictions").iterdir()
    (image,) = images.iterdir()
    label = image.resolve().parent.parent / "labelsTr" / image.name
    np.testing.assert_array_equal(nibabel.load(path).dataobj, nibabel.load(label).dataobj)


def test_other_images_are_segmented_anew(ensemble, stages, images, runs, small_hippocampus):
    ensemble("--images", images)
    stages.ran.clear()
    assert ensemble("--images", images).status == 0
    assert stages.ran == []
    other = runs / "other"
    other.mkdir()
    image = max((small_hippocampus / "imagesTr").iterdir())
    (other / image.name).symlink_to(image)
    assert ensemble("--images", other).status == 0
    assert [stage.options["dataset_dir"] for stage in stages.ran] == [other] * 2
    (path,) = (runs / "both" / "predictions").iterdir()
    assert path.name == image.name.replace(".nii", "_seg.nii")
    stages.ran.clear()
    (other / "more.nii.gz").symlink_to(next(images.iterdir()).resolve())
    later = (runs / "both" / "images" / "flat" / "run.json").stat().st_mtime + 5
    os.utime(other, (later, later))
    ensemble("--images", other)
    assert len(stages.ran) == 2


def test_options_of_the_inferences(ensemble, stages):
    assert ensemble("--set", "device=cpu", "mirror=false").status == 0
    assert {stage.options["device"] for stage in stages.ran} == {"cpu"}
    assert {stage.options["mirror"] for stage in stages.ran} == {"false"}


def test_only_shared_folds_are_averaged(ensemble, run, stages, runs):
    run("more", folds=(1, 2))
    stages.confidence["more"] = 0.9
    assert ensemble(folders=("flat", "more")).status == 0
    assert len(stages.ran) == 2
    assert not (runs / "both" / "fold_0").exists()
    assert (runs / "both" / "fold_1" / "predictions").is_dir()


def test_runs_of_a_single_fold(ensemble, run, stages, images, runs):
    for name in ("one", "two"):
        run(name, folds=(1,), overrides=["fold=1"])
        stages.confidence[name] = 0.7
    assert ensemble("--images", images, folders=("one", "two")).status == 0
    assert len(stages.ran) == 4
    assert "fold_weights" not in stages.ran[-1].options
    assert stages.ran[-1].options["checkpoint"] == runs / "two" / "train" / "models" / "model.pt"
    found = read_metrics(runs / "both" / "cross_validation")
    assert [r.key for r in found] == [r.key for r in read_metrics(runs / "one" / "evaluate")]


def test_a_renumbered_label_counts_as_its_class(ensemble, runs, small_hippocampus, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_hippocampus, data)
    for path in (data / "labelsTr").iterdir():
        image = nibabel.load(path)
        # Class 1 is stored as 2, and class 2 as 9.
        values = np.array([0, 2, 9], dtype=np.uint8)[np.asarray(image.dataobj).astype(int)]
        nibabel.save(nibabel.Nifti1Image(values, image.affine, image.header), path)
    step = {"_target_": "MapLabelValued", "orig_labels": [2, 9], "target_labels": [1, 2]}
    edit(runs, "flat", dataset_dir=str(data), train={"voxel_values": step})
    assert ensemble().status == 0
    assert {record.dice for record in read_metrics(runs / "both" / "cross_validation")} == {1.0}
