"""Finished runs of a data set as members of an ensemble."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.data import Folds, load_folds
from iac_components.interface.running.chain import run_stages
from iac_components.interface.running.finished import RECORD_NAME
from iac_components.interface.running.folds.stages import ensemble_stage
from iac_components.interface.running.request import RunRequest, read_request
from iac_components.interface.running.stages import Stage

__all__ = ["Configuration", "read_configuration", "run_inference", "shared_folds"]

SAVED = "save_probabilities"
LEFT_OUT = ("postprocessing_file", "output_ext", "output_postfix", "separate_folder")
"""Options of a run's inference that an average does without: what is made of the label maps."""


@dataclass(frozen=True)
class Configuration:
    """A finished run.

    Attributes:
        folder: of the run; its name is the configuration's.
        request: what it was asked for.
        folds: the stages of each tested fold.
    """

    folder: Path
    request: RunRequest
    folds: Mapping[int, Sequence[Stage]]

    @property
    def folds_file(self) -> str:
        """The file of the split."""
        return str(next(iter(self.folds.values()))[0].options["folds_file"])

    @property
    def split(self) -> Folds:
        """The split of the patients."""
        return load_folds(self.folds_file)

    @property
    def facts(self) -> dict[str, object]:
        """Return the settings that all configurations of a data set share."""
        settings = self.request.bundles.settings("train")
        return {key: settings.get(key) for key in ("layout", "class_names", "regions")}

    def inference(self, folds: Sequence[int], *, images: Path, out: Path) -> Stage:
        """Make the stage that keeps the probabilities of images.

        Args:
            folds: whose networks are averaged, before softmax, as in a run's own ensemble.
            images: folder of the images.
            out: gets ``predictions``.
        """
        stages: dict[int | None, Sequence[Stage]] = {fold: self.folds[fold] for fold in folds}
        if len(folds) == 1:
            (stage,) = (stage for stage in self.folds[folds[0]] if stage.name == "predict")
        else:
            stage = ensemble_stage(self.request.bundles, stages, images=images, out=out)
        options = {key: value for key, value in stage.options.items() if key not in LEFT_OUT}
        own = {"dataset_dir": images, SAVED: True, "output_dir": out / "predictions"}
        return replace(
            stage,
            title=f"probabilities of {self.folder.name}",
            options={**options, **own},
            result=out / "predictions",
        )


def read_configuration(folder: Path) -> Configuration:
    """Read a run of which at least one fold is tested.

    Raises:
        OptionError: if there is none, or its bundles cannot save probabilities.
    """
    request = read_request(folder)
    folds = request.tested_folds(folder)
    if not folds:
        raise OptionError(
            f"'{folder}' has no fold whose test patients were scored. Let its 'iac run' end; of "
            f"fold all, segment with --{SAVED} true and pass the folders of label maps."
        )
    if SAVED not in request.bundles.settings("inference"):
        raise OptionError(
            f"'{request.bundles.root('inference')}' has no option --{SAVED}: it is of an earlier "
            "version. Write the bundles again, as by 'iac new' with --overwrite."
        )
    return Configuration(folder, request, folds)


def shared_folds(configurations: Sequence[Configuration]) -> list[int]:
    """Return the folds that all configurations tested, of one split of the same data.

    Raises:
        OptionError: if data, classes or splits differ, two have one name, or no fold is shared.
    """
    first, *others = configurations
    names = [configuration.folder.name for configuration in configurations]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise OptionError(f"two runs are called '{twice}': an ensemble tells them apart by name.")
    for other in others:
        for key, value in first.facts.items():
            if other.facts[key] != value:
                raise OptionError(
                    f"'{other.folder}' has {key} {other.facts[key]}, '{first.folder}' {value}. "
                    "Only runs on the same data and classes can be averaged."
                )
        if other.split != first.split:
            raise OptionError(
                f"'{other.folder}' was tested on other folds than '{first.folder}'. Run it with "
                f"--set folds_file={first.folds_file}."
            )
    shared = set(first.folds).intersection(*(other.folds for other in others))
    if not shared:
        listed = "; ".join(
            f"{c.folder.name} {', '.join(map(str, c.folds))}" for c in configurations
        )
        raise OptionError(f"no fold was tested by all runs ({listed}). Run one with all of them.")
    return sorted(shared)


def run_inference(stage: Stage, folder: Path, *, images: Path | None = None) -> Path:
    """Run an inference unless its result is there and newer than what it is made of.

    Args:
        stage: of a configuration.
        folder: of its result, which is emptied if it is outdated.
        images: folder of images that may have changed since.

    Returns:
        The folder of the probabilities.
    """
    record = folder / RECORD_NAME
    made_of = [path for path in _weights(stage) if path.exists()]
    if images is not None:
        made_of += [images, *images.iterdir()]
    changed = max((path.stat().st_mtime for path in made_of), default=0.0)
    if record.is_file() and changed > record.stat().st_mtime:
        shutil.rmtree(folder)
    run_stages([stage], folder)
    return stage.result


def _weights(stage: Stage) -> list[Path]:
    """List the files of weights and architectures that an inference names."""
    options = stage.options
    single = [value for key, value in options.items() if key.endswith(("_path", "checkpoint"))]
    several = [
        name
        for key in ("fold_weights", "fold_architectures")
        if isinstance(names := options.get(key), list)
        for name in names
    ]
    return [Path(str(value)) for value in (*single, *several)]
