"""Training and prediction by nnU-Net's own commands, with a cell in its network."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import torch

from iac_components.nnunet.weights.checkpoint import read_network_weights

DEVICE = ("-device", "cpu")


@pytest.fixture(scope="module")
def fresh(trained, genotypes):
    """Plans with a cell, trained with a trainer of nnU-Net's alone, from fresh weights."""
    plans = trained.plans("nnUNetPlansIAC")
    command = ("plans", str(trained.plans()), str(genotypes[2]), str(plans))
    assert "nnUNetv2_train" in trained.run("iac_components.nnunet", *command)
    tiny = ("-p", plans.stem, "-tr", "nnUNetTrainerTiny", *DEVICE)
    trained.run("nnUNetv2_train", "4", "2d", "0", *tiny)
    return trained


@pytest.fixture(scope="module")
def frozen(trained, genotypes):
    """Cells alone, trained around the plain network's weights."""
    plans = trained.plans("nnUNetPlansIACFrozen")
    trained.ours(
        *("plans", str(trained.plans()), str(genotypes[2]), str(plans), "--frozen"),
        *("--weights", trained.weights, "--epochs", "2", "--steps_per_epoch", "2"),
    )
    tiny = ("-p", plans.stem, "-tr", "nnUNetTrainerIACTiny", *DEVICE)
    trained.run("nnUNetv2_train", "4", "2d", "0", *tiny)
    return trained


def predict(place, model, folder):
    images = str(place.root / "raw" / "Dataset004_Hippocampus" / "imagesTr")
    name, plans, _ = model.name.split("__")
    place.run(
        *("nnUNetv2_predict", "-i", images, "-o", str(folder), "-d", "4", "-c", "2d", "-f", "0"),
        *("-p", plans, "-tr", name, "-npp", "1", "-nps", "1", "--disable_tta", *DEVICE),
    )


def test_model_folder_holds_the_genotype_and_predicts(fresh, genotypes, tmp_path):
    model = fresh.model("nnUNetTrainerTiny", "nnUNetPlansIAC")
    plans = json.loads((model / "plans.json").read_text())
    kwargs = plans["configurations"]["2d"]["architecture"]["arch_kwargs"]
    assert kwargs["genotype"]["digest"] == json.loads(genotypes[2].read_text())["digest"]
    assert (model / "fold_0" / "validation" / "summary.json").is_file()
    weights = read_network_weights(model / "fold_0" / "checkpoint_final.pth")
    scales = [value for key, value in weights.items() if key.endswith("skip_module.scale")]
    assert len(scales) == 2
    assert all(scale.abs().max() > 0 for scale in scales)
    predict(fresh, model, tmp_path / "out")
    raw = fresh.root / "raw" / "Dataset004_Hippocampus" / "imagesTr"
    for image in raw.iterdir():
        found = nibabel.load(tmp_path / "out" / image.name.replace("_0000", ""))
        expected = nibabel.load(image)
        assert found.shape == expected.shape
        assert np.allclose(found.affine, expected.affine, atol=1e-5)


def test_frozen_network_keeps_the_plain_weights(frozen, tmp_path):
    model = frozen.model("nnUNetTrainerIACTiny", "nnUNetPlansIACFrozen")
    after = read_network_weights(model / "fold_0" / "checkpoint_final.pth")
    before = read_network_weights(frozen.weights.replace("{fold}", "0"))
    own = {key: value for key, value in after.items() if "skip_module" not in key}
    renamed = {
        key.replace(".stages.", ".").replace(".transpconvs.", "."): value
        for key, value in before.items()
        if key.startswith("encoder.")
    }
    assert renamed
    for key, value in before.items():
        if key.startswith(("encoder.", "decoder.seg_layers.")):
            assert torch.equal(own[key], value)
    assert torch.equal(
        own["decoder.blocks.0.block.transpconv.weight"], before["decoder.transpconvs.0.weight"]
    )
    scales = [value for key, value in after.items() if key.endswith("skip_module.scale")]
    assert all(scale.abs().max() > 0 for scale in scales)
    predict(frozen, model, tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.nii.gz"))) == 12


def trainer(place, plans, configuration="2d", name="nnUNetTrainerIAC"):
    from iac_components.nnunet.trainer import nnUNetTrainerIAC

    content = json.loads(place.plans(plans).read_text())
    dataset = json.loads((place.preprocessed / "dataset.json").read_text())
    return nnUNetTrainerIAC(
        {**content, "continue_training": False}, configuration, 0, dataset, torch.device("cpu")
    )


def test_trainer_needs_weights_cells_and_something_to_train(trained, here, genotypes, tmp_path):
    out = here.plans("nnUNetPlansWhole")
    here.ours("plans", str(here.plans()), str(genotypes[2]), str(out))
    whole = trainer(here, out.stem)
    with pytest.raises(FileNotFoundError, match=r"-p nnUNetPlansTiny.*--weights"):
        whole.on_train_start()
    assert (whole.num_epochs, whole.initial_lr) == (1000, 0.01)
    assert all(parameter.requires_grad for parameter in whole.network.parameters())
    with pytest.raises(ValueError, match="these plans hold no cell"):
        trainer(here, "nnUNetPlansTiny").initialize()


def test_frozen_trainer_trains_the_cells_alone(frozen, here):
    own = trainer(here, "nnUNetPlansIACFrozen")
    own.initialize()
    assert (own.num_epochs, own.num_iterations_per_epoch) == (2, 2)
    training = {name for name, value in own.network.named_parameters() if value.requires_grad}
    assert training
    assert all("skip_module" in name for name in training)
    own.on_train_epoch_start()
    modes = {name: module.training for name, module in own.network.named_modules()}
    assert modes["decoder.blocks.0.skip_module"]
    assert not modes["encoder"]
