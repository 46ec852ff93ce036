"""An architecture is checked path by path, and is MONAI's arrays in another form."""

from __future__ import annotations

import numpy as np
import pytest

from iac_components.dints.topology import ActivePath, ArchitectureError, DintsArchitecture
from iac_components.dints.topology_grid import DintsSpace

SPACE = DintsSpace(num_blocks=3, num_depths=3, channel_mul=0.25)
DOWN = ActivePath(0, 1, "conv_3x3x3")
FLAT = ActivePath(1, 1, "skip_connect")
UP = ActivePath(1, 0, "conv_1x3x3")
BLOCKS = ((DOWN,), (FLAT, UP), (ActivePath(0, 0, "skip_connect"), FLAT))


def test_arrays_of_a_drawn_example():
    architecture = DintsArchitecture(SPACE, BLOCKS)
    # Paths, by source and target: 00 10 01 11 21 12 22
    assert architecture.path_mask.astype(int).tolist() == [
        [0, 0, 1, 0, 0, 0, 0],
        [0, 1, 0, 1, 0, 0, 0],
        [1, 0, 0, 1, 0, 0, 0],
    ]
    assert architecture.path_mask.dtype == bool
    assert architecture.operation_indices.tolist() == [
        [0, 0, 1, 0, 0, 0, 0],
        [0, 4, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    assert architecture.node_activations == ((1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 0))


def test_arrays_there_and_back():
    architecture = DintsArchitecture(SPACE, BLOCKS, {"seed": 1})
    again = DintsArchitecture.from_arrays(
        SPACE,
        architecture.path_mask.astype(float),
        architecture.operation_indices,
        provenance={"seed": 1},
    )
    assert again == architecture
    unused = np.where(architecture.path_mask, architecture.operation_indices, 3)
    assert DintsArchitecture.from_arrays(SPACE, architecture.path_mask, unused) == (
        DintsArchitecture(SPACE, BLOCKS)
    )


def test_order_of_the_paths_is_no_difference():
    turned = DintsArchitecture(SPACE, tuple(block[::-1] for block in BLOCKS))
    assert turned == DintsArchitecture(SPACE, BLOCKS)
    assert turned.digest == DintsArchitecture(SPACE, BLOCKS).digest


def test_digest_tells_architectures_apart_and_leaves_out_the_provenance():
    architecture = DintsArchitecture(SPACE, BLOCKS)
    assert architecture.digest == DintsArchitecture(SPACE, BLOCKS, {"seed": 1}).digest
    # Files carry it: another value would make every file written so far look edited.
    assert architecture.digest == (
        "sha256:965c2ac325dd955164184ec5faac24d44b8066a7d8a8a549b8a5c6871404a73e"
    )
    others = [
        DintsArchitecture(SPACE, (BLOCKS[0], BLOCKS[1], (*BLOCKS[2], ActivePath(1, 2, FLAT[2])))),
        DintsArchitecture(DintsSpace(3, 3, channel_mul=0.5), BLOCKS),
        DintsArchitecture(DintsSpace(3, 3, 3, False, 0.25), BLOCKS),
    ]
    assert len({architecture.digest, *(other.digest for other in others)}) == 4


def test_whole_number_of_channels_has_one_digest():
    blocks = ((ActivePath(0, 0, "skip_connect"),),)
    one, one_as_float = DintsSpace(1, 2, channel_mul=1), DintsSpace(1, 2, channel_mul=1.0)
    assert one == one_as_float
    assert DintsArchitecture(one, blocks).digest == DintsArchitecture(one_as_float, blocks).digest


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (BLOCKS[:2], r"blocks must hold 3 blocks \(search_space.num_blocks\), found 2"),
        ((*BLOCKS, BLOCKS[2]), "blocks must hold 3 blocks .*, found 4"),
        ((BLOCKS[0], (), BLOCKS[2]), r"blocks\[1\]\.paths is empty"),
        (
            (BLOCKS[0], (UP, FLAT._replace(operation="rm -rf")), BLOCKS[2]),
            r"blocks\[1\]\.paths\[1\]\.operation 'rm -rf' is not in search_space.operations",
        ),
        (
            (BLOCKS[0], BLOCKS[1], (FLAT, ActivePath(0, 2, "skip_connect"))),
            r"blocks\[2\]\.paths\[1\] leads from depth 0 to 2: depths are 0 to 2",
        ),
        (((ActivePath(0, -1, "skip_connect"),), *BLOCKS[1:]), r"blocks\[0\]\.paths\[0\] leads"),
        (((ActivePath(3, 3, "skip_connect"),), *BLOCKS[1:]), r"blocks\[0\]\.paths\[0\] leads"),
        (
            ((DOWN, DOWN._replace(operation="skip_connect")), *BLOCKS[1:]),
            r"blocks\[0\]\.paths\[1\] is the same path as an earlier one",
        ),
        (
            (BLOCKS[0], BLOCKS[1], (FLAT,)),
            r"blocks\[2\]\.paths start from depths \[1\], but blocks\[1\]\.paths end in "
            r"depths \[0, 1\]",
        ),
        (
            (BLOCKS[0], (FLAT,), BLOCKS[2]),
            r"blocks\[2\]\.paths start from depths \[0, 1\], but blocks\[1\].* \[1\]",
        ),
    ],
    ids=lambda value: None if isinstance(value, tuple) else value[:40],
)
def test_what_is_no_architecture(blocks, message):
    with pytest.raises(ArchitectureError, match=message):
        DintsArchitecture(SPACE, blocks)


def changed(array, value, at=(1, 3)):
    array = array.astype(type(value) if isinstance(value, float) else array.dtype)
    array[at] = value
    return array


PATHS = DintsArchitecture(SPACE, BLOCKS).path_mask.astype(int)
OPERATIONS = DintsArchitecture(SPACE, BLOCKS).operation_indices


@pytest.mark.parametrize(
    ("paths", "operations", "message"),
    [
        (PATHS[:2], OPERATIONS, r"arch_code_a\) must have shape \(3, 7\).*got \(2, 7\)"),
        (PATHS, OPERATIONS[:, :6], r"arch_code_c\) must have shape \(3, 7\).*got \(3, 6\)"),
        (changed(PATHS, 2), OPERATIONS, "arch_code_a.* 0 to 1, got 2 in block 1, path 3"),
        (changed(PATHS, 0.5), OPERATIONS, "arch_code_a.* 0 to 1, got 0.5 in block 1"),
        (changed(PATHS, float("nan")), OPERATIONS, "arch_code_a.* got nan in block 1"),
        (PATHS.astype(str), OPERATIONS, "arch_code_a.* must hold numbers, got <U"),
        (PATHS, changed(OPERATIONS, 5), "arch_code_c.* 0 to 4, got 5 in block 1, path 3"),
        (PATHS, changed(OPERATIONS, -1), "arch_code_c.* 0 to 4, got -1"),
        (PATHS, changed(OPERATIONS, 5, (0, 0)), "arch_code_c.* got 5 in block 0, path 0"),
        (changed(PATHS, 1, (0, 0)), OPERATIONS, r"blocks\[1\]\.paths start from"),
        (PATHS * 0, OPERATIONS, r"blocks\[0\]\.paths is empty"),
    ],
)
def test_arrays_that_are_no_architecture(paths, operations, message):
    with pytest.raises(ArchitectureError, match=message):
        DintsArchitecture.from_arrays(SPACE, paths, operations)
