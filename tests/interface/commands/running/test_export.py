"""A finished run becomes a bundle that segments as the run does, and says where it is from."""

from __future__ import annotations

import hashlib
import json
import shutil

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from iac_components.adaptation.bundles.network_bundle import read_bundle
from iac_components.bundling.rendering.packing import plan_zip
from iac_components.common.files import read_json, write_json
from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.decision import decide
from iac_components.evaluation.postprocessing.decision_file import write_decision
from iac_components.interface.running.request import read_request
from iac_components.interface.running.stages import Stage
from tools.maintenance.verification.runners import ThisProcess

CLASSES = ("anterior", "posterior")


def predict_stages(run) -> dict[int | None, Stage]:
    return {
        fold: next(stage for stage in stages if stage.name == "predict")
        for fold, stages in read_request(run).stages(run).items()
    }


@pytest.fixture
def trained(run, stages, tmp_path):
    """Return a function that lets a run end with networks of random weights."""
    stages.real_cases = True

    def call(*words: str):
        assert run(*words).status == 0
        out = tmp_path / "out"
        for seed, stage in enumerate(predict_stages(out).values()):
            parser = ConfigParser(ConfigParser.load_config_files([str(stage.configs[0])]))
            found = str(stage.options["genotype_path"])
            plain = found == "null"
            module = {"skip_module": "plain", "genotype_path": None}
            parser.update(module if plain else {"genotype_path": found})
            torch.manual_seed(seed)
            network = parser.get_parsed_content("network_def")
            content = {"model": network.state_dict(), "run": {"options": {"seed": seed}}}
            torch.save(content, str(stage.options["checkpoint"]))
        return out

    return call


@pytest.fixture
def images(tmp_path, small_hippocampus):
    folder = tmp_path / "images"
    folder.mkdir()
    image = min((small_hippocampus / "imagesTr").iterdir())
    shutil.copy(image, folder)
    return folder


def segment(configs, options, images, out):
    given = {"dataset_dir": str(images), "output_dir": str(out), "device": "cpu"}
    ThisProcess().run(configs, {**options, **given}, images)
    (path,) = out.glob("*.nii.gz")
    return np.asarray(nibabel.load(path).dataobj)


def keep_all(path):
    """Decide by a patient whose label has two components."""
    both = torch.tensor([[1, 1, 2, 0, 1]])
    case = ComponentCounts.of("v", "v", both, both, class_names=CLASSES)
    write_decision(path, decide([case], CLASSES), info={})


@pytest.mark.parametrize("folds", [(), ("--folds", "0", "1")])
def test_it_segments_as_the_run_does_without_any_option(iac, trained, images, tmp_path, folds):
    out = trained("--set", "mirror=true", "predict.output_postfix=mine", *folds)
    made = tmp_path / "made"
    ended = iac("export", out, "--output_dir", made)
    assert (ended.status, ended.err) == (0, "")
    assert f"--bundle_root {made}" in ended.out
    by_fold = predict_stages(out)
    stage = next(iter(by_fold.values()))
    decided = out / ("cross_validation" if folds else "postprocess") / "postprocessing.json"
    options = {"mirror": True, "output_postfix": "mine", "postprocessing_file": str(decided)}
    if folds:
        options["fold_weights"] = [str(one.options["checkpoint"]) for one in by_fold.values()]
        options["fold_architectures"] = [
            str(one.options["genotype_path"]) for one in by_fold.values()
        ]
    else:
        options |= {key: str(stage.options[key]) for key in ("checkpoint", "genotype_path")}
    expected = segment(stage.configs, options, images, tmp_path / "expected")
    shutil.rmtree(out)  # The bundle needs nothing of the run.
    found = segment([made / "configs" / "inference.json"], {}, images, tmp_path / "found")
    assert len(np.unique(expected)) > 1
    assert np.array_equal(found, expected)
    assert next((tmp_path / "found").iterdir()).name.endswith("_mine.nii.gz")


def test_one_fold_of_several_is_a_network_like_any_other(iac, trained, tmp_path):
    out = trained("--folds", "0", "1")
    ended = iac("export", out, "--output_dir", "made", "--fold", 1, "--also", "torchscript")
    assert (ended.status, ended.err) == (0, "")
    weights = torch.load(predict_stages(out)[1].options["checkpoint"], weights_only=True)["model"]
    bundle = read_bundle(tmp_path / "made")
    state = bundle.network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in weights.items())
    flat = torch.load(tmp_path / "made" / "models" / "model.pt", weights_only=True)
    assert flat.keys() == state.keys()
    image = torch.rand(2, 1, 32, 32)
    scripted = torch.jit.load(str(tmp_path / "made" / "models" / "model.ts"))
    torch.testing.assert_close(scripted(image), bundle.network(image), rtol=1e-4, atol=1e-4)


def test_options_of_the_machine_stay_with_it(iac, trained, tmp_path):
    out = trained("--set", "device=cpu", "amp=false", "num_workers=2", "inferer#overlap=0.25")
    assert iac("export", out, "--output_dir", "made").status == 0
    config, before = (
        read_json(folder / "configs" / "inference.json", max_bytes=10**6)
        for folder in (tmp_path / "made", predict_stages(out)[None].configs[0].parents[1])
    )
    assert config["inferer"]["overlap"] == 0.25
    assert before["inferer"]["overlap"] == 0.5
    for name in ("device", "amp", "num_workers", "dataset_dir", "output_dir"):
        assert config[name] == before[name]


def test_a_plain_network_has_no_genotype(iac, trained, tmp_path):
    given = ("predict.skip_module=plain", "predict.genotype_path=null", "predict.mirror=True")
    out = trained("--set", *given)
    assert iac("export", out, "--output_dir", "made").status == 0
    config = read_json(tmp_path / "made" / "configs" / "inference.json", max_bytes=10**6)
    found = {name: config[name] for name in ("skip_module", "genotype_path", "mirror")}
    assert found == {"skip_module": "plain", "genotype_path": None, "mirror": True}
    assert read_bundle(tmp_path / "made").network is not None


def test_it_says_where_it_is_from_and_how_it_scores(iac, trained, tmp_path):
    out = trained()
    assert iac("export", out, "--output_dir", "made").status == 0
    made = tmp_path / "made"
    record = json.loads((made / "docs" / "weights.json").read_text())
    assert record["training"]["models/model.pt"]["options"] == {"seed": 0}
    for name, digest in record["files"].items():
        assert hashlib.sha256((made / name).read_bytes()).hexdigest() == digest
    assert set(record["files"]) == {"models/model.pt", "genotype.json", "postprocessing.json"}
    meta = json.loads((made / "configs" / "metadata.json").read_text())
    assert meta["eval_metrics"]["mean_dice"] == 0.875
    assert meta["version"].endswith("+run")
    assert meta["description"].startswith(f"{meta['name']}. Weights of the run 'out'")
    assert "no cell" not in meta["description"]  # As of the weights that it came with.
    readme = (made / "docs" / "README.md").read_text()
    assert readme.startswith("# made\n\nWeights of the run 'out'")
    assert "0.875" in readme
    assert "Only the largest component is kept of" in readme


def test_scores_of_all_folds_are_those_of_patients_a_network_had_not_seen(iac, trained, tmp_path):
    out = trained("--folds", "0", "1")
    scores = out / "cross_validation" / "metrics.json"
    assert iac("export", out, "--output_dir", "made").status == 0
    record = json.loads((tmp_path / "made" / "docs" / "weights.json").read_text())
    assert record["test"] == json.loads(scores.read_text())["summary"]
    assert "the average of 2 folds' networks" in record["note"]
    assert "each by the network that never saw it" in record["tested_on"]


def test_a_run_on_all_patients_has_no_scores(iac, trained, small_hippocampus, tmp_path):
    out = trained("--set", "fold=all", "--images", str(small_hippocampus / "imagesTr"))
    assert iac("export", out, "--output_dir", "made").status == 0
    meta = json.loads((tmp_path / "made" / "configs" / "metadata.json").read_text())
    assert "eval_metrics" not in meta  # Those of the weights that the bundle came with.
    readme = (tmp_path / "made" / "docs" / "README.md").read_text()
    assert "was not measured by the run" in readme


def test_components_to_keep_go_along_where_some_are_kept(iac, trained, images, tmp_path):
    out = trained()
    assert iac("export", out, "--output_dir", "kept").status == 0
    configs = [tmp_path / "kept" / "configs" / "inference.json"]
    found = segment(configs, {}, images, tmp_path / "found")
    every = segment(configs, {"postprocessing_file": None}, images, tmp_path / "every")
    assert (found == 1).sum() < (every == 1).sum()
    keep_all(out / "postprocess" / "postprocessing.json")
    assert iac("export", out, "--output_dir", "all").status == 0
    config = read_json(tmp_path / "all" / "configs" / "inference.json", max_bytes=10**6)
    assert config["postprocessing_file"] is None
    assert not (tmp_path / "all" / "postprocessing.json").exists()


def test_a_zip_holds_all_that_the_record_names(iac, trained, tmp_path):
    out = trained("--folds", "0", "1")
    assert iac("export", out, "--output_dir", "made_bundle").status == 0
    made = tmp_path / "made_bundle"
    members = plan_zip(made).members
    names = {"models/fold_0.pt", "models/fold_1.pt", "folds/fold_0.json", "folds/fold_1.json"}
    assert names <= set(members)
    (made / "folds" / "fold_1.json").write_text("{}")
    with pytest.raises(ValueError, match=r"fold_1\.json' is [0-9a-f]{64}, but"):
        plan_zip(made)


def test_an_average_is_not_adapted_as_if_it_were_one_network(iac, trained, small_hippocampus):
    out = trained("--folds", "0", "1")
    assert iac("export", out, "--output_dir", "made").status == 0
    ended = iac("adapt", "made", small_hippocampus, "--output_dir", "adapted")
    assert ended.status == 2
    assert "averages 2 networks" in ended.err
    assert "--fold" in ended.err


def forget(folder, stage):
    """Let a stage be one that was begun again and has not ended."""
    content = read_json(folder / "run.json", max_bytes=10**6)
    del content["finished"][stage]
    write_json(folder / "run.json", content)


def test_a_training_that_has_not_ended_is_refused(iac, trained, tmp_path):
    out = trained("--folds", "0", "1")
    forget(out / "fold_1", "train")
    ended = iac("export", out, "--output_dir", "made")
    assert ended.status == 2
    assert "the training of fold 1 in" in ended.err
    assert not (tmp_path / "made").exists()
    assert iac("export", out, "--output_dir", "made", "--fold", 0).status == 0


@pytest.mark.parametrize("folds", [(), ("--folds", "0", "1")])
def test_scores_of_a_training_before_are_not_those_of_this_one(iac, trained, tmp_path, folds):
    out = trained(*folds)
    forget(out / "fold_1" if folds else out, "evaluate")
    assert iac("export", out, "--output_dir", "made").status == 0
    meta = json.loads((tmp_path / "made" / "configs" / "metadata.json").read_text())
    assert "eval_metrics" not in meta
    assert "test" not in json.loads((tmp_path / "made" / "docs" / "weights.json").read_text())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fold", "5"), "has the folds 0, 1."),
        (("--also", "onnx"), "--also onnx: 'out' averages 2 networks"),
        (("--also", "tensorrt"), "--also 'tensorrt': choose from"),
        (("adapter",), "'out' is a run, which has no adapter"),
    ],
)
def test_bad_words_are_one_line(iac, trained, tmp_path, words, message):
    trained("--folds", "0", "1")
    ended = iac("export", "out", *words, "--output_dir", "made")
    assert ended.status == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "made").exists()


def test_bad_runs_are_one_line(iac, run, trained, tmp_path):
    out = trained()
    assert iac("export", out, "--output_dir", "made", "--fold", 0).err.endswith(
        "is not of several folds.\n"
    )
    stage = predict_stages(out)[None]
    torch.save({"model": {"conv.weight": torch.zeros(1)}}, str(stage.options["checkpoint"]))
    ended = iac("export", out, "--output_dir", "made")
    assert ended.status != 0
    assert str(out) in ended.err or "model.pt" in ended.err
    write_json(out / "request.json", {})
    assert "Repeat its 'iac run' command" in iac("export", out, "--output_dir", "made").err
    (out / "request.json").unlink()
    assert "Repeat its 'iac run' command" in iac("export", out, "--output_dir", "made").err
    ended = iac("export", tmp_path / "images", "--output_dir", "made")
    assert "is no folder of an 'iac run'" in ended.err
    assert not (tmp_path / "made").exists()
