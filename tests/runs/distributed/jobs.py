"""Jobs of the ranks of a test: ``torchrun jobs.py JOB FOLDER``; each leaves its findings there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow
from monai.engines import SupervisedTrainer
from rank_units import units
from tiny_training import Findings, digest


def watch(trainer: SupervisedTrainer, steps: list[Findings]) -> None:
    """Note after every step what all ranks must have in common."""

    def note(engine: Engine) -> None:
        network = engine.network
        searched = hasattr(network, "architecture_parameters")
        steps.append(
            {
                "epoch": engine.state.epoch,
                "weights": digest(network.parameters()),
                "architecture": digest(network.architecture_parameters()) if searched else "",
                "alive": int(network.alive.sum()) if searched else 0,
                "loss": float(engine.state.output[0]["loss"]),
            }
        )

    trainer.add_event_handler(Events.ITERATION_COMPLETED, note)


def bundles(folder: Path) -> Findings:
    """Run the stages in ``plan.json`` one after the other, and note who writes what.

    All are of one job: the first joins the ranks, and the last leaves them.
    """
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    written: list[str] = []
    replace = os.replace
    os.replace = lambda source, target: (written.append(str(target)), replace(source, target))
    found: Findings = {}
    for name, configs, options in plan:
        steps: list[Findings] = []
        written.clear()
        workflow = ConfigWorkflow(configs, logging_file=False, **options)
        workflow.initialize()
        if name != "evaluate":
            watch(workflow.parser.get_parsed_content("train#trainer"), steps)
        workflow.run()
        metrics = {}
        if "validate" in workflow.parser:
            evaluator = workflow.parser.get_parsed_content("validate#evaluator")
            metrics = {key: float(value) for key, value in evaluator.state.metrics.items()}
        # The next run may read what the first rank is still writing.
        torch.distributed.barrier()
        found[name] = {"steps": steps, "written": sorted(set(written)), "metrics": metrics}
    workflow.finalize()
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    job, target = {"units": units, "bundles": bundles}[sys.argv[1]], Path(sys.argv[2])
    number = os.environ["RANK"]
    torch.save(job(target), target / f"rank_{number}.pt")
