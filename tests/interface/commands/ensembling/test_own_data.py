"""An ensemble of a real run with itself scores as the run, regions and all."""

from __future__ import annotations

import json
import shutil

import look_alikes
import numpy as np
import pytest
from fire.parser import DefaultParseValue

from iac_components.bundling.own_data import create_bundles
from iac_components.data.nifti.probabilities import read_probabilities
from iac_components.evaluation import read_metrics
from iac_components.interface.commands.new import bundles_of
from iac_components.interface.running.overrides import override, read_overrides
from iac_components.interface.running.request import RunRequest
from iac_components.interface.running.stages import make_stages
from tools.maintenance.verification.methods.iac_budgets import QUICK
from tools.maintenance.verification.runners import ThisProcess

PLAIN = ["skip_module=plain", "genotype_path=null", "postprocessing_file=null"]


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A network of two steps on nested regions, as a run of one fold, and the same once more."""
    name = "iac_components.bundling.own_data.decisions.choices.bytes_an_image"
    monkeypatch.setattr(name, lambda *_, **__: 10**6)
    data = look_alikes.nnunet_raw(tmp_path / "data")
    planned = create_bundles(data, name="mine", network="unet", out=tmp_path / "bundles")
    tiny = {"train": {**QUICK.options("train", "unet"), "epochs": 1}}
    tiny["evaluate"], tiny["predict"] = tiny["train"], QUICK.options("inference", "unet")
    words = [f"{stage}.{key}={value}" for stage in tiny for key, value in tiny[stage].items()]
    request = RunRequest(bundles_of(planned), planned.dataset_dir, [*PLAIN, *words])
    out = tmp_path / "once"
    made = make_stages(request.bundles, request.data, images=out / "images", out=out)
    for stage in override(made, read_overrides(request.overrides)):
        if stage.name in ("train", "evaluate"):
            options = {key: DefaultParseValue(str(value)) for key, value in stage.options.items()}
            options.pop("backbone_ckpt", None)
            ThisProcess().run(stage.configs, options, tmp_path)
    request.write(out)
    shutil.copytree(out, tmp_path / "again")
    return tmp_path


def test_the_average_of_a_network_with_itself_scores_as_it_does(iac, trained):
    ended = iac("ensemble", trained / "once", trained / "again", "--output_dir", trained / "both")
    assert (ended.status, ended.err) == (0, "")
    before, after = (
        {record.key: record for record in read_metrics(trained / folder)}
        for folder in ("once/evaluate", "both/cross_validation")
    )
    assert before.keys() == after.keys()
    assert any(record.dice > 0.01 for record in before.values())
    for key, record in before.items():
        assert after[key].class_name == record.class_name
        assert after[key].dice == pytest.approx(record.dice, abs=1e-3, nan_ok=True)
        assert after[key].hd95 == pytest.approx(record.hd95, rel=0.02, nan_ok=True)
    content = json.loads((trained / "both" / "cross_validation" / "metrics.json").read_text())
    assert list(content["regions"]) == ["whole_tumor", "tumor_core", "enhancing_tumor"]
    (fold,) = content["info"]["folds"]
    networks = trained / "both" / f"fold_{fold}" / "networks"
    for file in (networks / "once" / "predictions").glob("*.npz"):
        twin = read_probabilities(networks / "again" / "predictions" / file.name)
        np.testing.assert_allclose(read_probabilities(file), twin, atol=1e-5)
