"""One call from a data set to label maps; what runs a stage is replaced, all else is real."""

from __future__ import annotations

import json
import shutil

import pytest

from iac_components.bundling.rendering.facts import BUNDLES

CELL_STAGES = ["backbone", "search", "train", "postprocess", "evaluate", "predict"]


def test_all_stages_run_each_on_the_results_of_those_before(run, stages, tmp_path):
    ended = run()
    assert (ended.status, ended.err) == (0, "")
    assert stages.names == CELL_STAGES
    out = tmp_path / "out"
    options = {stage.name: dict(stage.options) for stage in stages.ran}
    backbone = out / "backbone" / "models" / "model.pt"
    assert options["backbone"]["skip_module"] == "plain"
    assert {options[name]["backbone_ckpt"] for name in ("search", "train")} == {backbone}
    genotype = out / "search" / "genotype.json"
    assert {options[name]["genotype_path"] for name in CELL_STAGES[2:]} == {genotype}
    assert options["evaluate"]["ckpt_dir"] == options["train"]["ckpt_dir"]
    folds = {options[name]["folds_file"] for name in CELL_STAGES[:5]}
    assert folds == {out / "folds.json"}
    decided = out / "postprocess" / "postprocessing.json"
    assert {options[name]["postprocessing_file"] for name in CELL_STAGES[4:]} == {decided}
    assert len(list((out / "predictions").iterdir())) == 2
    assert "largest component is kept of the foreground as a whole: on 1 val" in ended.out
    assert "Dice anterior 0.800 to 1.000." in ended.out
    assert "The search chose one cell of 4 nodes" in ended.out
    assert "0.875" in ended.out
    assert str(out / "predictions") in ended.out


def test_a_second_call_runs_nothing(run, stages):
    run()
    ended = run()
    assert ended.status == 0
    assert stages.names == CELL_STAGES
    assert ended.out.count("ended before") == len(CELL_STAGES)


@pytest.mark.parametrize("fails", CELL_STAGES)
def test_a_failed_stage_gives_its_status_and_the_next_call_continues_there(run, stages, fails):
    stages.fails = fails
    ended = run()
    assert ended.status == 3
    assert f"Stage '{fails}' ended with exit status 3." in ended.err
    place = CELL_STAGES.index(fails)
    assert stages.names == CELL_STAGES[: place + 1]
    stages.fails = None
    stages.ran.clear()
    assert run().status == 0
    assert stages.names == CELL_STAGES[place:]


def test_a_result_that_was_deleted_is_made_again_with_what_rests_on_it(run, stages, tmp_path):
    run()
    stages.ran.clear()
    (tmp_path / "out" / "search" / "genotype.json").unlink()
    run()
    assert stages.names == CELL_STAGES[1:]


def test_stages_that_can_resume_do_and_again_starts_afresh(run, stages):
    run()
    assert [stage.options.get("resume") for stage in stages.ran] == [
        True,
        True,
        True,
        None,
        None,
        None,
    ]
    stages.ran.clear()
    run("--again", "search")
    assert stages.names == CELL_STAGES[1:]
    assert [stage.options.get("resume") for stage in stages.ran] == [False, False, None, None, None]


def test_until_stops_there(run, stages):
    assert run("--until", "search").status == 0
    assert stages.names == CELL_STAGES[:2]
    assert run("--until", "train").status == 0
    assert stages.names == CELL_STAGES[:3]


def test_options_reach_the_stages_that_know_them(run, stages):
    run("--set", "batch_size=4", "search.epochs=20", "train.train#trainer#max_epochs=3")
    options = {stage.name: stage.options for stage in stages.ran}
    assert [options[name].get("batch_size") for name in CELL_STAGES] == ["4"] * 5 + [None]
    assert [options[name].get("epochs") for name in CELL_STAGES] == [
        None,
        "20",
        None,
        None,
        None,
        None,
    ]
    assert options["train"]["train#trainer#max_epochs"] == "3"


def test_other_options_do_not_pass_for_what_has_ended(run, stages):
    run("--set", "search.epochs=20")
    stages.ran.clear()
    ended = run("--set", "search.epochs=30")
    assert ended.status == 2
    assert "stage 'search'" in ended.err
    assert "epochs 20 (now 30)" in ended.err
    assert "--again search" in ended.err
    assert stages.ran == []
    assert run("--set", "search.epochs=30", "--again", "search").status == 0
    assert stages.names == CELL_STAGES[1:]


def test_where_something_is_computed_may_differ(run, stages):
    run()
    stages.ran.clear()
    assert run("--set", "num_workers=2").status == 0
    assert stages.ran == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "epochs"], "--set 'epochs' is not KEY=VALUE"),
        (["--set", "serch.epochs=3"], "no config of these bundles has a key 'serch.epochs'"),
        (["--set", "epochs=3", "epochs=4"], "was set before"),
        (["--set", "epoch=3"], "no config of these bundles has a key 'epoch'"),
        (["--set", "search.epoch=3"], "stage 'search': --epoch is unknown"),
        (["--set", "predict.num_workers=x"], "stage 'predict': --num_workers is 'x'"),
        (["--until", "serch"], "--until serch: the stages are backbone, search"),
        (["--again", "serch"], "--again serch: the stages are backbone, search"),
        (["--images", "nowhere"], "--images 'nowhere' is not a folder"),
    ],
)
def test_bad_input_is_told_before_anything_is_written(run, stages, tmp_path, words, message):
    ended = run(*words)
    assert ended.status == 2
    assert ended.err.startswith("iac run: error: ")
    assert message in ended.err
    assert stages.ran == []
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_that_is_not_there(run, stages):
    ended = run(data="nowhere")
    assert (ended.status, stages.ran) == (2, [])
    assert "nowhere" in ended.err


@pytest.mark.parametrize("stem", ["hippocampus_vgg", "nowhere/mine_vgg", "x"])
def test_bundles_that_are_not_there(run, stages, stem):
    ended = run(stem=stem)
    assert (ended.status, stages.ran) == (2, [])
    assert f"no bundles '{stem}_iac_segmentation_" in ended.err
    assert "hippocampus_unet" in ended.err
    assert "iac new" in ended.err


def test_two_of_three_bundles(run, stages, tmp_path):
    for stage in ("search", "train"):
        name = f"acdc_unet_iac_segmentation_{stage}"
        shutil.copytree(BUNDLES / name, tmp_path / "some" / name)
    ended = run(stem="some/acdc_unet")
    assert ended.status == 2
    assert "acdc_unet_iac_segmentation_inference/configs/inference.json' is missing" in ended.err


@pytest.mark.parametrize("end", ["", "_iac_segmentation", "_iac_segmentation_train"])
def test_a_stem_may_be_written_in_full(run, stages, end):
    assert run(stem=BUNDLES / f"hippocampus_unet{end}").status == 0
    assert (
        stages.ran[0].configs[0].is_relative_to(BUNDLES / "hippocampus_unet_iac_segmentation_train")
    )


def test_a_topology_search_has_no_backbone(run, stages):
    ended = run("--until", "search", stem="hippocampus_dints")
    assert ended.status == 0
    assert stages.names == ["search"]
    ended = run("--set", "backbone.epochs=3", stem="hippocampus_dints")
    assert "no stage 'backbone', only search, train, postprocess, evaluate, predict" in ended.err


def test_bundles_of_own_data_are_planned_first(run, stages, tmp_path):
    ended = run(stem="own/mine_unet")
    assert ended.status == 0
    assert "planned from the data" in ended.out
    assert "Decided from the data set" in ended.out
    config = tmp_path / "own" / "mine_unet_iac_segmentation_train" / "configs" / "train.json"
    assert stages.ran[0].configs == (config,)
    assert "planned" not in run(stem="own/mine_unet").out


def test_a_topology_search_of_own_data_is_planned_first(run, stages, tmp_path):
    ended = run("--until", "search", stem="own/mine_dints")
    assert (ended.status, ended.err) == (0, "")
    config = tmp_path / "own" / "mine_dints_segmentation_search" / "configs" / "search.json"
    assert stages.ran[0].configs == (config,)


def test_bundles_without_the_decision_run_as_before(run, stages, tmp_path):
    """Those that version 0.5 rendered."""
    run("--until", "backbone", stem="own/mine_unet")
    stages.ran.clear()
    folder = tmp_path / "own" / "mine_unet_iac_segmentation_train" / "configs"
    (folder / "postprocess.json").unlink()
    assert run(stem="own/mine_unet").status == 0
    assert "postprocess" not in stages.names
    assert not any("postprocessing_file" in stage.options for stage in stages.ran)


def test_everything_trained_leaves_nothing_to_decide_by(run, stages, small_hippocampus):
    ended = run("--set", "fold=all", "--images", small_hippocampus / "imagesTr")
    assert ended.status == 0
    assert stages.names == ["backbone", "search", "train", "predict"]
    assert "postprocessing_file" not in stages.ran[-1].options
    assert "no patient to decide by or to test" in ended.out


def test_a_dry_run_prints_the_commands_alone(run, stages, tmp_path):
    ended = run("--dry_run", "--set", "search.epochs=7")
    assert ended.status == 0
    assert ended.out.count("-m monai.bundle run") == len(CELL_STAGES)
    assert "--epochs 7" in ended.out
    assert stages.ran == []
    assert list(tmp_path.iterdir()) == []


def test_other_images_than_the_segmented_ones_are_refused(run, stages, small_hippocampus, tmp_path):
    run("--images", small_hippocampus / "imagesTr")
    stages.ran.clear()
    other = tmp_path / "other_images"
    other.mkdir()
    image = min((small_hippocampus / "imagesTr").iterdir())
    (other / image.name).symlink_to(image)
    ended = run("--images", other)
    assert ended.status == 2
    assert "other_images" in ended.err
    assert "--again predict" in ended.err
    assert stages.ran == []
    assert run("--images", other, "--again", "predict").status == 0
    assert stages.names == ["predict"]


def test_own_images_are_segmented(run, stages, small_hippocampus):
    images = small_hippocampus / "imagesTr"
    run("--images", images)
    assert stages.ran[-1].options["dataset_dir"] == images
    assert len(list(images.iterdir())) == 10


@pytest.mark.parametrize("text", ["{", "[]", '{"finished": 3}', '{"finished": {"search": 3}}'])
def test_a_broken_record_is_told(run, stages, tmp_path, text):
    run("--until", "backbone")
    stages.ran.clear()
    (tmp_path / "out" / "run.json").write_text(text, encoding="utf-8")
    ended = run()
    assert (ended.status, stages.ran) == (2, [])
    assert "run.json'" in ended.err
    assert "delete the file" in ended.err


def test_the_record_is_plain(run, tmp_path):
    run()
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert list(record["finished"]) == CELL_STAGES
