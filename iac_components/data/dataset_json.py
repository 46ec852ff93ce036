"""Reading ``dataset.json``, the description that the Decathlon began and AMOS took over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from iac_components.data.faults import DatasetError, Fault, found_in, raise_faults

__all__ = ["JSON_NAME", "missing_files", "read_dataset_json", "read_pairs"]

JSON_NAME = "dataset.json"


def read_dataset_json(dataset_dir: Path, *, folder_name: str) -> Mapping[str, object]:
    """Return the object in ``dataset.json``.

    Args:
        dataset_dir: the dataset's folder.
        folder_name: what the user knows that folder as, for the message.

    Raises:
        DatasetError: if the file is missing or holds no JSON object.
    """
    file = dataset_dir / JSON_NAME
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(
            f"dataset_dir '{dataset_dir}': expected {JSON_NAME}, imagesTr and labelsTr, found "
            f"{found_in(dataset_dir)} ({error.strerror}). "
            f"Pass the unpacked {folder_name} folder with --dataset_dir."
        ) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"'{file}' is not valid JSON ({error}). Download it again.") from error
    if not isinstance(content, dict):
        raise DatasetError(f"'{file}' must hold a JSON object, not {type(content).__name__}.")
    return content


def read_pairs(
    description: Mapping[str, object], dataset_dir: Path, *, field: str
) -> list[tuple[Path, Path]]:
    """Return (image, label) paths of a field such as ``training``.

    Raises:
        DatasetError: if the field is no list of pairs with at least one entry; all malformed
            entries are reported at once.
    """
    entries = description.get(field)
    if not isinstance(entries, list) or not entries:
        raise DatasetError(
            f"'{dataset_dir / JSON_NAME}': field '{field}' must be a list of image and label "
            f"pairs with at least one entry, not {str(entries)[:60]!r}. Download it again."
        )
    pairs: list[tuple[Path, Path]] = []
    faults: list[Fault] = []
    for index, entry in enumerate(entries):
        values = [entry.get(k) if isinstance(entry, dict) else None for k in ("image", "label")]
        image, label = values
        if isinstance(image, str) and isinstance(label, str) and image and label:
            # macOS archives carry a ._ twin of every file, and some lists name them.
            if not Path(image).name.startswith("._"):
                pairs.append((dataset_dir / image, dataset_dir / label))
            continue
        faults += [
            Fault(
                f"{field}[{index}].{key}",
                f"must be a relative path, not {value!r}",
                f"Correct {JSON_NAME}.",
            )
            for key, value in zip(("image", "label"), values, strict=True)
            if not isinstance(value, str) or not value
        ]
    raise_faults(faults, subject=f"'{dataset_dir / JSON_NAME}'")
    return pairs


def missing_files(name: str, image: Path, label: Path) -> Iterator[Fault]:
    """Yield a fault for the image and the label of case ``name`` that are not there."""
    for role, file in (("image", image), ("label", label)):
        if not file.is_file():
            problem = f"is missing, though {JSON_NAME} names it as the {role} of '{name}'"
            yield Fault(str(file), problem, "Download the dataset again.")
