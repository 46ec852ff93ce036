"""A release on GitHub, as ``monai.bundle.download`` reads one. Nothing leaves this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
from types import SimpleNamespace

import monai.bundle.scripts
import pytest
from monai.bundle import download, get_all_bundles_list, get_bundle_info, get_bundle_versions

NAME = "hippocampus_unet_iac_segmentation_inference"
REPO, TAG = "somebody/cells", "v1"


@pytest.fixture
def release(dist, monkeypatch):
    """The zips as assets, and ``model_info.json`` in the tagged commit; returns what was asked."""
    asked = []

    def get(url, **_):
        asked.append(url)
        text = (dist / "model_info.json").read_text(encoding="utf-8")
        return SimpleNamespace(text=text, raise_for_status=lambda: None)

    def fetch(url, filepath, **_):
        asked.append(url)
        filepath.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(dist / url.rpartition("/")[2], filepath)

    monkeypatch.setattr(monai.bundle.scripts.requests, "get", get)
    monkeypatch.setattr(monai.bundle.scripts, "download_url", fetch)
    return asked


def test_latest_version_is_found_and_unpacked(release, dist, tmp_path):
    download(NAME, source="github", repo=f"{REPO}/{TAG}", bundle_dir=tmp_path)
    root = tmp_path / NAME
    version = json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))[
        "version"
    ]
    assert release == [
        f"https://raw.githubusercontent.com/{REPO}/{TAG}/models/model_info.json",
        f"https://github.com/{REPO}/releases/download/{TAG}/{NAME}_v{version}.zip",
    ]
    assert (root / "models" / "model.pt").is_file()
    assert (root / "iac_components" / "__init__.py").is_file()


def test_list_of_bundles(release, dist):
    listed = dict(get_all_bundles_list(repo=REPO, tag=TAG))
    assert {f"{name}_v{version}.zip" for name, version in listed.items()} == {
        path.name for path in dist.glob("*.zip")
    }
    versions = get_bundle_versions(NAME, repo=REPO, tag=TAG)
    assert versions["all_versions"] == [listed[NAME]]
    info = get_bundle_info(NAME, repo=REPO, tag=TAG)
    assert info["name"] == f"{NAME}_v{listed[NAME]}"


def test_checksums_are_those_of_the_zips(dist):
    """MONAI downloads without a look at them; whoever publishes or mirrors compares."""
    info = json.loads((dist / "model_info.json").read_text(encoding="utf-8"))
    found = {p.stem: hashlib.sha1(p.read_bytes()).hexdigest() for p in dist.glob("*.zip")}
    assert {key: entry["checksum"] for key, entry in info.items()} == found
