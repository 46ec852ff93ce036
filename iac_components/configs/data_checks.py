"""Checks of a run that its data decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai.bundle import ConfigParser

from iac_components.configs.stages import Stage
from iac_components.data import (
    check_datalist,
    check_description,
    check_split,
    check_window_reach,
)
from iac_components.data.case import DatalistEntry
from iac_components.engine import check_resume, data_parts
from iac_components.engine.stacks import CHECKPOINTS
from iac_components.networks import write_complexity
from iac_components.search import check_planned_steps

__all__ = ["check_data", "check_length"]


def check_length(parser: ConfigParser, *, counted: bool = False) -> None:
    """Refuse a search that would never move an architecture parameter.

    Args:
        parser: of the run; one without a warm-up searches nothing.
        counted: the data can be read, so that the steps of an epoch are known.

    Raises:
        ValueError: naming the options and their values.
    """
    if "warmup_epochs" not in parser:
        return

    def value(name: str) -> Any:
        return parser.get_parsed_content(f"train#trainer#{name}")

    steps = value("epoch_length")
    check_planned_steps(
        epochs=value("max_epochs"),
        warmup_epochs=value("warmup_epochs"),
        architecture_every=value("architecture_every"),
        steps_per_epoch=steps or (_length_of_loader(parser) if counted else None),
    )


def _length_of_loader(parser: ConfigParser) -> int:
    return len(parser.get_parsed_content("train#dataloader"))


def check_data(parser: ConfigParser, stage: Stage, *, method: str) -> None:
    """Check the run's data, and what of the run depends on them.

    Args:
        parser: of the run.
        stage: of the run.
        method: ``iac``, ``iac_3d`` or ``dints``.

    Raises:
        CheckpointError: if the run is to resume from a checkpoint of another.
        DatasetError: listing all that is wrong with the data.
        ValueError: if a part is empty, or a search would not search.
    """
    value = parser.get_parsed_content
    if stage.trains:
        directory = f"{value('output_dir')}/{CHECKPOINTS}"
        check_resume(directory, value("run_record"), resume=value("resume"))
    places = stage.parts or data_parts(parser)
    used = {name: _cases(parser, where) for name, where in places.items()}
    if "layout" in parser:
        check_description(
            value("dataset_dir"),
            layout=value("layout"),
            class_names=value("class_names"),
            num_channels=value("in_channels"),
        )
    parts = value("cases").with_left_out(used) if stage.trains else used
    if stage.trains:
        check_split(parts)
    check_datalist(
        parts.get("images", parts),
        labels=_label_values(parser),
        num_channels=value("in_channels"),
        voxel_size_range=value("voxel_size_range"),
        **stage.preflight,  # type: ignore[arg-type]
    )
    if stage.trains:
        _check_training(parser, used, method=method)


def _cases(parser: ConfigParser, where: str) -> list[DatalistEntry]:
    """List cases with their images under MONAI's own name."""
    key = parser.get_parsed_content("image_key") if "image_key" in parser else "image"
    entries = parser.get_parsed_content(where)
    return [{**entry, "image": entry[key]} if key != "image" else entry for entry in entries]


def _label_values(parser: ConfigParser) -> Sequence[int]:
    given = parser.get_parsed_content("label_values") if "label_values" in parser else None
    return given or range(parser.get_parsed_content("out_channels"))


def _check_training(
    parser: ConfigParser, used: Mapping[str, Sequence[DatalistEntry]], *, method: str
) -> None:
    value = parser.get_parsed_content
    if "field_of_view" in parser:
        learned = [entry for name in used if name != "validation" for entry in used[name]]
        check_window_reach(
            learned,
            transform=value("train#preprocessing"),
            field_of_view=value("field_of_view"),
            class_names=value("class_names"),
        )
    check_length(parser, counted=True)
    # A search's network is told by its result.
    if "warmup_epochs" not in parser:
        label = {"method": method}
        if "skip_module" in parser:
            label = {"skip_module": value("skip_module")}
        write_complexity(
            f"{value('output_dir')}/network.json",
            value("network"),
            input_shape=(1, value("in_channels"), *value("patch_size")),
            **label,
        )
