"""Old files that hold code, other things or half of what is needed are refused in one line."""

from __future__ import annotations

import pickle
from io import IOBase

import numpy as np
import pytest
import torch
from old_topologies import attacks, zoo

from iac_components.dints.old_files import load_old_architecture
from iac_components.dints.topology import ArchitectureError


def refused(path, message):
    """The file gives one line that names it."""
    with pytest.raises(ArchitectureError, match=message) as caught:
        load_old_architecture(path)
    assert str(caught.value).startswith(f"Old architecture '{path}': ")
    assert "\n" not in str(caught.value)


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
