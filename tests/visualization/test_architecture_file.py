from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from iac_components.visualization.architecture_file import ChosenPath, read_topology

ARCHITECTURE: dict = {
    "schema_version": 1,
    "kind": "dints",
    "search_space": {
        "num_blocks": 2,
        "num_depths": 3,
        "spatial_dims": 3,
        "use_downsample": False,
        "channel_mul": 1.0,
        "operations": ["skip_connect", "conv_3x3x3"],
    },
    "blocks": [
        {"paths": [{"source": 0, "target": 1, "operation": "conv_3x3x3"}]},
        {
            "paths": [
                {"source": 1, "target": 0, "operation": "skip_connect"},
                {"source": 1, "target": 2, "operation": "conv_3x3x3"},
            ]
        },
    ],
    "provenance": {
        "epoch": 7,
        "device": "cpu",
        "best": True,
        "memory": {"gigabytes": 0.5, "shape": [1], "x": {"y": 1}},
    },
}


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_what_a_picture_needs_is_read(tmp_path: Path) -> None:
    topology = read_topology(write(tmp_path, ARCHITECTURE))
    assert (topology.num_blocks, topology.num_depths, topology.use_downsample) == (2, 3, False)
    assert topology.operations == ("skip_connect", "conv_3x3x3")
    assert topology.paths == (
        ChosenPath(0, 0, 1, "conv_3x3x3"),
        ChosenPath(1, 1, 0, "skip_connect"),
        ChosenPath(1, 1, 2, "conv_3x3x3"),
    )
    assert topology.provenance == {"epoch": 7, "memory.gigabytes": 0.5}


def test_provenance_may_be_absent(tmp_path: Path) -> None:
    content = {name: value for name, value in ARCHITECTURE.items() if name != "provenance"}
    assert read_topology(write(tmp_path, content)).provenance == {}


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("kind",), "cell", "kind must be 'dints', got 'cell'"),
        (("kind",), None, "kind must be a string"),
        (("search_space",), [], "search_space must be a JSON object"),
        (("search_space", "num_blocks"), "2", r"search_space\.num_blocks must be an integer"),
        (("search_space", "num_blocks"), 3, r"blocks holds 2 of search_space\.num_blocks = 3"),
        (("search_space", "num_depths"), 3.0, r"search_space\.num_depths must be an integer"),
        (("search_space", "use_downsample"), 1, r"search_space\.use_downsample must be true"),
        (("search_space", "operations"), [1], r"search_space\.operations must be a string"),
        (("blocks",), [], "blocks holds 0 of"),
        (("blocks", 1), 4, r"blocks\[1\] must be a JSON object"),
        (("blocks", 1, "paths"), {}, r"blocks\[1\]\.paths must be a list"),
        (("blocks", 1, "paths", 0, "source"), True, r"blocks\[1\]\.paths\[0\]\.source must be an"),
        (("blocks", 1, "paths", 0, "source"), -1, r"paths\[0\]\.source must be 0 to 2, got -1"),
        (("blocks", 1, "paths", 1, "target"), 3, r"paths\[1\]\.target must be 0 to 2, got 3"),
        (("blocks", 0, "paths", 0, "target"), 2, r"paths\[0\]\.target is 2, no neighbour of"),
        (("blocks", 0, "paths", 0, "operation"), 5, r"paths\[0\]\.operation must be a string"),
        (("provenance",), "mine", "provenance must be a JSON object"),
    ],
)
def test_faulty_field_is_named(
    tmp_path: Path, keys: tuple[str | int, ...], value: object, message: str
) -> None:
    content = copy.deepcopy(ARCHITECTURE)
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    with pytest.raises(ValueError, match=rf"architecture\.json: .*{message}"):
        read_topology(write(tmp_path, content))


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "\x00", "[]"])
def test_other_than_a_json_object_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "architecture.json"
    path.write_text(content)
    with pytest.raises(
        ValueError, match=r"architecture\.json: (not valid|the file must be a) JSON"
    ):
        read_topology(path)


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.json: no such architecture"):
        read_topology(tmp_path / "absent.json")
