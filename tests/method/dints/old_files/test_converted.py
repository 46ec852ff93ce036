"""Old pickles of either kind, in every format, become the architectures that they were."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from old_topologies import FOUND, SPACE, zoo

from iac_components.dints.old_files import load_old_architecture
from iac_components.dints.topology_grid import DintsSpace


def auto3dseg():
    """The content that Auto3DSeg's search.py saves."""
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
