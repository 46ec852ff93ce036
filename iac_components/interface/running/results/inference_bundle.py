"""An inference bundle made of a finished run: its networks, what was found, its options."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser

from iac_components.adaptation.bundles.network_bundle import read_bundle
from iac_components.adaptation.bundles.new_bundle import bundle_place, copy_bundle
from iac_components.adaptation.bundles.traced import example_input, extra_formats, write_traced
from iac_components.bundling.options import OptionError
from iac_components.common.files import write_json
from iac_components.common.files.tensor_files import write_tensors
from iac_components.evaluation.postprocessing.decision_file import read_kept
from iac_components.interface.running.finished import FREE, FinishedStages
from iac_components.interface.running.folds.stages import (
    CROSS_VALIDATION,
    ensemble_stage,
    fold_folder,
)
from iac_components.interface.running.request import read_request
from iac_components.interface.running.results.bundle_words import write_words
from iac_components.interface.running.stages import Stage

__all__ = ["export_run"]

CHECKPOINT, WEIGHTS = "checkpoint", "fold_weights"
ARCHITECTURES, DECIDED = "fold_architectures", "postprocessing_file"
OF_THE_PLACE = FREE | {"output_dir"}

Made = dict[str, Path]
"""Path within the new bundle to the file that it is made of."""


@dataclass(frozen=True)
class _Source:
    """Parts of a run that a bundle is made of.

    Attributes:
        root: the inference bundle that the run segments with.
        stage: that segments, with one network or the average of several.
        folds: the stages of each fold that has one of these networks.
        scores: ``metrics.json`` of the patients that were tested; None where none was.
    """

    root: Path
    stage: Stage
    folds: Mapping[int | None, Sequence[Stage]]
    scores: Path | None

    @property
    def options(self) -> dict[str, object]:
        """Options of the segmentation, but for those of a place or a machine."""
        found = {k: v for k, v in self.stage.options.items() if k not in OF_THE_PLACE}
        if (decided := found.get(DECIDED)) is not None:
            path = Path(str(decided))
            # Without the file the run is one of version 0.5 or before.
            if not path.is_file() or not read_kept(path).describe():
                del found[DECIDED]
        return found

    @property
    def architecture(self) -> str:
        """Name of the option for what a search found."""
        options = _predict(next(iter(self.folds.values()))).options
        return next(key for key in options if key.endswith("_path"))


def export_run(
    run: str | Path,
    output_dir: str | Path,
    *,
    fold: int | None = None,
    also: str | Sequence[str] = (),
) -> Path:
    """Write the bundle that segments as a finished run does, without any option.

    It is the run's inference bundle with the trained weights, what was found, the largest
    components to keep, and the options of ``--set`` as defaults, but for those of the machine
    (device, mixed precision, processes). Of several folds it holds the average.

    Args:
        run: folder of an ``iac run`` that has ended.
        output_dir: of the new bundle; must not exist, or be empty.
        fold: whose network alone is taken; None averages all.
        also: ``torchscript`` and ``onnx`` write ``models/model.ts`` and ``models/model.onnx``, too.

    Returns:
        The new bundle's folder.

    Raises:
        OptionError: if an option or the run is at fault.
    """
    formats = extra_formats(also)
    folder = Path(run).expanduser().absolute()
    source = _source(folder, fold)
    if formats and len(source.folds) > 1:
        raise OptionError(
            f"--also {formats[0]}: '{run}' averages {len(source.folds)} networks, of which one can "
            f"be exported. Pass --fold {next(iter(source.folds))}, or another."
        )
    with bundle_place(output_dir, source.root) as made:
        copy_bundle(source.root, made)
        files = _write_config(source, made)
        _flatten_weights(source, made, files)
        digests = {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in files}
        write_words(
            made,
            folder,
            source.folds,
            scores=source.scores,
            weights={name: path for name, path in files.items() if name.startswith("models/")},
            digests=digests,
        )
        if formats:
            bundle = read_bundle(made, device=torch.device("cpu"))
            for name in formats:
                write_traced(bundle.network, example_input(bundle), name, made / "models")
    return Path(output_dir).expanduser().absolute()


def _source(run: Path, fold: int | None) -> _Source:
    request = read_request(run)
    folds = request.stages(run)
    if fold is not None:
        if fold not in folds:
            known = ", ".join(str(number) for number in folds if number is not None)
            raise OptionError(
                f"--fold {fold}: '{run}' "
                + (f"has the folds {known}." if known else "is not of several folds.")
            )
        folds = {fold: folds[fold]}
    for number, stages in folds.items():
        if not _has_ended(run, number, stages, "train"):
            which = "" if number is None else f" of fold {number}"
            raise OptionError(
                f"the training{which} in '{run}' has not ended. Let its 'iac run' end."
            )
    if len(folds) > 1:
        stage = ensemble_stage(request.bundles, folds, images=run / "images", out=run)
        scores = run / CROSS_VALIDATION / "metrics.json"
    else:
        (stages,) = folds.values()
        stage = _predict(stages)
        scores = next(s.result for s in stages if s.name == "evaluate")
    root = request.bundles.root("inference").absolute()
    # Scores of a training that was repeated since would be another network's.
    tested = all(_has_ended(run, number, of, "evaluate") for number, of in folds.items())
    return _Source(root, stage, folds, scores if tested and scores.is_file() else None)


def _has_ended(run: Path, fold: int | None, stages: Sequence[Stage], name: str) -> bool:
    finished = FinishedStages(run if fold is None else fold_folder(run, fold))
    return finished.has(next(stage for stage in stages if stage.name == name))


def _predict(stages: Sequence[Stage]) -> Stage:
    return next(stage for stage in stages if stage.name == "predict")


def _write_config(source: _Source, made: Path) -> Made:
    """Make the options of the segmentation defaults, and copy the files that they name."""
    path = made / "configs" / "inference.json"
    config = ConfigParser(ConfigParser.load_config_file(str(path)))
    names = [f"fold_{number}" for number in source.folds]
    files: Made = {}
    for key, given in source.options.items():
        value = _typed(given)
        if key == WEIGHTS:
            places = [f"models/{name}.pt" for name in names]
        elif key == ARCHITECTURES:
            places = [f"folds/{name}.json" for name in names]
        elif key == CHECKPOINT:
            places = ["models/model.pt"]
        elif value is not None and (key == DECIDED or key.endswith("_path")):
            places = [f"{key.removesuffix('_path').removesuffix('_file')}.json"]
        else:
            config[key] = value
            continue
        several = isinstance(value, list)
        origins = [Path(str(one)) for one in (cast("list[str]", value) if several else [value])]
        files.update(zip(places, origins, strict=True))
        inside = [f"$@bundle_root + '/{place}'" for place in places]
        config[key] = inside if several else inside[0]
    for place, origin in files.items():
        (made / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(origin, made / place)
    write_json(path, cast(dict[str, object], config.get()))
    return files


def _typed(value: object) -> object:
    """Read what a user typed after ``--set``, as JSON or as Python."""
    if not isinstance(value, str):
        return value if value is None or isinstance(value, list) else str(value)
    try:
        return json.loads(value)
    except ValueError:
        return DefaultParseValue(value)


def _flatten_weights(source: _Source, made: Path, files: Made) -> None:
    """Turn checkpoints into plain state dicts, and check that they load into their networks."""
    for name in (name for name in files if name.startswith("models/")):
        given: dict[str, object] = {}
        if len(source.folds) > 1:
            found = made / "folds" / f"{Path(name).stem}.json"
            given = {WEIGHTS: None, CHECKPOINT: str(made / name), source.architecture: str(found)}
        for _ in range(2):  # as the run left them, then as they were written
            network = read_bundle(made, device=torch.device("cpu"), **given).network
            write_tensors(made / name, network.state_dict())
