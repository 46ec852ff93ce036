"""Request of an ``iac run``, kept beside its results for commands that build on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.common.files import Fields, read_json, write_json
from iac_components.data.parts import ALL_FOLDS
from iac_components.interface.running.bundles import Bundles
from iac_components.interface.running.folds.stages import fold_stages, found_folds
from iac_components.interface.running.overrides import override, read_overrides
from iac_components.interface.running.stages import Stage, make_stages

__all__ = ["REQUEST_NAME", "RunRequest", "read_request"]

REQUEST_NAME = "request.json"
MAX_BYTES = 1_000_000
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RunRequest:
    """A run by its bundles, its data and its options.

    Attributes:
        bundles: of a combination.
        data: the labelled data set.
        overrides: the words after ``--set``.
    """

    bundles: Bundles
    data: Path
    overrides: Sequence[str]

    def write(self, out: Path) -> None:
        """Write ``request.json`` into the run's folder."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "bundles": str(self.bundles.stem.absolute()),
            "dataset_dir": str(self.data.absolute()),
            "set": list(self.overrides),
        }
        write_json(out / REQUEST_NAME, content)

    def stages(self, out: Path) -> dict[int | None, list[Stage]]:
        """List the stages of each fold that has a folder, or of the config's (None), as they ran.

        Args:
            out: the run's folder, of several folds or of one.
        """
        given = read_overrides(self.overrides)
        folds: dict[int | None, list[Stage]] = {
            fold: override(fold_stages(self.bundles, self.data, out=out, fold=fold), given)
            for fold in found_folds(out)
        }
        if folds:
            return folds
        single = make_stages(self.bundles, self.data, images=out / "images", out=out)
        return {None: override(single, given)}

    def tested_folds(self, out: Path) -> dict[int, list[Stage]]:
        """List the stages of each fold whose test patients were scored, as the run ran them.

        Args:
            out: the run's folder, of several folds or of one.
        """
        tested = {}
        for number, stages in self.stages(out).items():
            fold: object = number
            if fold is None:
                fold = stages[0].options.get("fold", self.bundles.settings("train").get("fold", 0))
            scores = [stage.result for stage in stages if stage.name == "evaluate"]
            if fold != ALL_FOLDS and all(result.exists() for result in scores):
                tested[int(str(fold))] = stages
        return tested


def read_request(out: Path) -> RunRequest:
    """Read what the run of a folder was asked for.

    Raises:
        OptionError: if the folder does not say it, or its bundles are gone.
    """
    path = out / REQUEST_NAME
    repeat = "Repeat its 'iac run' command: it finds all stages ended, and notes it."
    if not path.is_file():
        raise OptionError(
            f"'{out}' does not say which bundles and data it is of ('{REQUEST_NAME}' is missing). "
            f"{repeat}"
        )
    try:
        fields = Fields.of(read_json(path, max_bytes=MAX_BYTES), error=OptionError)
        fields.require_version(SCHEMA_VERSION)
        request = RunRequest(
            Bundles(Path(fields.string("bundles"))),
            Path(fields.string("dataset_dir")),
            fields.strings("set"),
        )
    except ValueError as error:
        raise OptionError(f"'{path}': {error} {repeat}") from error
    if missing := request.bundles.missing():
        raise OptionError(f"'{out}' is a run of bundles that are gone: '{missing[0]}' is missing.")
    return request
