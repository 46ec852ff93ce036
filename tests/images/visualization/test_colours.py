from __future__ import annotations

import pytest

from iac_components.visualization.colours import FIXED, display_name, operation_colours


def test_known_operations_keep_their_colour_whatever_their_neighbours() -> None:
    assert operation_colours(["mine", "sep_conv_3x3"])["sep_conv_3x3"] == FIXED["sep_conv_3x3"]
    assert len(set(operation_colours(list(FIXED)).values())) == len(FIXED)


def test_registered_operations_get_colours_of_their_own() -> None:
    names = [f"registered_{index}" for index in range(20)]
    colours = operation_colours([*FIXED, *names])
    assert set(colours) == {*FIXED, *names}
    assert colours["registered_0"] == colours["registered_7"]
    assert not {colours[name] for name in names} & set(FIXED.values())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sep_conv_3x3", "sep conv 3×3"),
        ("max_pool", "max pool"),
        ("node_0", "node 0"),
        ("ax", "ax"),
    ],
)
def test_display_name(name: str, shown: str) -> None:
    assert display_name(name) == shown
