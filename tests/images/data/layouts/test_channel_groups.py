from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.data.layouts.channel_groups import (
    BRATS_NAMINGS,
    ChannelNaming,
    channel_namings,
    group_channels,
)

NAMINGS = channel_namings(4)

# Names that may hold the endings, but do not end with one.
case_names = st.from_regex(r"[a-zA-Z_-]{0,4}[0-9]{5}[a-z]", fullmatch=True)


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("BraTS2021_00001_t1", ("BraTS2021_00001", "_t1")),
        ("BraTS2021_00001_t1ce", ("BraTS2021_00001", "_t1ce")),
        ("a_t1_t2", ("a_t1", "_t2")),
        ("a_seg", ("a", "_seg")),
        ("_t1", None),
        ("a_t1n", None),
        ("a-t1", None),
    ],
)
def test_names_are_split(stem: str, parts: tuple[str, str] | None) -> None:
    assert BRATS_NAMINGS[0].split(stem) == parts


@pytest.mark.parametrize(
    ("num_channels", "names"),
    [(1, ["nnU-Net"]), (2, ["nnU-Net"]), (4, ["BraTS 2021", "BraTS 2023", "nnU-Net"])],
)
def test_namings_by_number_of_channels(num_channels: int, names: list[str]) -> None:
    namings = channel_namings(num_channels)
    assert [naming.name for naming in namings] == names
    assert all(len(naming.channels) == num_channels for naming in namings)


@given(
    cases=st.dictionaries(case_names, st.sampled_from([None, *NAMINGS]), max_size=6),
    random=st.randoms(use_true_random=False),
)
def test_every_case_is_found_with_its_channels_in_order(
    cases: dict[str, ChannelNaming | None], random: object
) -> None:
    expected: dict[str, str | list[str]] = {}
    files: list[str] = []
    for case, naming in cases.items():
        named = [f"/data/{case}{end}.nii.gz" for end in (naming.channels if naming else ("",))]
        expected[case] = named if naming else named[0]
        files += [
            *named,
            *([f"/data/{case}{naming.label}.nii.gz"] if naming and naming.label else []),
        ]
    random.shuffle(files)  # type: ignore[attr-defined]
    found = group_channels(map(Path, files), num_channels=4, subject="x")
    assert found == expected
    assert list(found) == sorted(expected)
