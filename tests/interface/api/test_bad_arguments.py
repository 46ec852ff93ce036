"""Bad arguments: one clear line before any work."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from api_project import SHORT, Circles, unet
from torch import nn

import iac_components as iac
from iac_components.bundling.options import OptionError
from iac_components.engine import FolderInUseError


@pytest.fixture
def untouched(tmp_path):
    """A folder that nothing may be written into."""
    yield tmp_path / "run"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"epochs": 0}, "^epochs is 0: it must be a whole number"),
        ({"epochs": 1.5}, "^epochs is 1.5"),
        ({"steps_per_epoch": 0}, "^steps_per_epoch is 0"),
        ({"batch_size": -1}, "^batch_size is -1"),
        ({"learning_rate": float("nan")}, "^learning_rate is nan"),
        ({"val_interval": 200}, "^val_interval is 200: it must be at most epochs 100"),
        ({"resume": "no"}, "^resume is 'no'"),
        ({"seed": -1}, "^seed is -1"),
        ({"num_workers": 1000}, "^num_workers is 1000"),
        ({"amp": "mixed"}, "^amp is .mixed."),
        ({"device": "gpu"}, "^device is 'gpu': PyTorch knows no such device"),
        ({"class_names": ["a", "a"]}, "^class_names is"),
        ({"class_names": ["a", "b"]}, "gives 2 channels, but there are 2 classes"),
    ],
)
def test_arguments_of_training(argument, words, untouched):
    with pytest.raises(OptionError, match=words) as caught:
        iac.train(unet(2), Circles(2), output_dir=untouched, **argument)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)


STABILITY = {"criterion": "stability"}


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"warmup_epochs": 200}, "warmup_epochs is 200: it must be below epochs 200"),
        ({"operations": ["none", "conv_9x9"]}, "conv_9x9 is unknown"),
        ({"num_nodes": 99}, "num_nodes is 99"),
        ({**STABILITY, "keep_schedule": [1, 3]}, "its counts must fall"),
        ({"channel_divisor": 3}, "3"),
        ({"sites": ["neck"]}, "sites is .*'neck'.*a list of skips, bottleneck and decoder"),
        ({"sites": "decoder"}, "sites is 'decoder': it must be a list"),
        ({**STABILITY, "keep_schedule": 3}, "keep_schedule is 3: it must be a list"),
        ({"operations": "none"}, "operations is 'none': it must be a list"),
        ({"warmup_epochs": "two"}, "warmup_epochs is 'two'"),
        ({"steps_per_epoch": 1, "architecture_every": 500}, "architecture_every is 500"),
        ({"criterion": "jsd"}, "criterion is 'jsd': it must be stability, floor, audit or both"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"alpha": 1}, "alpha is 1"),
        ({"images_a_patient": 0}, "images_a_patient is 0"),
        (
            {**STABILITY, "cost": "milliseconds"},
            "cost is 'milliseconds': with criterion stability it has no",
        ),
        ({**STABILITY, "max_cost": 1.15}, "Leave it out, or pass criterion audit or both"),
        ({"keep_schedule": (2, 1)}, "keep_schedule is"),
        ({"max_cost": 0.5}, "max_cost is 0.5"),
        ({}, "has 2: 3 are needed at least"),
    ],
)
def test_arguments_of_a_search(argument, words, tmp_path):
    halves = Circles(2), Circles(2, first=9)
    with pytest.raises(ValueError, match=words):
        iac.search_cell(unet(2), *halves, output_dir=tmp_path, **argument)
    assert not list(tmp_path.glob("search_trace*"))
    assert not list(tmp_path.glob("checkpoints/*"))


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"layout": "dicom"}, "layout is 'dicom': it must be one of"),
        ({"spatial_dims": 4}, "spatial_dims is 4"),
        ({"plane": "oblique"}, "plane 'oblique'"),
        ({"fold": 9}, "fold is 9"),
        ({"patch_sise": (8, 8)}, "patch_sise is no argument of load_dataset"),
        ({"patch_size": (8, 8, 8)}, "patch_size is"),
        ({"pixdim": "1"}, "pixdim is '1'"),
        ({"empty_fraction": 2}, "empty_fraction is 2"),
        ({"class_names": ["one"]}, r"names 2 \(Anterior, Posterior\)"),
        ({"patch_size": (64, 64), "field_of_view": (32, 32, -1)}, "must lie within field_of_view"),
    ],
)
def test_arguments_of_a_data_set(argument, words, phantom):
    with pytest.raises(ValueError, match=words):
        iac.load_dataset(phantom, **{"layout": "decathlon", **argument})


def test_a_faulty_file_is_named(phantom, tmp_path):
    copy = tmp_path / "Task04_Hippocampus"
    for file in phantom.rglob("*.*"):
        target = copy / file.relative_to(phantom)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    (copy / "imagesTr" / "hippocampus_004.nii.gz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"hippocampus_004\.nii\.gz"):
        iac.load_dataset(copy, layout="decathlon")


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (nn.Conv2d(1, 1, 3, padding=1), "gives 1 channel"),
        (nn.Conv2d(1, 2, 3), "must give one tensor"),
        (nn.Conv2d(3, 2, 3, padding=1), "the network cannot take it"),
        (nn.Conv3d(1, 2, 3, padding=1), "must give one tensor"),
        (nn.Conv2d(1, 2, 3, padding=1).requires_grad_(False), "has no parameter to train"),
    ],
)
def test_networks_that_do_not_fit(network, words, untouched):
    with pytest.raises(OptionError, match=words):
        iac.train(network, Circles(2), output_dir=untouched)


def test_classes_and_channels_must_fit(data, untouched):
    with pytest.raises(OptionError, match=r"2 classes \(Anterior, Posterior\)"):
        iac.train(unet(5), data.train, output_dir=untouched)


def test_the_window_of_validation_must_fit_too(data, untouched):
    recipe = replace(data.recipe, patch_size=(34, 34), field_of_view=(34, 34, -1))
    odd = replace(data.validation, recipe=recipe)
    with pytest.raises(OptionError, match=r"^patch_size is \[34, 34\]"):
        iac.train(unet(), data.train, odd, output_dir=untouched)
    with pytest.raises(OptionError, match=r"^patch_size is \[34, 34\]"):
        iac.evaluate(unet(), odd, output_dir=untouched)


def test_a_network_with_cells_is_not_searched_again(project, untouched):
    with pytest.raises(OptionError, match="holds cells already"):
        iac.search_cell(
            project.model, project.data.weights, project.data.architecture, output_dir=untouched
        )


def test_images_that_cannot_be_segmented(project, tmp_path):
    recipe, images = project.data.recipe, project.dataset / "imagesTr"
    for given, words in (("nowhere.nii", "nowhere.nii; pass"), ([], "there is none")):
        with pytest.raises(OptionError, match=words):
            iac.predict(project.model, given, recipe)
    with pytest.raises(OptionError, match="holds the images"):
        iac.predict(project.model, images, recipe, output_dir=images)
    with pytest.raises(OptionError, match="recipe is a dict"):
        iac.predict(project.model, images, {})


def test_a_folder_in_use_is_refused(monkeypatch, tmp_path):
    from iac_components.engine import owned_folders

    monkeypatch.setattr(owned_folders, "_lock", lambda folder, name: "process 1")
    with pytest.raises(FolderInUseError, match="in use by process 1"):
        iac.train(unet(2), Circles(2), output_dir=tmp_path, **SHORT)


@pytest.mark.filterwarnings("ignore")
def test_a_failed_run_releases_its_folder(tmp_path):
    def fail(*arguments):
        raise RuntimeError("broken loss")

    with pytest.raises(RuntimeError, match="broken loss"):
        iac.train(unet(2), Circles(2), output_dir=tmp_path, loss=fail, **SHORT)
    assert not (tmp_path / ".iac_components.lock").exists()
    iac.train(unet(2), Circles(2), output_dir=tmp_path, **SHORT)
    assert json.loads((tmp_path / "network.json").read_text())["kind"] == "UNet"
