"""Volumes are sliced across the coarsest axis, at the median voxel size."""

from __future__ import annotations

import pytest
from given_facts import given_geometry as geometry

from iac_components.bundling.own_data.reading.planes import (
    PLANES,
    choose_plane,
    median_spacing,
    other_planes,
)


@pytest.mark.parametrize(
    ("spacing", "plane"),
    [
        ((1, 1, 1), "axial"),
        ((0.9, 0.9, 0.8), "axial"),
        ((1, 1, 5), "axial"),
        ((5, 1, 1), "sagittal"),
        ((1, 5, 1), "coronal"),
        ((1.4, 1, 1), "axial"),
        ([(1, 1, 5), (1, 1, 5), (5, 1, 1)], "axial"),
    ],
)
def test_slices_lie_across_the_clearly_coarsest_axis(spacing, plane):
    assert choose_plane(geometry(spacing)).name == plane


def test_volumes_that_are_coarser_another_way_are_counted():
    mixed = geometry([(1, 1, 5), (1, 1, 5), (5, 1, 1)])
    assert other_planes(mixed, PLANES["axial"]) == 1
    assert other_planes(geometry((1, 1, 5)), PLANES["axial"]) == 0


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_axcodes_put_the_axis_across_last(plane):
    order = ["RAS".index(letter) for letter in plane.axcodes]
    assert order == [*plane.in_plane, plane.axis]


def test_spacing_is_the_median_within_the_slices():
    data = geometry([(1, 5.0, 0.75), (2, 5.0, 0.75), (9, 5.0, 0.123456)])
    assert median_spacing(data, PLANES["coronal"]) == (2.0, 0.75)


def test_images_of_one_slice_are_that_slice():
    assert choose_plane(geometry((1, 1, 0.1), size=(90, 80, 1))).name == "axial"
    assert choose_plane(geometry((1, 0.2, 1), size=(90, 1, 80))).name == "coronal"
    assert other_planes(geometry((1, 1, 0.1), size=(90, 80, 1)), PLANES["axial"]) == 0
