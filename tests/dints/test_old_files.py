"""Old pickles are converted without running anything in them, or refused in one line."""

from __future__ import annotations

import json
import os
import pickle
import runpy
import sys
from collections import OrderedDict
from io import IOBase

import numpy as np
import pytest
import torch

from iac_components.dints.__main__ import main
from iac_components.dints.decoding import decode
from iac_components.dints.old_files import load_old_architecture
from iac_components.dints.topology import ArchitectureError, load_architecture
from iac_components.dints.topology_grid import DintsSpace

SPACE = DintsSpace(12, 4)
DRAW = np.random.default_rng(0)
FOUND = decode(SPACE, DRAW.random((12, 10)), DRAW.random((12, 10, 5)))


def zoo(**changes):
    """What the zoo's search.py saves."""
    unused = DRAW.integers(0, 5, FOUND.path_mask.shape)
    return {
        "node_a": np.array(FOUND.node_activations),
        "arch_code_a": FOUND.path_mask.astype(float),
        "arch_code_a_max": FOUND.path_mask.astype(int),
        "arch_code_c": np.where(FOUND.path_mask, FOUND.operation_indices, unused),
        "iter_num": 18590,
        "epochs": 1430,
        "best_dsc": np.float64(0.75),
        "best_path": 18590,
        **changes,
    }


def auto3dseg():
    """What Auto3DSeg's search.py saves."""
    content = {key.removeprefix("arch_"): value for key, value in zoo().items()}
    return {**content, "dsc": 0.5, "best_path": -1}


def numpy_1_names(path):
    """Rewrite the names of numpy 2's modules to those of numpy 1, in a legacy file."""
    raw = path.read_bytes()
    assert b"numpy._core.multiarray" in raw or b"numpy.core.multiarray" in raw
    path.write_bytes(raw.replace(b"numpy._core", b"numpy.core"))


def numpy_2_names(path):
    raw = path.read_bytes().replace(b"numpy.core", b"numpy._core")
    assert b"numpy._core.multiarray" in raw
    path.write_bytes(raw)


@pytest.fixture
def old(tmp_path):
    return tmp_path / "search_code_18590.pt"


@pytest.mark.parametrize("content", [zoo, auto3dseg])
@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "legacy"])
def test_both_kinds_in_both_formats(old, content, as_zip):
    torch.save(content(), old, _use_new_zipfile_serialization=as_zip)
    found = load_old_architecture(old)
    assert found.space == SPACE
    assert found.blocks == FOUND.blocks
    assert found.provenance["converted_from"] == "search_code_18590.pt"
    assert (found.provenance["iter_num"], found.provenance["best_dsc"]) == (18590, 0.75)


@pytest.mark.parametrize("rename", [numpy_1_names, numpy_2_names])
def test_names_of_either_numpy(old, rename):
    torch.save(zoo(), old, _use_new_zipfile_serialization=False)
    rename(old)
    assert load_old_architecture(old).blocks == FOUND.blocks


@pytest.mark.parametrize(
    "convert",
    [
        lambda array: array.astype(np.float32),
        lambda array: array.astype(np.uint8),
        lambda array: array.astype(bool) if array.max() < 2 else array.astype(np.int16),
        lambda array: array.astype(">i4"),
        np.asfortranarray,
        lambda array: np.repeat(array, 2, axis=0)[::2],
        torch.from_numpy,
        lambda array: torch.nn.Parameter(torch.from_numpy(array.astype(float))),
    ],
    ids=["float32", "uint8", "bool", "big endian", "by columns", "strided", "tensor", "parameter"],
)
def test_arrays_of_every_kind(old, convert):
    names = ("node_a", "arch_code_a", "arch_code_c")
    torch.save(zoo(**{name: convert(zoo()[name]) for name in names}), old)
    assert load_old_architecture(old).blocks == FOUND.blocks


def test_other_dictionaries_and_a_missing_node_a(old):
    content = OrderedDict(zoo())
    del content["node_a"]
    torch.save(content, old)
    assert load_old_architecture(old).blocks == FOUND.blocks


def test_what_json_cannot_hold_is_left_out(old):
    notes = {"best_dsc": np.float32("nan"), "epochs": None, "best_path": "/home/me/run"}
    torch.save(zoo(**notes), old)
    assert load_old_architecture(old).provenance == {"converted_from": old.name, "iter_num": 18590}


def test_options_are_the_network_s(old):
    torch.save(zoo(arch_code_c=np.zeros((12, 10), int)), old)
    found = load_old_architecture(old, channel_mul=0.5, use_downsample=False, spatial_dims=2)
    assert found.space == DintsSpace(12, 4, 2, False, 0.5)
    with pytest.raises(ValueError, match=r"^space\.channel_mul must make"):
        load_old_architecture(old, channel_mul=0.0)


def refused(path, message):
    """The file gives one line that names it."""
    with pytest.raises(ArchitectureError, match=message) as caught:
        load_old_architecture(path)
    assert str(caught.value).startswith(f"Old architecture '{path}': ")
    assert "\n" not in str(caught.value)


class Attack:
    """Calls something as soon as it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def trace(tmp_path):
    return tmp_path / "executed"


def attacks(trace):
    return {
        "open": Attack(open, str(trace), "w"),
        "os.system": Attack(os.system, f"touch {trace}"),
        "mkdir": Attack(os.mkdir, str(trace)),
        "eval": Attack(eval, f"open({str(trace)!r}, 'w')"),
        "savetxt": Attack(np.savetxt, str(trace), [0.0]),
        "memmap": Attack(np.memmap, str(trace), "u1", "w+", 0, (1,)),
        "in an object array": np.array([Attack(os.mkdir, str(trace))], dtype=object),
    }


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", attacks(""))
def test_code_in_a_file_is_not_run(old, trace, name, as_zip):
    content = zoo(best_dsc=attacks(trace)[name])
    torch.save(content, old, _use_new_zipfile_serialization=as_zip)
    refused(old, "Nothing in it was run|type 'O8'|numbers are expected")
    assert not trace.exists()
    loaded = torch.load(old, weights_only=False)
    assert trace.exists(), "the file would have run code"
    for value in loaded.values():
        if isinstance(value, IOBase):
            value.close()


@pytest.mark.parametrize("protocol", [2, 4])
def test_bare_pickles_are_not_run(old, trace, protocol):
    old.write_bytes(pickle.dumps(attacks(trace)["os.system"], protocol))
    refused(old, "refused|is not a file of arrays")
    assert not trace.exists()
    old.write_bytes(pickle.dumps(zoo(), protocol))
    refused(old, "is not a file of arrays written by torch.save")


def test_what_others_allow_is_not_allowed_here_and_is_left_as_it_was(old, trace):
    torch.save(zoo(best_dsc=attacks(trace)["savetxt"]), old)
    before = set(torch.serialization.get_safe_globals())
    with torch.serialization.safe_globals([np.savetxt]):
        refused(old, "it asks for 'numpy.savetxt'")
        assert set(torch.serialization.get_safe_globals()) == {*before, np.savetxt}
    assert not trace.exists()


@pytest.mark.parametrize(
    "array",
    [
        np.array(["1"]),
        np.array([None]),
        np.array([1j]),
        np.zeros(2, [("a", "f8")]),
        np.array(["2020-01-01"], "M8[D]"),
    ],
    ids=["text", "object", "complex", "records", "dates"],
)
def test_arrays_of_anything_but_numbers(old, array):
    torch.save(zoo(arch_code_a=array), old)
    refused(old, "holds an array of type '.*'; numbers are expected")


def without(*keys):
    return {key: value for key, value in zoo().items() if key not in keys}


PATHS = zoo()["arch_code_a"]
OPERATIONS = zoo()["arch_code_c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (without("arch_code_a"), "field arch_code_a or code_a is missing; the file holds 'arch_c"),
        (without("arch_code_c"), "field arch_code_c or code_c is missing"),
        ({}, "field arch_code_a or code_a is missing; the file holds nothing"),
        ({"state_dict": {}}, "is missing; the file holds 'state_dict'"),
        ([PATHS, OPERATIONS], "must hold a dictionary of arrays"),
        (PATHS, "must hold a dictionary of arrays"),
        (zoo(arch_code_a=1), "arch_code_a must be an array, got int"),
        (zoo(arch_code_a=PATHS.tolist()), "arch_code_a must be an array, got list"),
        (zoo(arch_code_a=PATHS[0]), r"arch_code_a must have shape .*, got \(10,\)"),
        (zoo(arch_code_a=PATHS[:, :9]), r"arch_code_a must have shape .*, got \(12, 9\)"),
        (zoo(arch_code_a=PATHS[:, :1]), "space.num_depths must be 2 to 5, got 1"),
        (zoo(arch_code_c=OPERATIONS[1:]), r"arch_code_c\) must have shape \(12, 10\)"),
        (zoo(arch_code_c=np.eye(5)[OPERATIONS]), r"arch_code_c\) .*got \(12, 10, 5\)"),
        (zoo(arch_code_c=OPERATIONS + 1), "arch_code_c.* whole numbers from 0 to 4, got 5"),
        (zoo(arch_code_a=PATHS * 2), r"arch_code_a\) must hold whole numbers from 0 to 1, got 2"),
        (zoo(arch_code_a=PATHS * 0.5), r"arch_code_a\) must hold whole numbers .*, got 0.5"),
        (zoo(arch_code_a=PATHS * np.nan), r"arch_code_a\) must hold whole numbers .*, got nan"),
        (zoo(arch_code_a=np.zeros((12, 10))), r"blocks\[0\]\.paths is empty"),
        (zoo(arch_code_a=np.eye(12, 10) + np.eye(12, 10, -10)), r"blocks\[1\]\.paths start from"),
        (zoo(node_a=1 - zoo()["node_a"]), "node_a contradicts the active paths"),
        (zoo(node_a=zoo()["node_a"].T), "node_a contradicts the active paths"),
    ],
)
def test_what_is_no_architecture(old, content, message):
    torch.save(content, old)
    refused(old, message)


def forged(old, before, after):
    torch.save(zoo(), old, _use_new_zipfile_serialization=False)
    raw = old.read_bytes()
    assert before in raw
    old.write_bytes(raw.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"X\x02\x00\x00\x00f8", b"X\x02\x00\x00\x00O8", "type 'O8'; numbers are expected"),
        (b"X\x02\x00\x00\x00f8", b"X\x02\x00\x00\x00V8", "type 'V8'; numbers are expected"),
        (b"X\x01\x00\x00\x00<", b"X\x01\x00\x00\x00O", "unknown byte order 'O'"),
        # 12 x 10 numbers declared as 200 x 10.
        (b"K\x0cK\x0a\x86", b"K\xc8K\x0a\x86", "damaged"),
        (b"K\x0cK\x0a\x86", b"K\x0cN\x86", "damaged"),
    ],
    ids=["objects", "raw memory", "byte order", "larger than its bytes", "shape of no numbers"],
)
def test_forged_description_of_an_array(old, before, after, message):
    forged(old, before, after)
    refused(old, message)


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("kept", [0, 1, 10, 0.5, 0.95])
def test_cut_off_file(old, as_zip, kept):
    torch.save(zoo(), old, _use_new_zipfile_serialization=as_zip)
    raw = old.read_bytes()
    old.write_bytes(raw[: int(kept * len(raw)) if isinstance(kept, float) else kept])
    refused(old, "is not a file of arrays written by torch.save, or it is damaged")


def test_files_of_another_kind(old, tmp_path):
    old.write_bytes(b"\x00" * 10_000_001)
    refused(old, "larger than 10000000 bytes")
    old.write_text('{"arch_code_a": []}', encoding="utf-8")
    refused(old, "is not a file of arrays")
    refused(tmp_path / "absent.pt", "cannot be read")
    refused(tmp_path, "cannot be read")
    torch.jit.script(torch.nn.ReLU()).save(str(old))
    refused(old, "is not a file of arrays|refused")


def test_command_writes_the_architecture(old, tmp_path, capsys):
    torch.save(zoo(), old)
    new = tmp_path / "new" / "architecture.json"
    main(["convert", str(old), str(new), "--channel_mul", "0.5", "--no_downsample"])
    assert capsys.readouterr().out == f"{new}\n"
    found = load_architecture(new, space=DintsSpace(12, 4, 3, False, 0.5))
    assert found.blocks == FOUND.blocks
    assert json.loads(new.read_text(encoding="utf-8"))["provenance"]["best_dsc"] == 0.75


@pytest.mark.parametrize("arguments", [[], ["--channel_mul", "-1"]])
def test_command_fails_in_one_line_and_writes_nothing(old, trace, tmp_path, capsys, arguments):
    torch.save(zoo(best_dsc=attacks(trace)["mkdir"]), old)
    with pytest.raises(SystemExit) as caught:
        main(["convert", str(old), str(tmp_path / "new.json"), *arguments])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert "error: " in lines[-1]
    assert "Traceback" not in "".join(lines)
    assert [path.name for path in tmp_path.iterdir()] == [old.name]


def test_command_is_found_by_python_m(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dints", "convert", "--help"])
    # As in a fresh process: another test may have imported it.
    monkeypatch.delitem(sys.modules, "iac_components.dints.__main__", raising=False)
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("iac_components.dints", run_name="__main__")
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "NEW.json" in shown
    assert "--no_downsample" in shown
