"""What the ranks of a test do: ``torchrun jobs.py JOB FOLDER``; each leaves its findings there."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow
from monai.data import DistributedSampler
from monai.engines import SupervisedTrainer
from torch import nn
from torch.utils.data import DataLoader

from iac_components.common.ranks import (
    RankError,
    average,
    copy_from_first,
    is_first_rank,
    join_ranks,
    leave_ranks,
    require_same,
)
from iac_components.data import epoch_loader
from iac_components.engine import (
    CheckpointError,
    EpochSeeding,
    FolderInUseError,
    NonFiniteGuard,
    OwnedFolders,
    ResumableCheckpoint,
    SynchronizedGradients,
    run_until_signal,
)

TESTS = Path(__file__).parents[2]
Findings = dict[str, object]


def digest(tensors: Iterable[torch.Tensor]) -> str:
    content = b"".join(tensor.detach().cpu().contiguous().numpy().tobytes() for tensor in tensors)
    return hashlib.sha256(content).hexdigest()


def message(action: Callable[[], object]) -> str:
    """With what the action fails."""
    try:
        action()
    except (RankError, CheckpointError, FolderInUseError) as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


class Rows(torch.utils.data.Dataset):
    """Rows of four numbers; a NaN anywhere makes that row's loss NaN."""

    def __init__(self, rows: torch.Tensor) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"image": self.rows[index], "label": self.rows[index].sum().reshape(1)}


class Network(nn.Module):
    """Used by all ranks, by the second alone, by none, and frozen."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4) if norm else nn.Identity()
        self.all, self.second = nn.Linear(4, 1), nn.Linear(4, 1)
        self.nobody, self.frozen = nn.Linear(4, 1), nn.Linear(4, 1).requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(x)
        y = self.all(x) + self.frozen(x)
        return y + self.second(x) if idist.get_rank() == 1 else y


def train(
    rows: torch.Tensor, handlers: Callable[[nn.Module], list[object]], *, norm: bool = False
) -> SupervisedTrainer:
    """Two epochs from weights that differ between the ranks, on rows of each rank's own."""
    torch.manual_seed(idist.get_rank())
    network = Network(norm)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=2,
        train_data_loader=DataLoader(Rows(rows), batch_size=2),
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=nn.MSELoss(),
        train_handlers=handlers(network),
        decollate=False,
        optim_set_to_none=True,
    )
    trainer.start = [p.clone() for p in network.parameters()]
    return trainer


def averages() -> Findings:
    own = idist.get_rank() + 1.0
    tensors = [torch.tensor(own), torch.full((2, 3), own, dtype=torch.float64)]
    tensors.append(torch.full((4,), own, dtype=torch.float16)[::2])
    means = average(tensors)
    copies = [
        torch.full((2, 2), own),
        torch.tensor([idist.get_rank() == 0]),
        torch.tensor(2**40 + idist.get_rank()),
    ]
    copies.append(torch.full((2, 3, 4, 5), own).to(memory_format=torch.channels_last))
    copy_from_first(copies)
    return {"means": means, "copies": copies, "nothing": average([])}


def gradients() -> Findings:
    """One process would see the rows of both."""
    rows = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    seen: dict[str, object] = {}

    def look(engine: Engine) -> None:
        if engine.state.iteration == 1:
            seen["start"] = {k: v.clone() for k, v in engine.network.state_dict().items()}
            named = engine.network.named_parameters()
            seen["gradients"] = {k: p.grad.clone() for k, p in named if p.grad is not None}
            seen["loss"] = float(engine.state.output["loss"])

    class Look:
        def attach(self, engine: Engine) -> None:
            from monai.engines import IterationEvents

            engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, look)

    trainer = train(
        rows[2 * idist.get_rank() :][:2], lambda net: [SynchronizedGradients(net), Look()]
    )
    trainer.run()
    return {**seen, "rows": rows, "end": digest(trainer.network.state_dict().values())}


def statistics() -> Findings:
    """Each rank's batches have another mean."""
    rows = torch.randn(4, 4, generator=torch.Generator().manual_seed(2)) + 5 * idist.get_rank()
    before, after = [], []

    class Look:
        def __init__(self, found: list[float]) -> None:
            self.found = found

        def attach(self, engine: Engine) -> None:
            engine.add_event_handler(
                Events.EPOCH_COMPLETED,
                lambda e: self.found.append(float(e.network.norm.running_mean.mean())),
            )

    train(
        rows, lambda net: [Look(before), SynchronizedGradients(net), Look(after)], norm=True
    ).run()
    return {"before": before, "after": after}


def nonfinite() -> Findings:
    rows = torch.ones(4, 4)
    if idist.get_rank() == 1:
        rows[0, 0] = float("nan")
    guard, losses, weights = NonFiniteGuard(patience=2), [], []
    trainer = train(rows, lambda net: [SynchronizedGradients(net), guard])
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda e: (
            losses.append(float(e.state.output["loss"])),
            weights.append(digest(e.network.parameters())),
        ),
    )
    trainer.run()
    return {"total": guard.total, "losses": losses, "weights": weights}


def interruption(folder: Path) -> Findings:
    """The second rank alone gets a signal, in the middle of the second epoch."""
    trainer = train(torch.ones(6, 4), lambda net: [ResumableCheckpoint(folder / "stopped", {})])

    def get_signal(engine: Engine) -> None:
        if idist.get_rank() == 1:
            signal.raise_signal(signal.SIGTERM)

    trainer.add_event_handler(Events.ITERATION_STARTED(once=5), get_signal)
    try:
        run_until_signal(trainer)
    except SystemExit as error:
        status = error.code
    return {"status": status, "iteration": trainer.state.iteration}


def disagreements(folder: Path) -> Findings:
    """Every rank must stop, each with the same sentence."""
    same = message(lambda: require_same(b"a", what="letters", remedy="Write better."))
    letter = b"a" if is_first_rank() else b"b"
    differ = message(lambda: require_same(letter, what="letters", remedy="Write better."))
    # Only the first rank has a checkpoint.
    own = folder / f"own_{idist.get_rank()}"
    if is_first_rank():
        checkpoint = ResumableCheckpoint(own, {})
        train(torch.ones(2, 4), lambda net: [checkpoint]).run()
    resume = ResumableCheckpoint(own, {}, resume=True)
    checkpoints = message(train(torch.ones(2, 4), lambda net: [resume]).run)
    rows = torch.ones(2, 4)
    other = train(rows, lambda net: [SynchronizedGradients(net)], norm=idist.get_rank() == 1)
    return {
        "same": same,
        "differ": differ,
        "checkpoints": checkpoints,
        "networks": message(other.run),
    }


def folders(folder: Path) -> Findings:
    """One rank holds the lock for all, and all are refused alike."""

    class Taken(OwnedFolders):
        def _refusal(self) -> str | None:
            return f"rank {idist.get_rank()} was asked"

    shared = OwnedFolders(output_dir=folder / "shared")
    shared.claim()
    torch.distributed.barrier()
    locks = [path.name for path in (folder / "shared").iterdir()]
    torch.distributed.barrier()
    shared.release()
    return {"locks": locks, "refused": message(Taken(output_dir=folder / "taken").claim)}


def searches(folder: Path) -> Findings:
    """The search of tests/method/search on both ranks: architecture steps, a rank that strays."""
    make = runpy.run_path(str(TESTS / "method" / "search" / "conftest.py"))["tiny_search"]

    class Given:
        """A gradient that is the rank's own."""

        def __init__(self, values: tuple[float, float]) -> None:
            self.value = values[idist.get_rank()]

        def compute(self, architecture_loss, weight_loss, *, architecture, weights):
            grads = tuple(torch.full_like(p, self.value) for p in architecture)
            return torch.tensor(self.value), grads

    found: Findings = {}
    for name, values in (("finite", (1.0, 3.0)), ("nan", (1.0, float("nan")))):
        search = make(epochs=1, batches=1, architecture_gradient=Given(values))
        search.trainer.architecture_optimizer = torch.optim.SGD(
            search.network.architecture_parameters(), lr=1.0
        )
        before = [p.detach().clone() for p in search.network.architecture_parameters()]
        search.run()
        after = search.network.architecture_parameters()
        moved = {round(float(m), 4) for b, a in zip(before, after, strict=True)
                 for m in (a.detach() - b).reshape(-1)}  # fmt: skip
        found[name] = sorted(moved)
        found[f"{name} loss"] = float(search.trainer.state.output["architecture_loss"])
    search = make(folder / "audited", epochs=2, audit={"tolerance": 0.05, "passes": 12})
    own = search.audit.losses.loss_function
    # Each rank sees other losses, and all must decide by their mean.
    search.audit.losses.loss_function = lambda p, y: own(p, y) * (1 + idist.get_rank())
    search.run()
    log = search.audit.log
    found["audit"] = digest(log.state_dict()[name] for name in ("places", "numbers"))
    found["audit lines"] = len(log.lines)
    found["audit left"] = digest([search.network.alive, search.network.treatments])
    search = make(epochs=2)

    def stray(engine: Engine) -> None:
        if idist.get_rank() == 1:
            search.network.architecture.alphas.data[0, 0, 0] += 1e-6

    search.trainer.add_event_handler(Events.ITERATION_COMPLETED(once=1), stray)
    found["stray"] = message(search.run)
    found["stray epoch"] = search.trainer.state.epoch
    return found


def data() -> Findings:
    rows = Rows(torch.arange(20.0).reshape(5, 4))
    loader = epoch_loader(rows, batch_size=2, drop_last=False)
    orders = []
    for epoch in (1, 2):
        loader.sampler.set_epoch(epoch)
        orders.append([int(row[0]) // 4 for batch in loader for row in batch["image"]])
    uneven = DistributedSampler(rows, even_divisible=False, shuffle=False)
    seeding = EpochSeeding([], seed=3)
    engine = Engine(lambda e, b: None)
    engine.state.epoch, engine.state.dataloader = 2, [0]
    seeding(engine)
    return {"orders": orders, "uneven": list(uneven), "draw": float(torch.rand(1))}


def place() -> Findings:
    return {
        "rank": idist.get_rank(),
        "count": idist.get_world_size(),
        "first": is_first_rank(),
        "LOCAL_RANK": os.environ["LOCAL_RANK"],
        "ignite": [idist.get_rank(), idist.get_local_rank(), idist.get_nproc_per_node()],
        "SLURM_JOB_ID": os.environ["SLURM_JOB_ID"],
    }


def units(folder: Path) -> Findings:
    # As under 'srun torchrun': one Slurm task for all ranks of a node.
    os.environ |= {"SLURM_JOB_ID": "1", "SLURM_LOCALID": "0", "SLURM_PROCID": "0"}
    join_ranks(timeout_minutes=10)
    found = {
        "place": place(),
        "averages": averages(),
        "gradients": gradients(),
        "statistics": statistics(),
        "nonfinite": nonfinite(),
        "interruption": interruption(folder),
        "disagreements": disagreements(folder),
        "folders": folders(folder),
        "searches": searches(folder),
        "data": data(),
    }
    leave_ranks()
    return {
        **found,
        "afterwards": [idist.get_rank(), idist.get_world_size()],
    }


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
