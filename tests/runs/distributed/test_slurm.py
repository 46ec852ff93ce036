"""The Slurm scripts; Slurm and Python are played by scripts that note how they are called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SLURM = ROOT / "tools" / "slurm"
SCRIPTS = sorted(SLURM.glob("*.sbatch"))


@pytest.fixture
def sbatch(tmp_path):
    """Return a function that runs a script as a job's first node would; gives result and calls."""
    tools = tmp_path / "tools"
    tools.mkdir()
    log = tmp_path / "calls"
    for name, body in {
        "srun": 'while [[ $1 == --* ]]; do shift; done; exec "$@"',
        "scontrol": "printf 'node1\\nnode2\\n'",
        "torchrun": f'printf "%s\\n" "$*" >> {log}',
        "python": f'printf "%s\\n" "$*" >> {log}; exit "${{STATUS:-0}}"',
    }.items():
        (tools / name).write_text(f"#!/bin/bash\n{body}\n")
        (tools / name).chmod(0o755)

    def run(script: str, *arguments: str, **variables: str):
        environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "SLURM_JOB_ID": "123456",
            "SLURM_JOB_NODELIST": "node[1-2]",
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_GPUS_ON_NODE": "4",
            "SLURM_SUBMIT_DIR": str(ROOT),
            **variables,
        }
        log.write_text("")
        done = subprocess.run(
            ["bash", str(SLURM / script), *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        return done, log.read_text().splitlines()

    return run


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_bash(script):
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    directives = [x for x in script.read_text().splitlines() if x.startswith("#SBATCH")]
    assert "#SBATCH --requeue" in directives


def test_nodes_meet_at_the_first(sbatch):
    bundle = str(ROOT / "bundles" / "acdc_unet_iac_segmentation_search")
    done, calls = sbatch("search_multi_node.sbatch", bundle, "a data set", "out", "--seed", "1")
    assert done.returncode == 0, done.stderr
    (call,) = calls
    assert "--nnodes=2 --nproc_per_node=4" in call
    assert f"--rdzv_endpoint=node1:{20000 + 123456 % 20000}" in call
    assert "multi_gpu_search.json']" in call
    assert call.endswith("--dataset_dir a data set --output_dir out --resume True --seed 1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "usage"), (("nowhere", "data", "out"), "'nowhere/configs/search.json' does not exist")],
)
def test_search_with_wrong_arguments(sbatch, arguments, words):
    done, calls = sbatch("search_multi_node.sbatch", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert calls == []


def test_sweep_gives_each_task_another_combination(sbatch):
    seen = set()
    for task in range(0, 60, 7):
        done, calls = sbatch("sweep.sbatch", "data", "out", SLURM_ARRAY_TASK_ID=str(task))
        assert done.returncode == 0, done.stderr
        assert len(calls) == 3
        seen.add(done.stdout.split(": ")[1])
        assert "search.json']" in calls[0]
        assert all("--resume True" in call for call in calls[:2])
        assert "evaluate.json']" in calls[2]
    assert len(seen) == 9
    assert (
        "hippocampus, unet, seed 1"
        in sbatch("sweep.sbatch", "data", "out", SLURM_ARRAY_TASK_ID="49")[0].stdout
    )


def test_sweep_knows_the_collection(sbatch):
    """All of its bundles exist, and the array is as long as their number."""
    text = (SLURM / "sweep.sbatch").read_text()
    names = {}
    for line in text.splitlines():
        key, bracket, rest = line.partition("=(")
        if bracket and rest.endswith(")"):
            names[key] = rest[:-1].split()
    assert (
        f"--array=0-{len(names['datasets']) * len(names['backbones']) * len(names['seeds']) - 1}%"
    )
    for dataset in names["datasets"]:
        assert f"[{dataset}]=" in text
        for backbone in names["backbones"]:
            bundle = f"{dataset}_{backbone}_iac_segmentation_search"
            assert (ROOT / "bundles" / bundle / "configs" / "search.json").is_file()


def test_sweep_goes_on_where_it_was(sbatch, tmp_path):
    run = tmp_path / "out" / "acdc" / "unet" / "seed_0"
    (run / "search").mkdir(parents=True)
    (run / "search" / "genotype.json").write_text("{}")
    _, calls = sbatch("sweep.sbatch", "data", "out", SLURM_ARRAY_TASK_ID="0")
    assert len(calls) == 2
    assert all("acdc_unet_iac_segmentation_train" in call for call in calls)


def test_sweep_ends_at_the_first_failure(sbatch):
    done, calls = sbatch("sweep.sbatch", "data", "out", SLURM_ARRAY_TASK_ID="0", STATUS="3")
    assert done.returncode == 3
    assert len(calls) == 1


def test_sweep_beyond_its_end(sbatch):
    done, calls = sbatch("sweep.sbatch", "data", "out", SLURM_ARRAY_TASK_ID="60")
    assert done.returncode == 2
    assert "--array=0-59" in done.stderr
    assert calls == []
