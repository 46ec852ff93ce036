"""The searches of the benchmark, built from the bundle's config and run epoch by epoch."""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, TypeVar, cast

import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.engines import Workflow

from iac_components.common.console.typed_values import parse_optional
from iac_components.common.files.tensor_files import write_tensors
from iac_components.configs import search_settings
from iac_components.engine import ResumableCheckpoint, RunRecord
from iac_components.networks import CellSearchNetwork
from iac_components.search import SearchTrace, save_found_genotype
from studies.measuring.clock import Seconds, StepClock, now, since
from studies.search_cost.searches.epoch_log import EpochRecord
from studies.search_cost.searches.plan import SearchPlan
from studies.search_cost.searches.yardstick import PlainSearch

__all__ = ["SEARCH_MODES", "EngineSearch", "PlainLoopSearch", "Search", "start"]

Options = Mapping[str, object]
T = TypeVar("T")

NEWEST = 2
"""Checkpoints that are kept."""


SCHEDULES = ("keep_schedule", "edge_schedule")


class Search(ABC):
    """A search at work, that runs one epoch at a turn and can be killed at any moment.

    Randomness is a function of seed and epoch, so what other searches do between two turns changes
    no number of it.

    Args:
        plan: what to search.
    """

    overrides: ClassVar[Options]
    """Keys of the config that make the mode."""

    def __init__(self, plan: SearchPlan) -> None:
        self.plan = plan
        self.log = plan.log
        self.log.drop_newer_checkpoints(plan.checkpoints)
        # The options are those of all modes; one that does not prune would refuse schedules.
        unused = () if self.overrides["pruning"] else SCHEDULES
        options = {
            **{name: value for name, value in plan.options.items() if name not in unused},
            "seed": plan.seed,
            "output_dir": str(plan.folder),
            "resume": True,
            **self.overrides,
            **self.wiring(ConfigParser.load_config_file(str(plan.config))),
        }
        self.workflow = ConfigWorkflow(
            workflow_type="train", config_file=str(plan.config), logging_file=False, **options
        )
        self.workflow.initialize()
        self.ended = False

    def wiring(self, config: Mapping[str, object]) -> Options:
        """Keys that connect the config's search with the benchmark."""
        return {}

    def content(self, key: str, kind: type[T]) -> T:
        """Instantiate a key of the config."""
        found = self.workflow.parser.get_parsed_content(key)
        if not isinstance(found, kind):
            raise TypeError(f"'{key}' of '{self.plan.config}' is a {type(found).__name__}.")
        return found

    @cached_property
    def network(self) -> CellSearchNetwork:
        """The supernet."""
        return self.content("network", CellSearchNetwork)

    @property
    @abstractmethod
    def trace(self) -> SearchTrace:
        """Its record of distributions."""

    @abstractmethod
    def turn(self) -> None:
        """Run one epoch and log it, or find that the search has ended."""

    def finish(self) -> None:
        """Write trace and genotype of a search that has ended."""
        self.trace.write(self.plan.trace)
        save_found_genotype(
            self.plan.genotype,
            self.network,
            trace=self.trace,
            settings=search_settings(self.workflow.parser),
            # Folders begun by version 0.4 continue with configs that keep no record.
            record=self.content("run_record", RunRecord)
            if "run_record" in self.workflow.parser
            else None,
        )

    def record(
        self, epoch: int, steps: int, *, total: Seconds, parts: Mapping[str, Seconds]
    ) -> None:
        """Log an epoch that is over."""
        living = int(self.network.alive.sum())
        self.log.append(EpochRecord(epoch, steps, total, parts, living))


class EngineSearch(Search):
    """Our own engine, interrupted after every epoch."""

    def __init__(self, plan: SearchPlan) -> None:
        super().__init__(plan)
        self.trainer = self.content("train#trainer", Workflow)
        self.clock = self.content("step_clock", StepClock)
        self._runs = False
        # Last of all handlers: what an epoch ends with, the checkpoint too, has been done then.
        self.trainer.add_event_handler(Events.STARTED, self._begin)
        self.trainer.add_event_handler(Events.EPOCH_COMPLETED, self._close_epoch)
        self.trainer.add_event_handler(Events.COMPLETED, self._end)

    def wiring(self, config: Mapping[str, object]) -> Options:
        """Put a clock before the config's handlers, and leave out their progress bar."""
        train = cast(Mapping[str, list[Mapping[str, object]]], config["train"])
        steps, *others = train["handlers"]
        own = [{**steps, "bar": False}, *others]
        return {
            "step_clock": {"_target_": "studies.measuring.clock.StepClock", "device": "@device"},
            "train#handlers": ["@step_clock", *own],
        }

    @property
    def trace(self) -> SearchTrace:
        """See :class:`Search`."""
        return self.content("trace", SearchTrace)

    def turn(self) -> None:
        """See :class:`Search`."""
        self.clock.start()
        if self._runs:
            # MONAI's trainer would begin with a new gradient scaler each time.
            Workflow.run(self.trainer)
        else:
            self._runs = True
            self.trainer.run()

    def _begin(self, engine: Engine) -> None:
        self.log.truncate(engine.state.epoch)
        self.clock.start()

    def _close_epoch(self, engine: Engine) -> None:
        parts = {name: Seconds(**spent) for name, spent in self.clock.take().items()}
        total = Seconds(sum(p.wall for p in parts.values()), sum(p.cpu for p in parts.values()))
        self.record(engine.state.epoch, engine.state.epoch_length, total=total, parts=parts)
        engine.interrupt()

    def _end(self, engine: Engine) -> None:
        self.ended = True


class FullSearch(EngineSearch):
    """Full length, nothing pruned."""

    overrides: ClassVar[Options] = {"criterion": "stability", "pruning": False}


class PrunedSearch(EngineSearch):
    """With stability pruning."""

    overrides: ClassVar[Options] = {"criterion": "stability", "pruning": True}


class PlainLoopSearch(Search):
    """The yardstick: a plain supernet in a plain loop."""

    overrides: ClassVar[Options] = {
        "criterion": "stability",
        "pruning": False,
        "channels_last": False,
        "network": {
            "_target_": "studies.search_cost.searches.yardstick.plain_supernet",
            "network": "$@network_def.to(device=@device)",
        },
    }

    def __init__(self, plan: SearchPlan) -> None:
        super().__init__(plan)
        content = self.workflow.parser.get_parsed_content
        if content("architecture_every") != 1:
            raise ValueError("the mode 'reference' needs architecture_every 1 in --search.")
        loaders = content("train#dataloader"), content("train#architecture_dataloader")
        # The data are read when a length is asked for, and belong to the set-up.
        if not all(len(loader) for loader in loaders):
            raise ValueError("a part of the training patients makes no batch.")
        self.epochs: int = content("epochs")
        self.loop = PlainSearch(
            self.network,
            content("loss"),
            optimizer=content("optimizer"),
            architecture_optimizer=content("architecture_optimizer"),
            weight_loader=loaders[0],
            architecture_loader=loaders[1],
            device=content("device"),
            warmup_epochs=content("warmup_epochs"),
            epoch_length=cast("int | None", parse_optional(content("steps_per_epoch"))),
            seed=plan.seed,
        )
        self._load()
        self.ended = self.loop.epoch >= self.epochs

    @property
    def trace(self) -> SearchTrace:
        """See :class:`Search`."""
        return self.loop.trace

    def turn(self) -> None:
        """See :class:`Search`."""
        if self.ended:
            return
        epoch = self.loop.epoch + 1
        begun = now()
        spent = self.loop.run_epoch(epoch)
        self._save()
        total = since(begun)
        parts = {name: Seconds(**seconds) for name, seconds in spent.items() if name != "other"}
        parts["other"] = Seconds(
            total.wall - sum(part.wall for part in parts.values()),
            total.cpu - sum(part.cpu for part in parts.values()),
        )
        self.record(epoch, self.loop.epoch_length, total=total, parts=parts)
        self.ended = epoch >= self.epochs

    def _found(self) -> list[tuple[int, Path]]:
        return ResumableCheckpoint(self.plan.checkpoints, {}).found()

    def _save(self) -> None:
        path = self.plan.checkpoints / f"checkpoint_epoch={self.loop.epoch}.pt"
        write_tensors(path, self.loop.state_dict())
        for _, old in self._found()[NEWEST:]:
            old.unlink()

    def _load(self) -> None:
        for _, path in self._found()[:1]:
            device = self.loop.device
            self.loop.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        self.log.truncate(self.loop.epoch)


SEARCH_MODES: Mapping[str, type[Search]] = {
    "reference": PlainLoopSearch,
    "full": FullSearch,
    "pruned": PrunedSearch,
}
"""Modes that search, by name; the slowest first."""


def start(plan: SearchPlan, session: Mapping[str, object]) -> Search:
    """Build a search, or take it up again, and log what this cost."""
    gc.collect()  # Searches that are over hold data and engines in cycles.
    begun = now()
    search = SEARCH_MODES[plan.mode](plan)
    search.log.begin(since(begun), session)
    return search
