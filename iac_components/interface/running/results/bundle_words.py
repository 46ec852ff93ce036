"""Words of a bundle that was made of a run: README, metadata, and the record of its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components import __version__
from iac_components.adaptation.bundles.new_bundle import add_to_metadata, add_to_readme
from iac_components.bundling.rendering.performance import eval_metrics
from iac_components.common.files import read_json, write_json
from iac_components.engine.records.weights_record import read_run
from iac_components.interface.running.results.words import (
    found_in_a_sentence,
    kept_in_a_sentence,
    metrics_table,
)
from iac_components.interface.running.stages import Stage

__all__ = ["write_words"]

MAX_BYTES = 100_000_000

Folds = Mapping[int | None, Sequence[Stage]]


def write_words(
    made: Path,
    run: Path,
    folds: Folds,
    *,
    scores: Path | None,
    weights: Mapping[str, Path],
    digests: Mapping[str, str],
) -> None:
    """Write what a bundle says of itself.

    Args:
        made: the bundle's folder.
        run: folder of the run.
        folds: stages of each fold that has a network in the bundle.
        scores: ``metrics.json`` of the test patients; None where none was tested.
        weights: files of weights within the bundle, and what they were made of.
        digests: SHA-256 of the files that are the run's.
    """
    told = _told(run, folds)
    record = made / "docs" / "weights.json"
    content: dict[str, object] = {
        "files": dict(digests),
        "note": told,
        "training": {name: read_run(path) for name, path in weights.items()},
    }
    added: dict[str, object] = {}
    if scores is not None:
        summary = cast(Mapping[str, object], read_json(scores, max_bytes=MAX_BYTES))["summary"]
        content |= {"tested_on": _tested(folds), "test": summary}
    write_json(record, content)
    if scores is not None:
        found = eval_metrics(record)
        added["eval_metrics"] = {k: v for k, v in found.items() if v is not None}
    add_to_metadata(
        made / "configs" / "metadata.json",
        mark="run",
        told=" ".join([told, *_found(folds)]),
        added=added,
        # The description tells of the genotype and the weights that the bundle came with.
        dropped=("eval_metrics", "description"),
    )
    add_to_readme(made / "docs" / "README.md", "\n\n".join(_readme(made, told, folds, scores)))


def _told(run: Path, folds: Folds) -> str:
    by = f"Weights of the run '{run.name}', by iac_components {__version__}"
    if len(folds) > 1:
        return f"{by}: the average of {len(folds)} folds' networks."
    (fold,) = folds
    return f"{by}." if fold is None else f"{by}, fold {fold}."


def _tested(folds: Folds) -> str:
    if len(folds) > 1:
        return "all folds, each by the network that never saw it"
    return "the test fold"


def _readme(made: Path, told: str, folds: Folds, scores: Path | None) -> list[str]:
    text = [f"# {made.name}", told]
    if scores is None:
        text.append("How it scores was not measured by the run.")
    else:
        text.append(f"On the patients of {_tested(folds)}:\n\n```\n{metrics_table(scores)}\n```")
    text += _found(folds)
    if len(folds) > 1:
        text.append(
            "It has no `models/model.pt`, which one network would have: what adapts or exports a "
            "network takes that of a fold, as `iac export` writes it with `--fold`."
        )
    text.append(
        "SHA-256 of each file and the record of each training: `docs/weights.json`. What is told "
        "below is of the bundle that the run began with, and of its weights if it had any."
    )
    return text


def _found(folds: Folds) -> list[str]:
    """Say what was found and decided for a network of one fold."""
    if len(folds) > 1:
        return []
    (stages,) = folds.values()
    results = {stage.name: stage.result for stage in stages if stage.result.is_file()}
    words = {"search": found_in_a_sentence, "postprocess": kept_in_a_sentence}
    return [tell(results[name]) for name, tell in words.items() if name in results]
