"""Jobs of a single unit of the engine each, on two ranks."""

from __future__ import annotations

import os
import runpy
import signal
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.data import DistributedSampler
from tiny_training import Findings, Rows, digest, message, train

from iac_components.common.ranks import (
    average,
    copy_from_first,
    is_first_rank,
    join_ranks,
    leave_ranks,
    require_same,
)
from iac_components.data import epoch_loader
from iac_components.engine import (
    EpochSeeding,
    NonFiniteGuard,
    OwnedFolders,
    ResumableCheckpoint,
    SynchronizedGradients,
    run_until_signal,
)

TESTS = Path(__file__).parents[2]


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
