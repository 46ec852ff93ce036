"""Content of a zip, its bytes the same each time, and bundles that are refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from iac_components.interface.commands import package

ROOT = Path(__file__).parents[3]
NAME = "hippocampus_unet_iac_segmentation_inference"


@pytest.fixture
def bundle(tmp_path):
    """A bundle's folder with what runs leave in it."""
    root = tmp_path / "a_segmentation_train"
    files = {
        "configs/metadata.json": '{"version": "1.2.3"}',
        "configs/train.json": "{}",
        "docs/results/table.csv": "a,b",
        "LICENSE": "free",
        "genotype.json": "{}",
        "models/model.pt": "trained by the user",
        "models/model_final.pt": "trained by the user",
        "eval/folds.json": "{}",
        "data/image.nii.gz": "image",
        "docs/.DS_Store": "x",
        "docs/__pycache__/a.pyc": "x",
        "notes.txt": "private",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def ship_weights(bundle, content):
    record = {"sha256": hashlib.sha256(content).hexdigest()}
    (bundle / "docs" / "weights.json").write_text(json.dumps(record), encoding="utf-8")


def packed(plan):
    stream = io.BytesIO()
    plan.write(stream)
    return stream.getvalue()


def own_files(plan):
    return sorted(path for path in plan.members if not path.startswith("iac_components/"))


def test_only_the_bundle_and_the_package_are_packed(packing, bundle):
    plan = packing.plan_zip(bundle)
    assert plan.key == "a_segmentation_train_v1.2.3"
    assert own_files(plan) == [
        "LICENSE",
        "configs/metadata.json",
        "configs/train.json",
        "docs/results/table.csv",
        "genotype.json",
    ]
    package = {path for path in plan.members if path.startswith("iac_components/")}
    folder = ROOT / "iac_components"
    sources = [*folder.rglob("*.py"), *(folder / "bundling" / "options" / "schemas").glob("*.json")]
    makers = (
        "__main__.py",
        "interface/commands/",
        "data/examples/Task04_Hippocampus/",
        "bundling/own_data/",
        "bundling/rendering/",
    )
    expected = {
        f"iac_components/{path}"
        for path in (source.relative_to(folder).as_posix() for source in sources)
        if not path.startswith(makers)
    }
    assert package == expected | {"iac_components/py.typed"}


def test_an_architecture_is_packed(packing, bundle):
    (bundle / "architecture.json").write_text("{}", encoding="utf-8")
    assert "architecture.json" in own_files(packing.plan_zip(bundle))


def test_weights_on_record_are_packed_and_others_are_not(packing, bundle):
    content = (bundle / "models" / "model.pt").read_bytes()
    ship_weights(bundle, content)
    plan = packing.plan_zip(bundle)
    assert [path for path in plan.members if path.startswith("models/")] == ["models/model.pt"]
    with zipfile.ZipFile(io.BytesIO(packed(plan))) as archive:
        assert archive.read("a_segmentation_train/models/model.pt") == content


@pytest.mark.parametrize("content", [b"other weights", None], ids=["other", "missing"])
def test_weights_other_than_those_on_record_are_refused(packing, bundle, content):
    ship_weights(bundle, b"measured")
    if content is None:
        (bundle / "models" / "model.pt").unlink()
    else:
        (bundle / "models" / "model.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.pt.*weights\.json.* ships sha256"):
        packing.plan_zip(bundle)


@pytest.mark.parametrize("absolute", [False, True])
def test_files_on_record_that_lie_elsewhere_are_refused(packing, bundle, absolute):
    secret = bundle.parent / "secret"
    secret.write_bytes(b"key")
    name = str(secret) if absolute else "../secret"
    record = {"files": {name: hashlib.sha256(b"key").hexdigest()}}
    (bundle / "docs" / "weights.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match="secret', which is not in the bundle"):
        packing.plan_zip(bundle)


def test_same_content_gives_the_same_bytes(packing, bundle):
    first = packed(packing.plan_zip(bundle))
    for path in bundle.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1, 1))
    assert packed(packing.plan_zip(bundle)) == first
    (bundle / "LICENSE").write_text("dear", encoding="utf-8")
    assert packed(packing.plan_zip(bundle)) != first


def test_members_are_sorted_plain_files_in_one_folder(packing, bundle):
    with zipfile.ZipFile(io.BytesIO(packed(packing.plan_zip(bundle)))) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {name.partition("/")[0] for name in names} == {bundle.name}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
        assert archive.testzip() is None


def test_a_name_that_monai_would_split_is_refused(packing, bundle):
    renamed = bundle.rename(bundle.with_name("prostate_vista_segmentation"))
    with pytest.raises(ValueError, match=r"prostate_vista_segmentation.*Rename"):
        packing.plan_zip(renamed)


def test_a_folder_without_metadata_is_refused(packing, bundle):
    (bundle / "configs" / "metadata.json").unlink()
    with pytest.raises(ValueError, match=r"metadata\.json.*needs it for its version"):
        packing.plan_zip(bundle)


def test_command_writes_zips_and_their_checksums(pack, tmp_path):
    out = tmp_path / "dist"
    url = "https://example.org/releases"
    status, _ = pack("--out", out, "--bundles", NAME, "--base_url", url + "/")
    assert status == 0
    (path,) = out.glob("*.zip")
    info = json.loads((out / "model_info.json").read_text(encoding="utf-8"))
    assert info == {
        path.stem: {
            "checksum": hashlib.sha1(path.read_bytes()).hexdigest(),
            "source": f"{url}/{path.name}",
        }
    }
    before = path.read_bytes()
    status, _ = pack("--out", out, "--bundles", NAME.replace("inference", "search"))
    assert status == 0
    both = json.loads((out / "model_info.json").read_text(encoding="utf-8"))
    # Entries of earlier calls stay, and so do their files.
    assert both.items() > info.items()
    assert [entry["source"] for key, entry in both.items() if key not in info] == [""]
    assert path.read_bytes() == before
    assert sorted(p.suffix for p in out.iterdir()) == [".json", ".zip", ".zip"]


def test_without_a_choice_all_bundles_are_packed(command):
    chosen = {path.name for path in command.chosen_bundles(None)}
    assert chosen == {path.name for path in (ROOT / "bundles").iterdir() if path.is_dir()}


def test_a_zip_cut_off_leaves_the_one_before(packing, command, bundle, tmp_path):
    out = tmp_path / "dist"
    plan = packing.plan_zip(bundle)
    package.write_zip(plan, out, base_url="")
    (path,) = out.iterdir()
    before = path.read_bytes()
    (bundle / "genotype.json").unlink()
    with pytest.raises(FileNotFoundError):
        package.write_zip(plan, out, base_url="")
    assert list(out.iterdir()) == [path]
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_a_damaged_list_is_not_written_over(pack, tmp_path, content):
    (tmp_path / "model_info.json").write_text(content, encoding="utf-8")
    status, errors = pack("--out", tmp_path, "--bundles", NAME)
    assert status == 1
    assert "model_info.json" in errors
    assert "Delete it" in errors
    assert (tmp_path / "model_info.json").read_text(encoding="utf-8") == content
    assert not list(tmp_path.glob("*.zip"))


def test_an_unknown_bundle_is_named(pack, tmp_path):
    status, errors = pack("--out", tmp_path / "dist", "--bundles", "no_such_bundle")
    assert status == 1
    assert "no_such_bundle" in errors
    assert not (tmp_path / "dist").exists()
