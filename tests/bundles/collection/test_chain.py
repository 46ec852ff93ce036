"""Plain training, search, implanted training, evaluation and inference, one after the other."""

from __future__ import annotations

import json
import math

import pytest
import torch

from iac_components.common.console.brief_errors import brief_message
from iac_components.data import load_folds
from iac_components.evaluation import read_metrics
from iac_components.networks import load_state
from iac_components.search import settings_digest
from iac_components.search_space import load_genotype


def content(workflow, item):
    """An item of the config, as a run made it."""
    return workflow.parser.get_parsed_content(item)


def patients(workflow, item):
    return {entry["patient"] for entry in content(workflow, item)}


def test_found_genotype_says_where_it_is_from(chain):
    _ = chain.search
    genotype = load_genotype(chain.genotype)
    provenance = genotype.provenance
    assert provenance["stop_reason"] == "genotype decided"
    assert provenance["epochs"] == 3
    settings = provenance["settings"]
    assert settings["max_epochs"] == 6
    assert provenance["settings_digest"] == settings_digest(settings)


def test_another_genotype_does_not_take_the_checkpoint(chain, tmp_path):
    _ = chain.cells
    genotype = json.loads(chain.genotype.read_text(encoding="utf-8"))
    del genotype["digest"]
    edge = genotype["nodes"][0]["edges"][0]
    edge["operation"] = {"sep_conv_3x3": "skip_connect"}.get(edge["operation"], "sep_conv_3x3")
    other = tmp_path / "other.json"
    other.write_text(json.dumps(genotype), encoding="utf-8")
    with pytest.raises(RuntimeError) as caught:
        chain.evaluate("not_written", genotype_path=str(other))
    message = brief_message(caught.value)
    assert message is not None
    assert str(chain.ckpt) in message
    assert "checkpoint of another network" in message
    # Hidden is the lock of a run that failed: it goes with its workflow, or with its process.
    assert not list((chain.root / "not_written").glob("[!.]*"))


def test_training_moves_weights(chain):
    final = load_state(chain.root / "plain" / "models" / "model_final.pt")
    assert all(torch.isfinite(value).all() for value in final.values())
    steps = torch.load(
        chain.root / "plain" / "checkpoints" / "checkpoint_epoch=1.pt", weights_only=True
    )
    before = steps["objects"]["network"]
    assert before.keys() == final.keys()
    assert any(not torch.equal(before[key], final[key]) for key in final)


def test_metrics_follow_the_checkpoint(chain, tmp_path):
    _ = chain.evaluation
    state = load_state(chain.ckpt)
    name = [key for key, value in state.items() if value.ndim == 1][-1]
    state[name] = torch.tensor([-99.0, 99.0] + [0.0] * (len(state[name]) - 2))
    other = tmp_path / "other.pt"
    torch.save({"model": state}, other)
    chain.evaluate("all_class_1", checkpoint=str(other))
    before = read_metrics(chain.root / "evaluate")
    after = read_metrics(chain.root / "all_class_1")
    assert [record.key for record in before] == [record.key for record in after]
    assert [r.dice for r in before] != [r.dice for r in after]
    # Class 1 everywhere: found, but with a small Dice; no other class is found at all.
    assert all(0 < r.dice < 0.9 for r in after if r.label == 1)
    assert all(r.dice == 0 or math.isnan(r.dice) for r in after if r.label > 1)


def test_dice_that_chooses_is_the_dice_reported(chain):
    """The evaluation has training's key metric beside the report."""
    chosen = content(chain.evaluation, "validate#evaluator").state.metrics["val_mean_dice"]
    report = json.loads((chain.root / "evaluate" / "metrics.json").read_text(encoding="utf-8"))
    assert chosen == pytest.approx(report["summary"]["dice"]["mean"]["mean"], abs=1e-6)


def test_no_test_patient_is_searched_or_trained_on(chain):
    search = patients(chain.search, "train#dataset#data") | patients(
        chain.search, "train#architecture_dataset#data"
    )
    trained = patients(chain.cells, "train#dataset#data")
    validated = patients(chain.cells, "validate#dataset#data")
    tested = patients(chain.evaluation, "validate#dataset#data")
    assert patients(chain.plain, "train#dataset#data") == trained
    assert search == trained
    assert not tested & (search | validated)
    assert not trained & validated
    assert len(tested | trained | validated) == 5
    assert tested == {record.patient for record in read_metrics(chain.root / "evaluate")}


def test_search_halves_share_no_patient(chain):
    weights = patients(chain.search, "train#dataset#data")
    architecture = patients(chain.search, "train#architecture_dataset#data")
    assert weights
    assert architecture
    assert not weights & architecture


def test_all_stages_read_one_folds_file(chain):
    _ = chain.evaluation
    folds = load_folds(chain.folds_file)
    assert folds.layout == chain.bundles.layout
    assert patients(chain.evaluation, "validate#dataset#data") == set(folds.folds[0])
    assert len(list(chain.root.rglob("folds.json"))) == 1
    # Older than anything that the later stages wrote: nobody wrote it again.
    written = chain.folds_file.stat().st_mtime_ns
    assert written < (chain.root / "search" / "search_trace.csv").stat().st_mtime_ns
