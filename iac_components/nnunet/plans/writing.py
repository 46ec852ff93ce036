"""Plans with a cell and plans of a search, written from nnU-Net's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import iac_components
from iac_components.common.files import read_json, write_json
from iac_components.nnunet.plans.options import SearchOptions, TrainingOptions
from iac_components.nnunet.plans.reading import (
    MAX_BYTES,
    PlansError,
    changed_plans,
    chosen_configurations,
    read_plans,
)
from iac_components.nnunet.weights.checkpoint import read_network_weights
from iac_components.search_space import GenotypeError, load_genotype

__all__ = ["checkpoint_paths", "write_cell_plans", "write_search_plans"]


def write_cell_plans(
    source: str | Path,
    genotype: str | Path,
    target: str | Path,
    *,
    configurations: Sequence[str] = (),
    channel_divisor: int = 1,
    training: TrainingOptions | None = None,
) -> list[str]:
    """Write plans whose networks hold a cell; each is built once to see that it fits.

    Args:
        source: nnU-Net's ``nnUNetPlans.json``, or plans of its residual encoder presets.
        genotype: ``genotype.json``; it is copied into the plans, which travel with every model.
        target: file to write; its name without ``.json`` is what ``-p`` takes.
        configurations: to put the cell into; all of the genotype's dimensions by default.
        channel_divisor: 1, or K of the search for cells as narrow as those searched.
        training: options of ``nnUNetTrainerIAC``, which is then the only trainer that takes the
            plans; None is for any trainer.

    Returns:
        The configurations that hold the cell.

    Raises:
        FileExistsError: if there is such a file.
        PlansError: if the plans cannot be used or have no such configuration.
        GenotypeError: if the genotype cannot be read, or does not fit a configuration.
        ValueError: if the checkpoint is none of nnU-Net's.
    """
    file = _new_file(target)
    found = load_genotype(genotype)
    plans = read_plans(source)
    chosen = chosen_configurations(
        plans, configurations, spatial_dims=found.search_space.spatial_dims
    )
    if training is not None and training.weights is not None:
        _require_weights(training.weights)
    own = {
        "genotype": read_json(genotype, max_bytes=MAX_BYTES),
        "channel_divisor": channel_divisor,
        "trainer": None if training is None else "nnUNetTrainerIAC",
    }
    section = {} if training is None else {"training": dataclasses.asdict(training)}
    _write(file, plans, dict.fromkeys(chosen, own), section)
    return chosen


def write_search_plans(
    source: str | Path,
    target: str | Path,
    *,
    configurations: Sequence[str] = (),
    options: SearchOptions,
) -> list[str]:
    """Write plans by which ``nnUNetTrainerIACSearch`` searches a cell.

    Args:
        source: the plans that the network was trained by.
        target: file to write.
        configurations: to search for; all by default.
        options: of the search.

    Returns:
        The configurations.

    Raises:
        FileExistsError: if there is such a file.
        PlansError: if the plans cannot be used or have no such configuration.
        OSError: if a checkpoint or the table of groups cannot be read.
        ValueError: if one of them is none.
    """
    file = _new_file(target)
    plans = read_plans(source)
    chosen = chosen_configurations(plans, configurations, spatial_dims=None)
    if options.weights is not None:
        _require_weights(options.weights)
    if options.groups is not None and not Path(options.groups).is_file():
        raise FileNotFoundError(f"groups '{options.groups}' does not exist, or is no file.")
    own = {"trainer": "nnUNetTrainerIACSearch"}
    section = {"search": dataclasses.asdict(options)}
    _write(file, plans, dict.fromkeys(chosen, own), section)
    return chosen


def checkpoint_paths(weights: str) -> list[Path]:
    """Return the files that a path with or without ``{fold}`` stands for, as far as they exist."""
    folds = [*map(str, range(5)), "all"]
    paths = (Path(weights.replace("{fold}", fold)) for fold in folds)
    return [path for path in dict.fromkeys(paths) if path.is_file()]


def _new_file(target: str | Path) -> Path:
    file = Path(target)
    if file.suffix != ".json":
        raise PlansError(f"'{target}' must end with .json: nnU-Net looks for such a file.")
    if file.exists():
        raise FileExistsError(f"'{target}' exists already: choose another name, or remove it.")
    return file


def _require_weights(weights: str) -> None:
    found = checkpoint_paths(weights)
    if not found:
        raise FileNotFoundError(f"weights '{weights}': there is no such checkpoint of any fold.")
    for path in found:
        read_network_weights(path)


def _write(
    file: Path,
    plans: Mapping[str, object],
    arguments: Mapping[str, Mapping[str, object]],
    section: Mapping[str, object],
) -> None:
    """Write changed plans, once the networks with a cell were built."""
    about = {"version": iac_components.__version__, **section}
    new = changed_plans(plans, name=file.stem, arguments=arguments, section=about)
    configurations = cast("Mapping[str, Mapping[str, object]]", new["configurations"])
    for name, own in arguments.items():
        if "genotype" in own:
            _try(name, configurations[name]["architecture"])
    write_json(file, new)


def _try(name: str, architecture: object) -> None:
    """Build the network of a configuration with its cell."""
    # Here, since it needs nnU-Net, without which plans can be read.
    from iac_components.nnunet.building import Architecture, build_cell_network

    try:
        build_cell_network(cast(Architecture, architecture), 1, 2, deep_supervision=False)
    except ValueError as error:
        raise GenotypeError(f"configuration '{name}': {error}") from error
