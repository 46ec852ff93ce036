"""A data set's own description, checked against a bundle before any image is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iac_components.common.registry import Registry
from iac_components.data.faults import Fault, raise_faults
from iac_components.data.layouts.catalogue import find_dataset
from iac_components.data.layouts.described.dataset_json import JSON_NAME, read_dataset_json
from iac_components.data.layouts.general.label_classes import LabelClasses, parse_labels

__all__ = [
    "Description",
    "DescriptionReader",
    "check_description",
    "describe_dataset",
    "register_description",
]


@dataclass(frozen=True)
class Description:
    """Names that a dataset states; None where it states nothing.

    Attributes:
        file: the file that states them.
        classes: names of the foreground classes, in the field ``labels``.
        channels: names of an image's channels, in the field ``modality``.
    """

    file: Path
    classes: tuple[str, ...] | None
    channels: tuple[str, ...] | None


DescriptionReader = Callable[[Path], Description]
"""``reader(dataset_dir)`` returns the description, or raises DatasetError."""

_REGISTRY: Registry[DescriptionReader] = Registry("description")

register_description = _REGISTRY.register


def describe_dataset(dataset_dir: str | Path, *, layout: str) -> Description | None:
    """Read the names that a dataset states; None for a layout that states none.

    Raises:
        ValueError: if the layout is unknown.
        DatasetError: if the folder or its description is missing or malformed.
    """
    folder = find_dataset(dataset_dir, layout=layout)
    return _REGISTRY[layout](folder) if layout in _REGISTRY else None


def check_description(
    dataset_dir: str | Path, *, layout: str, class_names: Sequence[str], num_channels: int
) -> None:
    """Compare the numbers of classes and channels that a dataset states with the bundle's.

    Names are not compared: they differ in spelling ("arota", "Anterior") where classes do not.
    Layouts without a description (``acdc``, ``brats``, ``kits``), and fields that a description
    lacks, have nothing to compare; nor has a folder that is not there: what reads the cases says
    so, and MONAI Label brings a list of cases of its own.

    Args:
        dataset_dir: the dataset as downloaded.
        layout: name of its folder layout.
        class_names: names of the bundle's foreground classes.
        num_channels: channels of an image that the network takes.

    Raises:
        ValueError: if the layout is unknown.
        DatasetError: if the description is missing or malformed, or a number differs; the
            message names the file, the field and both values.
    """
    if not Path(dataset_dir).expanduser().exists():
        return
    description = describe_dataset(dataset_dir, layout=layout)
    if description is None:
        return
    ours = f"{len(class_names)} ({', '.join(class_names)})"
    faults = [
        *_differs("labels", description.classes, "class_names", len(class_names), ours),
        *_differs("modality", description.channels, "in_channels", num_channels, str(num_channels)),
    ]
    raise_faults(faults, subject=f"'{description.file}'")


def _differs(
    field: str, stated: Sequence[str] | None, option: str, count: int, ours: str
) -> Iterator[Fault]:
    """Yield the fault of a field that states another number of names than the bundle's option."""
    if stated is not None and len(stated) != count:
        yield Fault(
            f"field '{field}'",
            f"names {len(stated)} ({', '.join(stated)}), but {option} of this bundle is {ours}",
            f"Pass this bundle's data set with --dataset_dir, or set {option} to fit the data.",
        )


@register_description("decathlon")
def _decathlon(dataset_dir: Path) -> Description:
    return _read(dataset_dir, folder_name="TaskNN")


@register_description("amos")
def _amos(dataset_dir: Path) -> Description:
    return _read(dataset_dir, folder_name="amos22")


@register_description("nnunet")
def _nnunet(dataset_dir: Path) -> Description:
    return _read(dataset_dir, folder_name="DatasetNNN_Name", channels="channel_names")


def _read(dataset_dir: Path, *, folder_name: str, channels: str = "modality") -> Description:
    """Read the fields for classes and channels of a ``dataset.json``, value -> name in each."""
    content = read_dataset_json(dataset_dir, folder_name=folder_name)
    file = dataset_dir / JSON_NAME
    names: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for field, given in (("labels", "labels"), ("modality", channels)):
        value = content.get(given)
        if isinstance(value, dict):
            names[field] = _classes(value) if field == "labels" else tuple(map(str, value.values()))
        elif value is not None:
            problem = f"must be an object of values and their names, not {str(value)[:60]!r}"
            faults.append(Fault(f"field '{given}'", problem, "Correct the field."))
    raise_faults(faults, subject=f"'{file}'")
    return Description(file, names.get("labels"), names.get("modality"))


def _classes(labels: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the labels without the background, which is a label but no class of a bundle.

    The Decathlon and AMOS write value -> name, nnU-Net v2 writes name -> value; where it states
    regions, the classes are the parts that these cut each other into.
    """
    if all(value.isdecimal() for value in labels):
        return tuple(str(name) for value, name in labels.items() if value != "0")
    if any(isinstance(value, list) for value in labels.values()):
        parsed = parse_labels(labels)
        if isinstance(parsed, LabelClasses):
            return parsed.names
    return tuple(name for name, value in labels.items() if value != 0)
