"""Adaptation and prediction from the command line, and by MONAI's own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from zoo_bundle import write_pairs, write_zoo_bundle

from iac_components.__main__ import main
from iac_components.adaptation import AdaptSettings, load_adapter
from iac_components.adaptation.bundles import adapting

ROOT = Path(__file__).parents[4]
CONFIG = ROOT / "bundles" / "iac_segmentation_adapt" / "configs" / "adapt.json"
QUICK = ("--candidates", "norms", "gates", "--steps", "3", "--rate", "5", "--max_cost", "10")


def run(*words):
    return main([str(word) for word in words])


def monai(*words, **options):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("adapting")
    write_zoo_bundle(root / "zoo")
    write_pairs(root / "site", 3)
    status = run("adapt", root / "zoo", root / "site", "--output_dir", root / "out", *QUICK)
    assert status == 0
    return root


def test_an_adaptation_leaves_adapter_and_report(place):
    out = place / "out"
    names = {path.name for path in out.iterdir()}
    assert names >= {"adapter", "report.html", "report.md", "result.json", "trainings"}
    adapter = load_adapter(out / "adapter")
    assert adapter.base_name == "zoo 1.2.3"
    assert adapter.preprocessing.startswith("sha256:")
    assert adapter.record["settings"]["steps"] == 3


def test_the_command_that_uses_an_adapter_can_be_pasted():
    bundle = SimpleNamespace(root=Path("a b", "zoo"))
    found = SimpleNamespace(verdict=SimpleNamespace(chosen="norms"))
    told = adapting._next_steps(bundle, Path("my out"), found)
    words = shlex.split(told.partition("Use it:  ")[2])
    assert words[2:6] == ["a b/zoo", "IMAGES", "--adapter", "my out/adapter"]


def test_monais_command_finds_the_same(place, tmp_path):
    done = monai(
        *("--config_file", CONFIG, "--network_bundle", place / "zoo"),
        *("--dataset_dir", place / "site", "--output_dir", tmp_path / "out"),
        *("--candidates", "['norms','gates']", "--steps", 3, "--rate", 5.0, "--max_cost", 10),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (
        json.loads((folder / "out" / "result.json").read_text()) for folder in (place, tmp_path)
    )
    # Times differ.
    ratios = [[effect.pop("ratio") for effect in one["effects"]] for one in (first, second)]
    assert [norms for norms, _ in ratios] == [1, 1]
    assert first["effects"] == second["effects"]
    assert first["settings"] == second["settings"]


def test_the_config_has_the_defaults_of_the_command():
    config = json.loads(CONFIG.read_text())
    defaults = AdaptSettings().plain()
    assert {name: config[name] for name in defaults} == defaults
    names = set(config) - {"imports", "bundle_root", "bundle_code", "initialize", "run"}
    arguments = config["run"][0]
    assert all(f"@{name}" in arguments for name in names)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--stepz", "3"), "--stepz is unknown"),
        (("--steps", "0"), "--steps is 0"),
        (("--network_bundle", "nowhere"), "is no folder"),
    ],
)
def test_monais_command_tells_a_wrong_option_in_a_line(place, tmp_path, words, message):
    given = {"--network_bundle": place / "zoo", "--dataset_dir": place / "site"}
    given |= {"--output_dir": tmp_path / "out", words[0]: words[1]}
    done = monai("--config_file", CONFIG, *(word for pair in given.items() for word in pair))
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def maps(folder):
    return {path.name: nib.load(path).get_fdata() for path in sorted(folder.glob("*.nii.gz"))}


def test_without_an_adapter_the_bundles_own_label_maps_are_written(place, tmp_path):
    images = place / "site" / "images"
    zoo = place / "zoo"
    own = monai(
        *("--config_file", zoo / "configs" / "inference.json", "--bundle_root", zoo),
        *("--datalist", json.dumps([str(path) for path in sorted(images.iterdir())])),
        *("--output_dir", tmp_path / "own"),
    )
    assert own.returncode == 0, own.stderr[-2000:]
    assert run("predict", zoo, images, "--output_dir", tmp_path / "none") == 0
    expected, found = maps(tmp_path / "own"), maps(tmp_path / "none")
    assert list(found) == list(expected)
    assert len(found) == 3
    for name, values in expected.items():
        assert len(np.unique(values)) > 1
        assert np.array_equal(found[name], values)


@pytest.mark.parametrize("sign", ["#", "@", "$", "%"])
def test_paths_are_used_as_typed(tmp_path, sign):
    zoo = write_zoo_bundle(tmp_path / f"bundle {sign}2")
    images = write_pairs(tmp_path / f"site {sign}3", 1) / "images"
    for out in (tmp_path / f"maps {sign}1", tmp_path / f"{sign}maps"):
        assert run("predict", zoo, images, "--output_dir", out) == 0
        assert list(maps(out)) == ["case_0_trans.nii.gz"]


@pytest.mark.parametrize(
    ("device", "message"),
    [("foo", "--device is 'foo': PyTorch knows no such"), ("cuda:9", "'cuda:9': this machine has")],
)
def test_a_device_that_is_not_there_is_told_in_a_line(place, tmp_path, capsys, device, message):
    words = ("--output_dir", tmp_path / "out", "--device", device)
    for command, cases in (("predict", place / "site" / "images"), ("adapt", place / "site")):
        assert run(command, place / "zoo", cases, *words) == 2
        assert message in capsys.readouterr().err


def test_a_folder_without_images_is_told_without_an_option_of_another_command(place, capsys):
    words = ("--output_dir", place / "nothing")
    assert run("predict", place / "zoo", place / "out" / "adapter", *words) == 2
    assert "with --dataset_dir" not in capsys.readouterr().err


def test_an_adapter_changes_label_maps(place, tmp_path, capsys):
    from adapters import moved_adapter

    from iac_components.adaptation.bundles.network_bundle import read_bundle

    images, zoo = place / "site" / "images", place / "zoo"
    bundle = read_bundle(zoo)
    moved_adapter(bundle.network, "norms").save(tmp_path / "adapter")
    for name in ("none", tmp_path / "adapter"):
        out = tmp_path / f"maps_{Path(name).name}"
        assert run("predict", zoo, images, "--adapter", name, "--output_dir", out) == 0
    before, after = maps(tmp_path / "maps_none"), maps(tmp_path / "maps_adapter")
    assert any(not np.array_equal(before[name], after[name]) for name in before)


def test_several_adapters_go_side_by_side(place, tmp_path, capsys):
    from adapters import moved_adapter

    from iac_components.adaptation.bundles.network_bundle import read_bundle

    images, zoo = place / "site" / "images", place / "zoo"
    network = read_bundle(zoo).network
    for name in ("site_a", "site_b"):
        moved_adapter(network, "norms", seed=len(name)).save(tmp_path / name / "adapter")
    words = ("none", tmp_path / "site_a" / "adapter", f"b={tmp_path / 'site_b' / 'adapter'}")
    assert run("predict", zoo, images, "--adapter", *words, "--output_dir", tmp_path / "out") == 0
    found = {name: maps(tmp_path / "out" / name) for name in ("none", "site_a", "b")}
    assert run("predict", zoo, images, "--output_dir", tmp_path / "alone") == 0
    alone = maps(tmp_path / "alone")
    assert all(np.array_equal(found["none"][name], alone[name]) for name in alone)
    assert any(not np.array_equal(found["site_a"][name], alone[name]) for name in alone)
    for wrong in (["a/b=x"], ["a=x", "a=y"], ["=x"]):
        out = ("--output_dir", tmp_path / "wrong")
        assert run("predict", zoo, images, "--adapter", *wrong, *out) == 2
        assert "--adapter" in capsys.readouterr().err


def test_pictures_are_read_by_a_bundle_for_volumes(place, tmp_path):
    from PIL import Image

    pictures, volumes = tmp_path / "pictures", tmp_path / "volumes"
    pictures.mkdir()
    volumes.mkdir()
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, size=(20, 24), dtype=np.uint8)
    Image.fromarray(values.T).save(pictures / "a.png")
    nib.save(nib.Nifti1Image(values[..., None], np.eye(4)), volumes / "a.nii.gz")
    for folder in (pictures, volumes):
        out = tmp_path / f"{folder.name}_maps"
        assert run("predict", place / "zoo", folder, "--output_dir", out) == 0
    (found,), (expected,) = (maps(tmp_path / f"{n}_maps").values() for n in ("pictures", "volumes"))
    assert found.squeeze().shape == (20, 24)
    assert np.array_equal(found, expected)


def test_a_picture_that_is_none_is_told_in_a_line(place, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"no picture")
    words = ("--output_dir", tmp_path / "out")
    assert run("predict", place / "zoo", tmp_path / "images", *words) == 2
    error = capsys.readouterr().err
    assert "is no picture that Pillow reads" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("weights", "it is another network, or was changed since"),
        ("preprocessing", "another preprocessing"),
    ],
)
def test_a_base_bundle_that_changed_since_is_refused(place, tmp_path, capsys, spoil, message):
    zoo = write_zoo_bundle(tmp_path / "zoo", seed=int(spoil == "weights"))
    if spoil == "preprocessing":
        file = zoo / "configs" / "inference.json"
        file.write_text(file.read_text().replace('"RAS"', '"LPS"'))
    words = ("--adapter", place / "out" / "adapter", "--output_dir", tmp_path / "out")
    assert run("predict", zoo, place / "site" / "images", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_the_bundle_is_never_written_to(place, capsys):
    words = ("--output_dir", place / "zoo" / "out")
    assert run("adapt", place / "zoo", place / "site", *words, *QUICK) == 2
    assert "lies in the bundle, which is never written to" in capsys.readouterr().err


def test_one_labelled_case_is_refused_before_work(place, tmp_path, capsys):
    write_pairs(tmp_path / "site", 1)
    status = run(
        "adapt", place / "zoo", tmp_path / "site", "--output_dir", tmp_path / "out", *QUICK
    )
    assert status == 2
    assert "holds 1 labelled case(s)" in capsys.readouterr().err
