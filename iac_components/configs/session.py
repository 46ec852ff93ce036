"""A run of a bundle's config: what comes before it, what it owns, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import ref

from ignite.engine import Engine
from monai.bundle import ConfigParser
from monai.utils import set_determinism

from iac_components.bundling.options import build_components, check_options
from iac_components.common.built_weights import note_built
from iac_components.common.console.brief_errors import report_errors_briefly
from iac_components.common.console.bundle_code import warn_of_other_version
from iac_components.common.console.config_stack import running_parser
from iac_components.common.console.paths import take_paths_as_typed
from iac_components.common.ranks import join_ranks, leave_ranks
from iac_components.configs.data_checks import check_data, check_length
from iac_components.configs.stages import STAGES
from iac_components.configs.tracking import RunTracking
from iac_components.engine import run_until_signal
from iac_components.networks import check_patch

__all__ = ["Session"]


class Session:
    """The run of the config that this stands in.

    It reads the config by the ids that MONAI and this package's bundles give its parts, so that a
    client may set any of them before: ``train#dataset#data``, ``train#trainer#max_epochs``.

    Args:
        method: ``iac``, ``iac_3d`` or ``dints``, whose options the config has.
        stage: ``search``, ``train``, ``postprocess``, ``evaluate`` or ``inference``.
        ranks: join the processes that ``torchrun`` started.

    Raises:
        ValueError: if the stage is unknown.
    """

    def __init__(self, method: str, stage: str, *, ranks: bool = False) -> None:
        if stage not in STAGES:
            raise ValueError(f"stage '{stage}' is unknown. Known: {', '.join(STAGES)}.")
        self.method = method
        self.stage = stage
        self.ranks = ranks
        self._tracking: RunTracking | None = None
        # Not the parser itself, which holds this: a run's folders go with its parser.
        self._parser: ref[ConfigParser] | None = None
        self._checked = False

    def begin(self) -> None:
        """Read the options: the first thing that a config does.

        Errors that are raised on purpose are told in one line from here on. Paths are taken as
        they were typed, options are checked, processes joined.

        Raises:
            OptionError: with one line for each option at fault.
        """
        report_errors_briefly()
        parser = running_parser()
        self._parser = ref(parser)
        warn_of_other_version(parser)
        take_paths_as_typed()
        check_options(self.method)
        if self.ranks:
            join_ranks()

    def build(self) -> None:
        """Seed a training, and build all that needs no data: nothing may fail after hours of them.

        The network of a training is tried on an empty patch, and so are a loss and an inferer.

        Raises:
            ValueError: if a part of the run cannot be built, naming it and the reason.
        """
        stage, parser = STAGES[self.stage], running_parser()
        if stage.trains:
            set_determinism(seed=parser.get_parsed_content("seed"))
            check_length(parser)
            self._try_network(parser)
        build_components(*stage.components)

    def check_data(self) -> None:
        """Own the run's folders, then check its data: the last thing before the engine starts.

        Raises:
            FolderInUseError: if another process owns a folder.
            CheckpointError: if the run is to resume from a checkpoint of another.
            DatasetError: listing all that is wrong with the data.
        """
        begun = self._parser() if self._parser is not None else None
        parser = running_parser() if begun is None else begun
        parser.get_parsed_content("folders").claim()
        check_data(parser, STAGES[self.stage], method=self.method)
        self._checked = True

    def check_data_once(self) -> None:
        """As :meth:`check_data`, unless the config's ``run`` has done it already."""
        if not self._checked:
            self.check_data()

    def run(self, engine: Engine, validators: Sequence[Engine] = ()) -> None:
        """Run an engine to its end, or until SIGINT or SIGTERM and the end of the step at work.

        Experiment trackers among its handlers are told the settings, and a search's numbers.

        Args:
            engine: a trainer or an evaluator.
            validators: evaluators that the trainer runs.
        """
        stage, parser = STAGES[self.stage], running_parser()
        record = parser.get_parsed_content("run_record") if stage.trains else None
        self._tracking = RunTracking(parser, handlers=stage.handlers, record=record)
        self._tracking.attach(engine)
        run_until_signal(engine, validators)

    def end(self) -> None:
        """Give trackers the files of the results, leave the other processes, release the folders.

        Raises:
            FolderLostError: if one was deleted or moved during the run.
        """
        if self._tracking is not None:
            self._tracking.finish()
            self._tracking = None
        if self.ranks:
            leave_ranks()
        running_parser().get_parsed_content("folders").release()

    def _try_network(self, parser: ConfigParser) -> None:
        if "budget" in parser:
            parser.get_parsed_content("budget")
        network = note_built(parser.get_parsed_content("network"))
        # A patch of a topology search is held against its space by a rule of the options.
        if self.method != "dints":
            names = ("in_channels", "patch_size")
            channels, patch = (parser.get_parsed_content(name) for name in names)
            check_patch(network, num_channels=channels, patch_size=patch)
