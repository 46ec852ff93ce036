"""NVFlare's simulator: two sites, three rounds, the train bundle as it is."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("nvflare") is None,
        reason="NVFlare is not installed: bash tools/test_clients.sh nvflare runs these tests",
    ),
    pytest.mark.timeout(3600),
]
ROOT = Path(__file__).parents[3]
BUNDLE = "hippocampus_unet_iac_segmentation_train"
SITES = {"site-1": ((0, 5), 3), "site-2": ((5, 10), 1)}
"""Patients of each, by number, and its steps in a round: what it weighs."""


@dataclass(frozen=True)
class Federation:
    """Files that the simulator has left."""

    workspace: Path
    output: str

    def app(self, site: str) -> Path:
        name = "app_server" if site == "server" else f"app_{site}"
        return self.workspace / site / "simulate_job" / name

    @property
    def global_weights(self) -> dict[str, torch.Tensor]:
        found = torch.load(self.app("server") / "FL_global_model.pt", weights_only=True)
        return found["model"]

    def checkpoint(self, site: str, epoch: int) -> dict[str, object]:
        folder = self.app(site) / "config" / BUNDLE / "eval" / "checkpoints"
        return torch.load(folder / f"checkpoint_epoch={epoch}.pt", weights_only=True)


@pytest.fixture(scope="module")
def federation(write_part, tmp_path_factory) -> Federation:
    """The example's job, with an app a site: in the simulator, the sites share a file system."""
    root = tmp_path_factory.mktemp("nvflare")
    job = root / "job"
    shutil.copytree(ROOT / "examples" / "nvflare", job)
    for site, (patients, steps) in SITES.items():
        app = job / f"app_{site}"
        shutil.copytree(job / "app_site", app)
        config = app / "config" / "config_fed_client.json"
        data = str(write_part(root / "data" / site, *patients))
        content = json.loads(config.read_text())
        arguments = content["components"][0]["args"]
        arguments["train_kwargs"] = {"dataset_dir": data, "steps_per_epoch": steps, "batch_size": 4}
        arguments["eval_kwargs"] = {"dataset_dir": data}
        config.write_text(json.dumps(content))
    shutil.rmtree(job / "app_site")
    meta = json.loads((job / "meta.json").read_text())
    meta["deploy_map"] = {"app_server": ["server"], **{f"app_{site}": [site] for site in SITES}}
    (job / "meta.json").write_text(json.dumps(meta))
    for app in job.glob("app_*"):
        ignored = shutil.ignore_patterns("eval", "data", "iac_components")
        shutil.copytree(ROOT / "bundles" / BUNDLE, app / "config" / BUNDLE, ignore=ignored)
    simulator = Path(sys.executable).with_name("nvflare")
    done = subprocess.run(
        [sys.executable, simulator, "simulator", job, "-w", root / "ws", "-n", "2", "-t", "2"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=3500,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-4000:]
    return Federation(root / "ws", output)


def test_three_rounds_ended(federation):
    assert "Round 2 finished" in federation.output, federation.output[-4000:]
    assert "Traceback" not in federation.output, federation.output[-4000:]


def test_global_weights_are_the_weighted_mean_of_the_sites(federation):
    last = {site: federation.checkpoint(site, 3) for site in SITES}
    steps = {site: steps for site, (_, steps) in SITES.items()}
    assert {site: last[site]["iteration"] for site in SITES} == {s: 3 * n for s, n in steps.items()}
    total = sum(steps.values())
    apart = 0
    for key, found in federation.global_weights.items():
        sites = {site: last[site]["objects"]["network"][key].double() for site in SITES}
        mean = sum(steps[site] / total * sites[site] for site in SITES)
        torch.testing.assert_close(found.double(), mean, rtol=1e-5, atol=1e-6)
        plain = sum(sites.values()) / len(SITES)
        apart += not torch.allclose(found.double(), plain, rtol=1e-5, atol=1e-6)
    assert apart > 10


def test_every_round_trains(federation):
    """Each round has the whole schedule; of one epoch each, every other one had a rate of zero."""
    for site in SITES:
        start, end = (federation.checkpoint(site, epoch)["objects"] for epoch in (2, 3))
        # Adam's mean of gradients moves in every step, weights only at a rate above zero.
        for objects in (start, end):
            assert objects["lr_scheduler"]["last_epoch"] == 1
        keys = [key for key in start["network"] if key.endswith("weight")]
        moved = [k for k in keys if not torch.equal(start["network"][k], end["network"][k])]
        assert moved == keys


def test_bundle_is_as_it_was(federation):
    for site in SITES:
        ours = ROOT / "bundles" / BUNDLE / "configs"
        for file in ours.iterdir():
            copy = federation.app(site) / "config" / BUNDLE / "configs" / file.name
            assert copy.read_bytes() == file.read_bytes()
