"""The results page, from the raw files of a proof."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import studies.proof.write as write_results
from iac_components.common.files import write_json
from iac_components.common.files.tensor_files import write_tensors
from iac_components.evaluation import CaseRecord, write_metrics
from iac_components.search import SearchTrace
from iac_components.search_space import (
    SearchSpace,
    discretize,
    load_genotype,
    random_genotype,
    save_genotype,
)
from iac_components.visualization import write_search_report

SPACE = SearchSpace(2, ("none", "skip_connect", "sep_conv_3x3"), num_nodes=2)


@pytest.fixture
def tool(tmp_path, monkeypatch):
    module = write_results
    monkeypatch.setattr(module, "BUNDLES", tmp_path / "bundles")
    sources = tmp_path / "sources"
    (sources / "genotypes").mkdir(parents=True)
    shutil.copytree(module.IAC / "datasets", sources / "datasets")
    monkeypatch.setattr(module, "IAC", sources)
    for stage in ("train", "inference"):
        (tmp_path / "bundles" / f"hippocampus_unet_iac_segmentation_{stage}").mkdir(parents=True)
        (tmp_path / "bundles" / f"acdc_unet_iac_segmentation_{stage}").mkdir(parents=True)
    return module


def search(folder: Path, *, epochs: int, seconds: float) -> None:
    trace = SearchTrace(SPACE)
    generator = np.random.default_rng(0)
    shape = (1, len(SPACE.edges), len(SPACE.operations))
    for _ in range(epochs):
        trace.append(
            probabilities=generator.dirichlet(np.ones(shape[-1]), size=shape[:2]),
            edge_weights=np.full(shape[:2], 0.4),
            divergence=np.full(shape[:2], 0.01),
            alive=np.ones(shape, dtype=bool),
            seconds=seconds,
        )
    trace.write(folder / "search_trace.csv")
    write_search_report(folder / "search_trace.csv", output_dir=folder)
    provenance = {
        "epochs": epochs,
        "stop_reason": "genotype decided",
        "seconds": epochs * seconds,
        "device": "cpu",
        "threads": 1,
        "settings": {},
    }
    probabilities, weights = trace.last()
    genotype = discretize(SPACE, probabilities, edge_weights=weights, provenance=provenance)
    save_genotype(genotype, folder / "genotype.json")


def arm(folder: Path, dice: float) -> None:
    records = [
        CaseRecord(f"p{i}", f"p{i}_a", label, name, dice + 0.01 * i, 2.0 + i)
        for i in range(6)
        for label, name in ((1, "anterior"), (2, "posterior"))
    ]
    write_metrics(folder / "eval", records, class_names=["anterior", "posterior"], info={})
    state = {"weight": torch.ones(3, 4), "norm.running_mean": torch.ones(5)}
    write_tensors(folder / "models" / "model_final.pt", {"model": state})


@pytest.fixture(scope="module")
def whole_proof(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole") / "proof"
    search(root / "search_pruned", epochs=10, seconds=1.0)
    search(root / "search_full", epochs=40, seconds=2.0)
    arms = {"scratch/plain": 0.80, "scratch/found": 0.82, "scratch/full_length": 0.83}
    arms |= {"implanted/continued": 0.81, "implanted/found_all": 0.83}
    for name, dice in arms.items():
        for seed in (0, 1):
            arm(root / name / f"seed{seed}", dice + 0.02 * seed)
    settings = {"fold": 0, "seeds": [0, 1], "base_steps": 5, "scratch_steps": 4}
    write_json(root / "proof_settings.json", {**settings, "implanted_steps": 3})
    return root


@pytest.fixture
def proof(whole_proof, tmp_path):
    """A copy to damage."""
    return shutil.copytree(whole_proof, tmp_path / "proof")


def run(tool, monkeypatch, proof, bundle):
    monkeypatch.setattr("sys.argv", ["x", "--bundle", bundle, "--proof_dir", str(proof)])
    tool.main()
    return tool.BUNDLES / f"{bundle}_iac_segmentation_train" / "docs"


def test_page_says_what_the_files_say(tool, monkeypatch, proof):
    docs = run(tool, monkeypatch, proof, "hippocampus_unet")
    page = (docs / "RESULTS.md").read_text(encoding="utf-8")
    assert "8.0x in seconds as recorded" in page  # 80 s against 10 s
    assert "4.0x in epochs" in page
    assert (
        "| found cell | 12 | 85.50 [" in page
    )  # mean over patients and seeds; buffers not counted
    assert "84.50, 86.50" in page  # seed by seed
    assert "-1.00 [-1.00, -1.00] Dice points, not shown to be non-inferior at 0.5" in page
    comparison = json.loads((docs / "results" / "scratch_comparison.json").read_text())
    assert comparison["reference"] == "plain backbone"
    cases = (docs / "results" / "implanted_found_all.csv").read_text().splitlines()
    assert cases[0] == "seed,patient,case,label,class,dice,hd95"
    assert len(cases) == 1 + 2 * 6 * 2
    for picture in ("cell", "probability_curves", "divergence_curves"):
        assert (docs / "results" / f"search_pruned_{picture}.png").stat().st_size > 0


def test_a_seed_that_one_arm_lacks_is_left_out_everywhere(tool, monkeypatch, proof):
    (proof / "scratch" / "found" / "seed1" / "eval" / "metrics.csv").unlink()
    docs = run(tool, monkeypatch, proof, "hippocampus_unet")
    page = (docs / "RESULTS.md").read_text(encoding="utf-8")
    assert "| plain backbone | 12 | 82.50 [" in page  # seed 0 alone
    assert "| found cell | 12 | 84.50 [" in page
    assert "Seeds: 0.\n" in page
    assert "Seeds: 0, 1.\n" in page


def test_genotype_ships_and_weights_only_where_the_licence_allows(tool, monkeypatch, proof):
    for bundle, shared in (("hippocampus_unet", True), ("acdc_unet", False)):
        run(tool, monkeypatch, proof, bundle)
        inference = tool.BUNDLES / f"{bundle}_iac_segmentation_inference"
        found = load_genotype(proof / "search_pruned" / "genotype.json")
        assert load_genotype(tool.IAC / "genotypes" / f"{bundle}.json") == found
        assert found != random_genotype(SPACE, 99)
        assert (inference / "models" / "model.pt").exists() is shared
        assert (inference / "docs" / "weights.json").exists() is shared
