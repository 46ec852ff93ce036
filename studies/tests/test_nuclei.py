"""Folders of nuclei images: each image in one of them, with its mask."""

from __future__ import annotations

import csv

import pytest

from studies.adaptation.nuclei import COUNTS, link_sites


@pytest.fixture
def data(tmp_path):
    kinds = [("fluorescence", 256)] * 110 + [("stained_light", 256)] * 40
    kinds += [("fluorescence", 520)] * 30
    folder = tmp_path / "data"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "height", "kind"])
        for number, (kind, height) in enumerate(kinds):
            writer.writerow([f"{number:03d}", height, kind])
            for name in ("images", "masks"):
                (folder / name / f"{number:03d}.png").write_text(name)
    return folder


def test_no_image_is_in_two_folders_and_each_has_its_mask(data, tmp_path):
    linked = link_sites(data, tmp_path / "out")
    assert [len(images) for images in linked.values()] == [n for c in COUNTS.values() for n in c]
    images = [image for found in linked.values() for image in found]
    assert len(images) == len(set(images))
    assert {int(image) // 110 for image in linked["nuclei_home"]} == {0}
    assert {110 <= int(image) < 150 for image in linked["stained_test"]} == {True}
    assert {int(image) >= 150 for image in linked["big_few"]} == {True}
    for name, found in linked.items():
        for image in found:
            place = tmp_path / "out" / name
            assert (place / "images" / f"{image}.png").read_text() == "images"
            assert (place / "labels" / f"{image}.png").read_text() == "masks"
    assert link_sites(data, tmp_path / "again") == linked
