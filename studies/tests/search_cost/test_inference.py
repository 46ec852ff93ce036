"""Both sides of the inference benchmark run the bundle's own path and differ in the cells alone."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import pytest
import torch

import studies.search_cost.inference as benchmark_inference
from iac_components.networks import ImplantedNetwork, measure_complexity
from iac_components.phantoms import write_phantom
from studies.search_cost.steps.volume_path import VolumePath, find_volumes

BUNDLE = "hippocampus_unet"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    return write_phantom(folder, layout="decathlon", num_patients=5, shape=(20, 24, 16))


@pytest.fixture(scope="module")
def paths() -> dict[str, VolumePath]:
    return {
        side: VolumePath(BUNDLE, skip_module=name)
        for side, name in benchmark_inference.SIDES.items()
    }


def test_the_sides_differ_in_the_cells(paths):
    assert isinstance(paths["cells"].network, ImplantedNetwork)
    assert not isinstance(paths["plain"].network, ImplantedNetwork)
    assert paths["plain"].window_shape == paths["cells"].window_shape == (16, 1, 48, 64)
    assert not any(path.network.training for path in paths.values())


def test_narrow_cells_cost_less():
    narrow = VolumePath(BUNDLE, skip_module="iac", channel_divisor=4)
    wide = VolumePath(BUNDLE, skip_module="iac")
    costs = [
        measure_complexity(path.network, input_shape=path.window_shape).flops
        for path in (narrow, wide)
    ]
    assert costs[0] < costs[1]


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_memory_format_is_seen(memory_format):
    path = VolumePath(BUNDLE, skip_module="plain")
    path.network.to(memory_format=memory_format)
    assert path.channels_last == (memory_format == torch.channels_last)


def test_the_whole_path_gives_a_label_map_in_the_files_space(paths, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = find_volumes(BUNDLE, dataset, count=3)[0]
    # Fresh cells change nothing, so that equal backbones must give equal label maps.
    state = paths["plain"].network.state_dict()
    paths["cells"].network.backbone.load_state_dict(state, strict=False)
    maps = {side: path.segment(image) for side, path in paths.items()}
    assert tuple(maps["plain"].shape) == (1, *nib.load(image).shape)
    assert set(maps["plain"].unique().tolist()) <= {0, 1, 2}
    assert len(maps["plain"].unique()) > 1
    torch.testing.assert_close(maps["cells"], maps["plain"])
    assert paths["plain"].window_shape == (16, 1, 48, 64)
    assert not list(tmp_path.iterdir())


def test_volumes_are_those_of_the_test_fold(dataset):
    volumes = find_volumes(BUNDLE, dataset, count=2)
    assert len(volumes) == 2
    assert all(Path(volume).is_file() for volume in volumes)


def test_a_run(paths, dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(VolumePath, "forward", lambda path, windows: path.network(windows[:1]))
    out = tmp_path / "inference.json"
    counts = ["--repeats", "2", "--volumes", "1", "--volume_repeats", "1"]
    options = ["--bundle", BUNDLE, "--dataset_dir", str(dataset), *counts, "--out", str(out)]
    assert benchmark_inference.main(options) == 0
    record = json.loads(out.read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == record
    (bundle,) = record["records"]
    forward, whole = bundle["forward"], bundle["whole_path"]
    assert bundle["channels_last"] == {side: path.channels_last for side, path in paths.items()}
    assert len(forward["seconds"]["cells"]["wall"]["all"]) == 2
    assert forward["flops"]["cells"] > forward["flops"]["plain"]
    assert whole["volumes"] == len(whole["seconds"]) == 1
    assert whole["cells_over_plain"]["cpu"]["ratio_of_minima"] > 0
    assert forward["input_shape"] == [16, 1, 48, 64]
    assert forward["cells_over_plain"]["cpu"]["median_of_pairs"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--bundle", "moon_unet"], "bundle 'moon_unet' is unknown. Known: acdc_efficientnet"),
        (["--bundle", BUNDLE, "--repeats", "0"], "--repeats must be at least 1, got 0."),
        (["--bundle", BUNDLE, "--channel_divisor", "3"], "16 channels cannot be divided by K=3"),
        (["--bundle", BUNDLE, "--dataset_dir", "a", "b"], "names 2 folders for 1 bundles"),
        (["--bundle", BUNDLE, "--dataset_dir", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_input_is_one_line(options, message, capsys):
    with pytest.raises(SystemExit):
        benchmark_inference.main(options)
    assert message in capsys.readouterr().err.splitlines()[-1]
