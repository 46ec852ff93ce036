from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from iac_components.visualization.final_cell import ChosenOperation
from iac_components.visualization.genotype_file import read_genotype_cell

GENOTYPE: dict = {
    "search_space": {"operations": ["none", "skip_connect", "sep_conv_3x3"], "levels": 1},
    "nodes": [
        {
            "level": 0,
            "node": 0,
            "edges": [
                {"input": "skip", "operation": "sep_conv_3x3"},
                {"input": "gate", "operation": "skip_connect"},
            ],
        }
    ],
}


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "genotype.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_edges_and_operations_are_read(tmp_path: Path) -> None:
    cell = read_genotype_cell(write(tmp_path, GENOTYPE))
    assert cell.operations == ("none", "skip_connect", "sep_conv_3x3")
    assert cell.edges == (
        ChosenOperation(0, 0, "skip", "sep_conv_3x3"),
        ChosenOperation(0, 0, "gate", "skip_connect"),
    )


@pytest.mark.parametrize(
    ("keys", "value", "field"),
    [
        (("search_space",), None, "search_space"),
        (("search_space", "operations"), "none", r"search_space\.operations"),
        (("nodes",), {}, "nodes"),
        (("nodes",), [], "nodes"),
        (("nodes", 0), 3, r"nodes\[0\] must be"),
        (("nodes", 0, "level"), True, r"nodes\[0\]\.level"),
        (("nodes", 0, "node"), "0", r"nodes\[0\]\.node"),
        (("nodes", 0, "edges", 1, "input"), None, r"nodes\[0\]\.edges\[1\]\.input"),
        (("nodes", 0, "edges", 0, "operation"), 4, r"nodes\[0\]\.edges\[0\]\.operation"),
    ],
)
def test_faulty_field_is_named(
    tmp_path: Path, keys: tuple[str | int, ...], value: object, field: str
) -> None:
    content = copy.deepcopy(GENOTYPE)
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    with pytest.raises(ValueError, match=rf"genotype\.json: {field}"):
        read_genotype_cell(write(tmp_path, content))


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "\x00"])
def test_other_than_json_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "genotype.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"genotype\.json: not valid JSON"):
        read_genotype_cell(path)


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        read_genotype_cell(tmp_path / "absent.json")
