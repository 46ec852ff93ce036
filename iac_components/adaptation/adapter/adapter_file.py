"""An adapter as plain data, and its folder: ``adapter.json`` and ``adapter.pt``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

import iac_components
from iac_components.adaptation.candidates import PartPlan
from iac_components.common.files import Fields, read_json, write_json
from iac_components.common.files.tensor_files import read_tensors, write_tensors

__all__ = ["Adapter", "AdapterError", "load_adapter"]

ADAPTER_JSON = "adapter.json"
ADAPTER_WEIGHTS = "adapter.pt"
SCHEMA_VERSION = 1
MOST_BYTES = 20_000_000


class AdapterError(ValueError):
    """An adapter that cannot be read, or does not belong to a network."""


@dataclass(frozen=True)
class Adapter:
    """Parts that are put into a base network, with their record.

    Attributes:
        parts: in the order in which they are attached; none leaves the network as it is.
        tensors: values of part ``i`` under ``"<i>.<name>"``.
        base_name: of the network or bundle that it was made for.
        base_digest: of that network's weights (see ``network_digest``).
        base_parameters: of that network.
        preprocessing: digest of what its images went through; None where that is not known.
        classes: names of the foreground classes that were judged.
        strength: of the values, between the released network (0) and what was trained (1).
        record: further JSON values: cases, effects, verdict, settings.

    Example:
        >>> iac.load_adapter("runs/site_a/adapter").is_identity
        False
    """

    parts: tuple[PartPlan, ...]
    tensors: Mapping[str, Tensor]
    base_name: str
    base_digest: str
    base_parameters: int
    preprocessing: str | None = None
    classes: tuple[str, ...] = ()
    strength: float = 1.0
    record: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_identity(self) -> bool:
        """True if it leaves the network as it is."""
        return not self.parts

    @property
    def parameters(self) -> int:
        """Number of its values."""
        return sum(part.parameters for part in self.parts)

    def describe(self) -> str:
        """Return its kinds, such as ``norms+cells``, or ``none``, and what is not full strength."""
        kinds = "+".join(part.kind for part in self.parts) or "none"
        return kinds if self.strength == 1 else f"{kinds} at strength {self.strength:g}"

    def save(self, folder: str | Path) -> Path:
        """Write the adapter's folder; weights first, so that a description finds its weights.

        Returns:
            The folder.

        Raises:
            OSError: if it cannot be written.
        """
        place = Path(folder).expanduser()
        weights = place / ADAPTER_WEIGHTS
        write_tensors(weights, {name: t.detach().cpu() for name, t in self.tensors.items()})
        write_json(
            place / ADAPTER_JSON,
            {
                "schema_version": SCHEMA_VERSION,
                "iac_components": iac_components.__version__,
                "base": {
                    "name": self.base_name,
                    "sha256": self.base_digest,
                    "parameters": self.base_parameters,
                },
                "preprocessing": self.preprocessing,
                "classes": list(self.classes),
                "strength": self.strength,
                "weights": {"file": ADAPTER_WEIGHTS, "sha256": _file_digest(weights)},
                "parts": [
                    {
                        "kind": part.kind,
                        "parameters": part.parameters,
                        "sites": list(part.sites),
                        "settings": dict(part.settings),
                    }
                    for part in self.parts
                ],
                "record": dict(self.record),
            },
        )
        return place


def load_adapter(folder: str | Path) -> Adapter:
    """Read an adapter's folder; nothing in it can run code.

    Raises:
        AdapterError: naming the file and what is wrong with it.

    Example:
        >>> iac.load_adapter("runs/site_a/adapter").parameters > 0
        True
    """
    place = Path(folder).expanduser()
    file = place / ADAPTER_JSON
    if not file.is_file():
        raise AdapterError(
            f"adapter '{place}' has no {ADAPTER_JSON}. Pass the folder 'adapter' that 'iac adapt' "
            "wrote, or none."
        )
    try:
        fields = Fields.of(read_json(file, max_bytes=MOST_BYTES), error=AdapterError)
        return _parse(fields, place)
    except ValueError as error:
        raise AdapterError(f"'{file}': {error}") from error


def _parse(fields: Fields, place: Path) -> Adapter:
    version = fields.integer("schema_version")
    if version != SCHEMA_VERSION:
        raise AdapterError(
            f"schema_version is {version}, this package reads {SCHEMA_VERSION}. Upgrade "
            "iac_components, or adapt again."
        )
    base, record = fields.child("base"), fields.child("record")
    parts = tuple(
        PartPlan(
            part.string("kind"),
            part.strings("sites"),
            part.integer("parameters"),
            part.child("settings").values,
        )
        for part in fields.children("parts")
    )
    stated = fields.get("preprocessing")
    # Adapters of version 0.5.0 do not say it, and are as they were trained.
    strength = 1.0 if "strength" not in fields.values else fields.number("strength")
    if not 0 < strength <= 1:
        raise AdapterError(
            f"strength is {strength}: it must be above 0 and at most 1. Adapt again."
        )
    return Adapter(
        parts,
        _weights(place / ADAPTER_WEIGHTS, fields.child("weights").string("sha256")),
        base.string("name"),
        base.string("sha256"),
        base.integer("parameters"),
        None if stated is None else fields.string("preprocessing"),
        fields.strings("classes"),
        strength,
        record.values,
    )


def _weights(file: Path, digest: str) -> dict[str, Tensor]:
    if not file.is_file():
        raise AdapterError(f"its weights '{file}' are missing. Copy the whole folder.")
    if _file_digest(file) != digest:
        raise AdapterError(
            f"its weights '{file.name}' are not those that were written with it. Copy the whole "
            "folder again, or adapt again."
        )
    try:
        content = read_tensors(file)
    # What torch raises on foreign bytes is not specified.
    except Exception as error:
        raise AdapterError(f"its weights '{file.name}' cannot be read as plain tensors.") from error
    if not isinstance(content, dict) or not all(isinstance(t, Tensor) for t in content.values()):
        raise AdapterError(f"its weights '{file.name}' are no mapping of tensors.")
    return content


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
