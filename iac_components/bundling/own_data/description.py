"""Description of a user's data set, read from its ``dataset.json``: classes, channels, licence.

Both spellings are read: the Decathlon's (``"labels": {"0": "background"}``, ``modality``) and
nnU-Net v2's (``"labels": {"background": 0}``, ``channel_names``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from iac_components.data.faults import Fault, raise_faults
from iac_components.data.layouts.dataset_json import JSON_NAME, read_dataset_json

__all__ = ["NOT_STATED", "DatasetDescription", "modality_of", "plain_text", "read_description"]

NOT_STATED = "not stated"
CORRECT = f"Correct {JSON_NAME}."

MODALITY_WORDS = {
    "CT": ("ct", "cta"),
    "MR": ("mr", "mri", "t1", "t1w", "t1c", "t1ce", "t1gd", "t2", "t2w", "flair", "adc", "dwi"),
    "PET": ("pet", "suv"),
    "US": ("us", "ultrasound"),
}
"""Words in a channel's name that tell its modality; cone-beam CT is left out, since its grey
values are no Hounsfield units."""


@dataclass(frozen=True)
class DatasetDescription:
    """Classes, channels and terms of use as the data set states them.

    Attributes:
        class_names: foreground classes by value, from 1 on: lower-case words and underscores, so
            that they can stand in tables and configs.
        channel_names: names of an image's channels, as stated; None where it states nothing.
        terms: ``licence``, ``release`` and ``reference``, each as stated or "not stated".
    """

    class_names: tuple[str, ...]
    channel_names: tuple[str, ...] | None
    terms: Mapping[str, str]


def read_description(dataset_dir: Path) -> DatasetDescription:
    """Read ``dataset.json``.

    Raises:
        DatasetError: if it is missing or malformed, if the label values are not 0 (the background)
            to n without a gap, or if the channels are not numbered from 0 on; all at once.
    """
    content = read_dataset_json(dataset_dir, folder_name="Decathlon-like")
    faults: list[Fault] = []
    classes = _classes(content.get("labels"), faults)
    channels = _channels(content, faults)
    raise_faults(faults, subject=f"'{dataset_dir / JSON_NAME}'")
    licence = content.get("licence", content.get("license"))
    stated = {
        "licence": licence,
        "release": content.get("release"),
        "reference": content.get("reference"),
    }
    return DatasetDescription(
        classes, channels, {key: plain_text(value) for key, value in stated.items()}
    )


def modality_of(channel_name: str) -> str:
    """Return the modality of a channel by its name; the name itself if it tells none."""
    words = set(re.findall(r"[a-z0-9]+", channel_name.casefold()))
    return next(
        (modality for modality, known in MODALITY_WORDS.items() if words & set(known)),
        plain_text(channel_name),
    )


def plain_text(value: object) -> str:
    """Text from a data set on one line, made harmless.

    MONAI runs a config's string that begins with ``$``, and follows one that begins with ``@`` or
    ``%``; relative references (``@#``, ``%#``) are looked for within strings too.
    """
    words = " ".join(str(value).split()) if value not in (None, "") else ""
    return re.sub(r"[@%]+(?=#|::)", "", words)[:300].lstrip("$@%+ ") or NOT_STATED


def _classes(labels: object, faults: list[Fault]) -> tuple[str, ...]:
    """Foreground classes in the order of their values; faults are added to the list."""
    if not isinstance(labels, dict) or not labels:
        problem = "must be an object of label values and their names, 0 the background"
        faults.append(Fault("field 'labels'", f"{problem}, not {str(labels)[:60]!r}", CORRECT))
        return ()
    named = _values_and_names(labels)
    if named is None:
        problem = (
            "must give each class one whole number (regions, which are lists of numbers, are not "
            f"supported): {str(labels)[:80]}"
        )
        faults.append(Fault("field 'labels'", problem, CORRECT))
        return ()
    found = [*_wrong_values(named), *_wrong_names(named)]
    faults += [Fault("field 'labels'", problem, remedy) for problem, remedy in found]
    return tuple(_slug(name) for value, name in sorted(named) if value != 0)


def _values_and_names(labels: Mapping[str, object]) -> list[tuple[int, str]] | None:
    """Pairs of value and name, in whichever spelling; None if it is neither."""
    if all(key.strip().isdecimal() for key in labels):
        return [(int(key), str(name)) for key, name in labels.items()]
    values = [(value, name) for name, value in labels.items() if type(value) is int and value >= 0]
    return values if len(values) == len(labels) else None


def _wrong_values(named: list[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) of values that are not 0 to n, each once."""
    values = sorted(value for value, _ in named)
    if repeated := sorted(value for value, count in Counter(values).items() if count > 1):
        yield f"gives the value(s) {_join(repeated)} more than one name", CORRECT
    missing = sorted(set(range(values[-1])) - set(values))
    if missing:
        yield (
            f"lacks the value(s) {_join(missing[:8])}: values must be 0 to n without gaps",
            f"Renumber the classes in {JSON_NAME} and in the label maps.",
        )
    if values[-1] == 0:
        yield "names no class beside the background", f"Add the classes to {JSON_NAME}."


def _wrong_names(named: list[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) of names that would mislead."""
    for value, name in named:
        if value == 0 and "background" not in name.casefold():
            yield (
                f"calls the value 0 '{plain_text(name)}', but 0 must be the background",
                f"Write 'background' in {JSON_NAME}, or renumber the label maps.",
            )
        if value and _slug(name) in ("", "ignore"):
            yield f"calls the value {value} {name!r}, which is no class", CORRECT
    names = Counter(_slug(name) for value, name in named if value)
    if repeated := sorted(name for name, count in names.items() if count > 1):
        yield f"gives several values the name {_join(repeated)}", CORRECT


def _channels(content: Mapping[str, object], faults: list[Fault]) -> tuple[str, ...] | None:
    """Names of the channels by number; faults are added to the list."""
    field = "channel_names" if "channel_names" in content else "modality"
    value = content.get(field)
    if value is None:
        return None
    numbers = {str(number) for number in range(len(value))} if isinstance(value, dict) else set()
    if not isinstance(value, dict) or not value or set(value) != numbers:
        problem = f"must be an object of channels, '0' to 'n', not {str(value)[:60]!r}"
        faults.append(Fault(f"field '{field}'", problem, CORRECT))
        return None
    return tuple(plain_text(value[str(number)]) for number in range(len(value)))


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.casefold()).strip("_")


def _join(values: list[int] | list[str]) -> str:
    return ", ".join(str(value) for value in values)
