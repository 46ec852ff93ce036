"""Checks of metadata.json: the schema, its fields without one, versions, channels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from monai.utils import optional_import
from packaging.requirements import Requirement

import iac_components
from tools.maintenance.verification.bundle import Bundle, Json
from tools.maintenance.verification.checks.registry import Skipped, register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_channels", "check_metadata", "check_schema", "check_versions"]

REQUIRED = (
    "schema",
    "version",
    "changelog",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
)
TENSOR = ("type", "format", "num_channels", "spatial_shape", "dtype", "value_range", "channel_def")
TENSORS = (("inputs", "image"), ("outputs", "pred"))
FILE = "metadata.json"
# As MONAI's own verify_metadata gets it; the package has no type stubs.
jsonschema, _ = optional_import("jsonschema")
CONFIG_KEYS = {"dataset": "dataset_name"}
OTHER_NAMES = {"monai": "monai_version", "torch": "pytorch_version", "numpy": "numpy_version"}


@register_check("schema")
def check_schema(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """MONAI's own schema of metadata."""
    if workbench.schema is None:
        raise Skipped("no schema file: pass --schema FILE or set IAC_SCHEMA")
    schema = json.loads(workbench.schema.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for error in validator.iter_errors(bundle.metadata()):
        yield f"{FILE}: {error.json_path}: {error.message}"


@register_check("metadata")
def check_metadata(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check the required keys, and the tensors ``image`` and ``pred`` of applications."""
    metadata = bundle.metadata()
    yield from (f"{FILE}: {key} is missing or empty" for key in REQUIRED if not metadata.get(key))
    formats = cast(Mapping[str, Mapping[str, Json]], metadata.get("network_data_format", {}))
    for side, name in TENSORS:
        tensor = formats.get(side, {}).get(name)
        where = f"{FILE}: network_data_format#{side}#{name}"
        if tensor is None:
            yield f"{where} is missing"
            continue
        yield from (f"{where}#{key} is missing" for key in TENSOR if key not in tensor)
        channels = cast(Mapping[str, str], tensor.get("channel_def", {}))
        if len(channels) != tensor.get("num_channels"):
            count = tensor.get("num_channels")
            yield f"{where}#channel_def names {len(channels)} channels, num_channels is {count}"
    if "$" in json.dumps(metadata):
        yield f"{FILE}: holds a '$' that rendering left"


@register_check("versions")
def check_versions(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that the changelog has the version, and that the packages are those of the tests."""
    metadata = bundle.metadata()
    version = str(metadata.get("version"))
    if version not in cast(Json, metadata.get("changelog", {})):
        yield f"{FILE}: version {version} is not in the changelog"
    if not all(part.isdigit() and int(part) < 10 for part in version.split(".")):
        yield f"{FILE}: version {version} has a part above 9, and MONAI sorts versions as text"
    if version != iac_components.__version__:
        yield f"{FILE}: version is {version}, iac_components has {iac_components.__version__}"
    pins = _pins(workbench)
    named = dict(cast(Mapping[str, str], metadata.get("required_packages_version", {})))
    named.update({package: str(metadata.get(key)) for package, key in OTHER_NAMES.items()})
    for package, found in named.items():
        if found != pins.get(package):
            yield f"{FILE}: {package} is {found}, tested with {pins.get(package)}"
    if "fire" not in named:
        yield f"{FILE}: required_packages_version does not name fire, which MONAI's commands need"


def _pins(workbench: Workbench) -> dict[str, str]:
    """Package to version, of requirements.txt under the newest Python."""
    lines = workbench.requirements.read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    newest = {"python_version": "3.11"}
    return {
        r.name: str(r.specifier).removeprefix("==")
        for r in found
        if r.marker is None or r.marker.evaluate(newest)
    }


@register_check("channels")
def check_channels(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that the metadata's channels are the config's, and the same in every stage."""
    config = bundle.config()
    formats = cast(Mapping[str, Mapping[str, Json]], bundle.metadata()["network_data_format"])
    classes = ["background", *cast(Sequence[str], config["class_names"])]
    expected = {str(index): name for index, name in enumerate(classes)}
    if (found := formats["outputs"]["pred"]["channel_def"]) != expected:
        yield f"{FILE}: pred#channel_def is {found}, class_names make {expected}"
    if (found := formats["inputs"]["image"]["num_channels"]) != config["in_channels"]:
        yield f"{FILE}: image#num_channels is {found}, in_channels {config['in_channels']}"
    for word, expected_name in bundle.method.identity(bundle).items():
        key = CONFIG_KEYS.get(word, word)
        if config[key] != expected_name:
            yield f"{bundle.stage}.json: {key} is '{config[key]}', the name says '{expected_name}'"
    for key in bundle.method.shared_keys:
        other = bundle.sibling("train").config()[key]
        if config[key] != other:
            yield f"{bundle.stage}.json: {key} is {config[key]}, in train.json {other}"
