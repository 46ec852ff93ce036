"""Both Slurm scripts on a real Slurm of one node, started here: jobs are requeued and go on."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
SYSTEM_PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"
pytestmark = [
    pytest.mark.skipif(
        os.environ.get("IAC_TEST_SLURM") != "1",
        reason="starts a cluster, for minutes: bash tools/test_clients.sh slurm runs it",
    ),
    pytest.mark.skipif(
        any(shutil.which(program, path=SYSTEM_PATH) is None for program in PROGRAMS),
        reason="Slurm is not installed: bash tools/test_clients.sh slurm says how",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm node runs as root"),
    pytest.mark.timeout(3600),
]
ROOT = Path(__file__).parents[3]
SHORT = ("--steps_per_epoch", "1", "--batch_size", "2", "--patch_size", "[32,32]")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} Gres=gpu:2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}


@dataclass(frozen=True)
class Cluster:
    """A Slurm of one node. Its two GPUs exist in name alone, and the jobs run on the CPU."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("SLURM_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{SYSTEM_PATH}",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
        }

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{words[0]}.log").open("wb") as log:
            return subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)

    @property
    def output(self) -> str:
        """Text that the job has printed; two ranks' progress bars may break into each other."""
        return (self.folder / "job.log").read_text(errors="replace")

    def run(self, *words: str) -> str:
        done = subprocess.run(
            words, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def submit(self, *words: str) -> str:
        output = str(self.folder / "job.log")
        asked = ("--parsable", "--cpus-per-task=1", "--time=60", f"--output={output}")
        return self.run("sbatch", *asked, *words)

    def state(self, job: str) -> tuple[str, int]:
        """The state of a job, and how often it was requeued."""
        record = self.run("scontrol", "show", "job", "--oneliner", job)
        fields = dict(word.split("=", 1) for word in record.split() if "=" in word)
        return fields["JobState"], int(fields["Restarts"])

    def wait(self, what: Callable[[], bool], job: str) -> None:
        """Until something is so, or the job has ended."""
        for _ in range(3000):
            if what():
                return
            assert self.state(job)[0] not in ENDED, self.output[-4000:]
            time.sleep(1)
        raise TimeoutError(job)

    def finish(self, job: str) -> str:
        for _ in range(3000):
            state, _ = self.state(job)
            if state in ENDED:
                break
            if state == "PENDING":  # A requeued job waits for a while.
                self.run("scontrol", "update", f"JobId={job}", "StartTime=now")
            time.sleep(1)
        text = self.output
        assert state == "COMPLETED", text[-4000:]
        return text


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    settings = CONFIGURATION.format(
        host=socket.gethostname().partition(".")[0],
        port=free_port(),
        node_port=free_port(),
        folder=folder,
        cpus=max(2, os.cpu_count() or 2),
    )
    (folder / "slurm.conf").write_text(settings)
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    found = Cluster(folder)
    places = {name: str(folder / f"munge.{name}") for name in ("socket", "pid", "log", "seed")}
    files = [f"--{name}-file={places[name]}" for name in ("pid", "log", "seed")]
    key = f"--key-file={folder / 'munge.key'}"
    programs = [
        found.start(
            "munged", "--foreground", "--force", f"--socket={places['socket']}", key, *files
        )
    ]
    try:
        while not Path(places["socket"]).exists():
            time.sleep(0.1)
            assert programs[0].poll() is None, (folder / "munged.log").read_text()
        programs.append(found.start("slurmctld", "-D"))
        programs.append(found.start("slurmd", "-D"))
        for _ in range(120):
            time.sleep(1)
            if all(program.poll() is None for program in programs):
                shown = subprocess.run(
                    ["sinfo", "-h", "-o", "%t"],
                    env=found.environment,
                    capture_output=True,
                    text=True,
                )
                if shown.stdout.strip() == "idle":
                    break
        else:
            logs = [(folder / f"{name}.log").read_text()[-2000:] for name in PROGRAMS[1:3]]
            raise RuntimeError("\n".join(logs))
        yield found
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait(30)


@pytest.fixture(scope="module")
def data(write_part, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_part(folder / "Task04_Hippocampus", 0, 16)
    return folder


def test_search_of_two_ranks_is_requeued_and_goes_on(cluster, data, tmp_path):
    """The signal is the one that Slurm sends before the time is up."""
    out = tmp_path / "out"
    job = cluster.submit(
        *("--nodes=1", "--gpus-per-node=2", "tools/slurm/search_multi_node.sbatch"),
        str(ROOT / "bundles" / "hippocampus_unet_iac_segmentation_search"),
        *(str(data / "Task04_Hippocampus"), str(out), *SHORT),
        *("--epochs", "12", "--warmup_epochs", "1", "--pruning", "false", "--num_nodes", "1"),
    )
    cluster.wait(lambda: len(list(out.glob("checkpoints/*.pt"))) > 0, job)
    cluster.run("scancel", "--batch", "--signal=USR1", job)
    cluster.wait(lambda: cluster.state(job)[1] == 1, job)
    text = cluster.finish(job)
    assert "the search goes back into the queue" in text
    assert "Resumed after epoch" in text
    genotype = json.loads((out / "genotype.json").read_text())
    assert genotype["provenance"]["ranks"] == 2
    assert genotype["provenance"]["epochs"] == 12


def test_a_task_of_the_sweep_is_requeued_and_goes_on(cluster, data, tmp_path):
    out = tmp_path / "out"
    job = cluster.submit(
        *("--array=48", "--gpus-per-task=1", "tools/slurm/sweep.sbatch", str(data), str(out)),
        *(*SHORT, "--epochs", "8"),
    )
    run = out / "hippocampus" / "unet" / "seed_0"
    task = f"{job}_48"
    cluster.wait(lambda: len(list(run.glob("search/checkpoints/*.pt"))) > 0, task)
    cluster.run("scancel", "--batch", "--signal=USR1", task)
    cluster.wait(lambda: cluster.state(task)[1] == 1, task)
    text = cluster.finish(task)
    assert "task 48 goes back into the queue" in text
    assert "Resumed after epoch" in text
    provenance = json.loads((run / "search" / "genotype.json").read_text())["provenance"]
    assert provenance["settings"]["seed"] == 0
    assert (run / "models" / "model_final.pt").is_file()
    metrics = json.loads((run / "evaluate" / "metrics.json").read_text())
    assert 0 <= metrics["summary"]["dice"]["mean"]["mean"] <= 1
