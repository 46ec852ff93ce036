"""Put trained weights into an inference bundle: flat, with their sum, record and scores.

Writes models/model.pt as a plain state dict, which monai.bundle.load and MONAI's exports take
without a key, and docs/weights.json; then renders the collection again, so that README and metadata
(eval_metrics) say the same. Nothing is written unless the weights fit the bundle's own network.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from monai.bundle import ConfigParser
from torch import Tensor, nn

from iac_components.bundling.rendering.facts import BUNDLES, IAC, Facts
from iac_components.bundling.rendering.performance import SCORED
from iac_components.common.files import read_json, write_json
from iac_components.common.files.tensor_files import write_tensors
from iac_components.engine.records.weights_record import read_run
from iac_components.evaluation import read_metrics, write_metrics
from iac_components.networks import ImplantedNetwork, load_weights
from tools.maintenance.render import render_all

__all__ = ["halved", "main", "ship"]

MAX_JSON_BYTES = 20_000_000
SKIP_MODULE = "skip_module"


def ship(
    root: Path,
    trained: Path,
    *,
    evaluations: Sequence[Path],
    tested_on: str,
    facts: Mapping[str, str],
    note: str,
    scored: str = SCORED,
    half: bool = False,
) -> None:
    """Write model.pt and weights.json of a bundle.

    Args:
        root: the inference bundle.
        trained: a checkpoint that training wrote, or a plain state dict.
        evaluations: folders with the metrics.csv of evaluations; those of several folds are pooled.
        tested_on: where the scores are from, as in "of the test fold".
        facts: what the record of the training does not hold: machine, minutes, commands.
        note: for the README: data and licence, how the weights were trained and what was scored.
        scored: whose scores they are: weights trained on every patient have none of their own.
        half: store kernels in half precision, as for a file that a repository can hold.

    Raises:
        OSError: if a file is missing.
        ValueError: if the weights are of another network or beyond half precision, or a patient
            was scored twice.
    """
    config = root / "configs" / "inference.json"
    if not config.is_file():
        raise FileNotFoundError(
            f"'{config}' does not exist: pass the folder of an inference bundle."
        )
    parser = ConfigParser()
    parser.read_config(str(config))
    parser["bundle_root"] = str(root)
    run = read_run(trained)
    plain = run is not None and cast(Facts, run["options"]).get(SKIP_MODULE) == "plain"
    if plain:
        parser["genotype_path"] = str(IAC / "no_cell" / f"{root.name.partition('_iac_')[0]}.json")
    network = cast(nn.Module, parser.get_parsed_content("network_def"))
    load_weights(cast(ImplantedNetwork, network).backbone if plain else network, trained)
    summary = _pooled(evaluations, cast(Sequence[str], parser.get("class_names")))
    model = root / "models" / "model.pt"
    state = network.state_dict()
    write_tensors(model, halved(state) if half else state)
    record = {
        "file": "models/model.pt",
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        **({"precision": "float16"} if half else {}),
        **({SKIP_MODULE: "plain"} if plain else {}),
        "note": note,
        "training": {**facts, "run": run},
        **({} if scored == SCORED else {"scored": scored}),
        "tested_on": tested_on,
        "test": summary,
    }
    write_json(root / "docs" / "weights.json", record)


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict whose kernels are in half precision, for about half of the bytes.

    A network in float32 loads it as it is. Tensors of one axis, norms and their statistics, which
    half precision may lose, are kept: they are few.

    Args:
        state: of a network.

    Raises:
        ValueError: if a value is beyond the range of half precision.
    """
    kept = {
        key: value.half() if value.is_floating_point() and value.dim() > 1 else value
        for key, value in state.items()
    }
    beyond = [key for key, value in kept.items() if not bool(torch.isfinite(value).all())]
    if beyond:
        raise ValueError(f"not finite in half precision: {beyond[0]}; ship them without --half.")
    return kept


def _pooled(evaluations: Sequence[Path], class_names: Sequence[str]) -> object:
    """Return the summary over the patients of all evaluations."""
    records = [record for folder in evaluations for record in read_metrics(folder)]
    with tempfile.TemporaryDirectory() as scratch:
        write_metrics(scratch, records, class_names=class_names, info={})
        path = Path(scratch) / "metrics.json"
        content = read_json(path, max_bytes=MAX_JSON_BYTES)
    return cast(Mapping[str, object], content)["summary"]


def _fact(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not name=value.")
    return name, value


def main(arguments: Sequence[str] | None = None) -> int:
    """Ship, and render; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", help="name of an inference bundle of the collection")
    parser.add_argument("trained", type=Path, help="model.pt that training wrote")
    parser.add_argument(
        "--evaluations", type=Path, nargs="+", required=True, help="folders with metrics.csv"
    )
    parser.add_argument("--tested_on", default="the test fold", help="whose patients were scored")
    parser.add_argument(
        "--scored", default=SCORED, help="what was scored, if not the shipped weights themselves"
    )
    parser.add_argument(
        "--note", required=True, help="for the README: how they were trained and scored"
    )
    parser.add_argument(
        "--facts", type=_fact, nargs="*", default=[], metavar="NAME=VALUE", help="of the training"
    )
    parser.add_argument(
        "--half", action="store_true", help="store kernels in half precision: half of the bytes"
    )
    given = parser.parse_args(arguments)
    try:
        ship(
            BUNDLES / given.bundle,
            given.trained,
            evaluations=given.evaluations,
            tested_on=given.tested_on,
            facts=dict(given.facts),
            note=given.note,
            scored=given.scored,
            half=given.half,
        )
    except (ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    render_all()
    return 0
