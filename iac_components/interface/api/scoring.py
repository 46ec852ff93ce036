"""The evaluation of a network on labelled cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.engines import SupervisedEvaluator
from monai.handlers import StatsHandler
from torch import nn

from iac_components.bundling.options import OptionError
from iac_components.engine import run_until_signal
from iac_components.evaluation import (
    PatientMetrics,
    Summary,
    patient_scores,
    read_metrics,
    summarize,
)
from iac_components.interface.api.inputs.batches import Batches, Item
from iac_components.interface.api.inputs.parts import Part
from iac_components.interface.api.inputs.sources import Source, read_source
from iac_components.interface.api.runs.arguments import choose_amp, choose_device, require
from iac_components.interface.api.runs.frame import (
    check_network,
    name_classes,
    number_classes,
    owned_folder,
)

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation, over patients.

    Attributes:
        dice: mean Dice over classes, a fraction.
        hd95: mean 95th percentile of the Hausdorff distance over classes, in mm.
        classes: Dice of each class, or of each region.
        files: ``metrics.csv``, every case and class, and ``metrics.json``, every patient.

    Example:
        >>> result = iac.evaluate(model, data.test, output_dir="runs/cell/test")
        >>> sorted(result.classes), result.dice.n_patients > 0
        (['Anterior', 'Posterior'], True)
    """

    dice: Summary
    hd95: Summary
    classes: Mapping[str, Summary]
    files: tuple[Path, Path]


def evaluate(
    network: nn.Module,
    data: Source,
    *,
    output_dir: str | Path,
    class_names: Sequence[str] | None = None,
    regions: Mapping[str, Sequence[int]] | None = None,
    device: str | torch.device | None = None,
    amp: bool | None = None,
    num_workers: int = 0,
) -> Evaluation:
    """Score a network on labelled cases, by patient, and write every score.

    Volumes are segmented as a whole and scored in their own grid.

    Args:
        network: from (B, C, *S) to logits (B, classes, *S).
        data: a part of :func:`load_dataset`, a ``DataLoader``, or a ``Dataset`` or list of items
            with ``image``, ``label`` and the names ``patient`` and ``case``.
        output_dir: folder of ``metrics.csv`` and ``metrics.json``.
        class_names: names of the foreground classes, if the data do not have them.
        regions: label values of each region to score; None scores each class alone.
        device: of the computation; the GPU if there is one, else the CPU.
        amp: mixed precision (bfloat16 on a CPU); None turns it on with CUDA.
        num_workers: processes that load data.

    Raises:
        OptionError: if an argument is not allowed, or network and data do not fit.
        FolderInUseError: if another process writes into ``output_dir``.

    Example:
        >>> result = iac.evaluate(model, data.test, output_dir="runs/cell/test")
        >>> 0 <= result.dice.mean <= 1
        True
    """
    require(
        {
            "output_dir": output_dir,
            "class_names": class_names,
            "regions": regions,
            "num_workers": num_workers,
        }
    )
    where = choose_device(device)
    mixed = choose_amp(amp, where)
    batches, _ = read_source(data, "data")
    network.to(where)
    names = name_classes(class_names, batches)
    outputs = check_network(network, batches.window, class_names=names, option="patch_size")
    names = names or number_classes(outputs)
    scoring = batches.scoring(num_workers=num_workers)
    _require_names(scoring.loader.dataset, data)
    with owned_folder(output_dir) as folder:
        info = {"network": type(network).__name__, **_origin(data, batches)}
        metrics = PatientMetrics(folder, names, info=info, regions=regions)
        evaluator = SupervisedEvaluator(
            device=where,
            val_data_loader=scoring.loader,
            network=network,
            inferer=scoring.inferer,
            postprocessing=scoring.postprocessing,
            val_handlers=[StatsHandler(iteration_log=False), metrics],
            amp=mixed,
        )
        run_until_signal(evaluator)
        return _summary(folder)


def _origin(data: Source, batches: Batches) -> dict[str, object]:
    origin = {"part": data.name, **data.origin} if isinstance(data, Part) else {}
    return {**origin, "cases": batches.cases.count, "cases_digest": batches.cases.digest}


def _require_names(dataset: object, data: Source) -> None:
    """Refuse items without names before the first one is segmented."""
    if isinstance(data, Part) or not hasattr(dataset, "__getitem__"):
        return
    item: Item = dataset[0]
    missing = [key for key in ("patient", "case") if not isinstance(item.get(key), str)]
    if missing:
        raise OptionError(
            f"data gives items without {' and '.join(missing)}: scores are by patient. Add them to "
            "each item, as text."
        )


def _summary(folder: Path) -> Evaluation:
    records = read_metrics(folder)
    dice, hd95 = (patient_scores(records, metric) for metric in ("dice", "hd95"))
    names = next(iter(dice.values())).classes
    return Evaluation(
        dice=summarize([score.mean for score in dice.values()]),
        hd95=summarize([score.mean for score in hd95.values()]),
        classes={
            name: summarize([score.classes[name] for score in dice.values()]) for name in names
        },
        files=(folder / "metrics.csv", folder / "metrics.json"),
    )
