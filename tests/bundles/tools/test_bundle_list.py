"""The list of the bundles is that of the folders, and says what they lack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.maintenance.bundle_list import bundle_list

BUNDLES = Path(__file__).parents[3] / "bundles"


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))


@pytest.fixture
def copy(tmp_path):
    """A bundle of each kind, to change."""
    for prefix in ("hippocampus_unet_iac", "brats_resnet_iac", "liver_dints"):
        for path in BUNDLES.glob(f"{prefix}_segmentation_*"):
            shutil.copytree(path, tmp_path / path.name)
    return tmp_path


def test_the_page_is_up_to_date_and_lists_every_bundle():
    text = (BUNDLES / "README.md").read_text(encoding="utf-8")
    assert text == bundle_list(BUNDLES)
    for path in BUNDLES.iterdir():
        assert not path.is_dir() or f"({path.name}/docs/README.md)" in text


def test_rows_say_what_a_bundle_has_and_lacks(copy):
    text = bundle_list(copy)
    assert "searched on these data | [shipped]" in row(text, "hippocampus_unet")
    assert "stand-in of `hippocampus_resnet` | none: no copy" in row(text, "brats_resnet")
    assert "stand-in, not searched | none: no copy" in row(text, "liver")


def test_the_page_follows_the_folders(copy):
    (copy / "hippocampus_unet_iac_segmentation_inference" / "models" / "model.pt").unlink()
    assert "[shipped]" not in row(bundle_list(copy), "hippocampus_unet")
    shutil.rmtree(copy / "liver_dints_segmentation_train")
    assert "`liver`" not in bundle_list(copy)
