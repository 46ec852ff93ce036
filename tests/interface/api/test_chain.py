"""The ten lines: every step leaves what it says, and nothing changes behind the user's back."""

from __future__ import annotations

import json

import nibabel
import pytest
import torch
from api_project import CELL, SEARCH, SHORT, Circles, unet
from monai.networks.nets import SegResNet

import iac_components as iac
from iac_components.engine import BestScore
from iac_components.networks import ImplantedNetwork, load_state


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_training_returns_the_best_weights_in_place(project):
    best = load_state(project.folder / "plain" / "model.pt")
    held = project.plain.state_dict()
    assert not project.plain.training
    assert held.keys() == best.keys()
    assert all(torch.equal(held[name], best[name]) for name in best)
    assert files(project.folder / "plain") >= {
        "model.pt",
        "model_final.pt",
        "network.json",
        "checkpoints",
    }
    assert not torch.equal(next(iter(held.values())), next(iter(unet().state_dict().values())))


def test_the_best_weights_are_returned_not_the_last(monkeypatch, tmp_path):
    first = iter([True])
    monkeypatch.setattr(BestScore, "beaten_by", lambda self, value: next(first, False))
    long = {**SHORT, "epochs": 2, "val_interval": 1}
    network = iac.train(unet(2), Circles(2), Circles(2), output_dir=tmp_path, **long)
    best, last = (load_state(tmp_path / name) for name in ("model.pt", "model_final.pt"))
    held = network.state_dict()
    assert all(torch.equal(held[name], best[name]) for name in best)
    assert not all(torch.equal(best[name], last[name]) for name in best)


def test_search_writes_its_files_and_leaves_the_network(project):
    folder = project.folder / "search"
    assert files(folder) >= {"genotype.json", "search_trace.csv", "cell.png", "top_k.json"}
    assert iac.load_genotype(folder / "genotype.json") == project.genotype
    assert project.genotype.provenance["settings"]["dataset_name"] == "Task04_Hippocampus"
    assert type(project.plain).__name__ == "UNet"


def test_implanted_network_is_the_plain_one_until_it_is_trained(project):
    image = torch.rand(2, 1, 32, 32)
    fresh = iac.implant(project.plain, project.folder / "search" / "genotype.json")
    assert isinstance(fresh, ImplantedNetwork)
    assert torch.equal(fresh.eval()(image), project.plain(image))
    assert not torch.equal(project.model(image), project.plain(image))


def test_frozen_backbone_stays_as_it_is(project, tmp_path):
    model = iac.implant(project.plain, project.genotype, frozen_backbone=True)
    before = [parameter.clone() for parameter in model.backbone_parameters()]
    cells = [parameter.clone() for parameter in model.cell_parameters()]
    iac.train(model, project.data.train, output_dir=tmp_path, **SHORT)
    assert all(map(torch.equal, before, model.backbone_parameters()))
    assert not all(map(torch.equal, cells, model.cell_parameters()))
    assert "model.pt" not in files(tmp_path)


def test_evaluation_returns_what_it_writes(project, tmp_path):
    result = iac.evaluate(project.model, project.data.test, output_dir=tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert result.dice.mean == written["summary"]["dice"]["mean"]["mean"]
    assert result.hd95.mean == written["summary"]["hd95"]["mean"]["mean"]
    assert result.classes["Anterior"].n_patients == len(written["patients"])
    assert written["info"]["part"] == "test"
    assert all(path.is_file() for path in result.files)


def test_predictions_lie_where_the_image_lies(project, tmp_path):
    image = project.dataset / "imagesTr" / "hippocampus_003.nii.gz"
    recipe = project.data.recipe
    written = iac.predict(project.model, image, recipe, output_dir=tmp_path)
    arrays = iac.predict(project.model, [image], recipe)
    assert list(written) == list(arrays) == ["hippocampus_003"]
    mask = nibabel.load(written["hippocampus_003"])
    assert (mask.get_fdata() == arrays["hippocampus_003"]).all()
    assert (mask.affine == nibabel.load(image).affine).all()


def test_a_part_can_be_segmented(project):
    found = iac.predict(project.model, project.data.test, project.data.recipe)
    assert set(found) == {entry["case"] for entry in project.data.test.entries}


def test_pictures_of_a_search_and_of_a_cell_alone(project, tmp_path):
    drawn = iac.plot(project.folder / "search", output_dir=tmp_path / "search")
    assert all(path.is_file() and path.parent == tmp_path / "search" for path in drawn.values())
    iac.save_genotype(project.genotype, tmp_path / "genotype.json")
    assert iac.plot(tmp_path)["cell"] == tmp_path / "cell.png"
    with pytest.raises(ValueError, match=r"holds no search_trace\.csv and no genotype\.json"):
        iac.plot(tmp_path / "search" / "nothing")


def test_a_3d_segresnet_gets_a_cell(volumes, tmp_path):
    torch.manual_seed(0)
    network = SegResNet(3, 4, 1, 3, blocks_down=(1, 1), blocks_up=(1,), norm=("instance", {}))
    genotype = iac.search_cell(
        network,
        volumes.weights,
        volumes.architecture,
        output_dir=tmp_path,
        **SEARCH,
        **CELL,
    )
    assert genotype.search_space.spatial_dims == 3
    image = torch.rand(1, 1, 32, 32, 32)
    model = iac.implant(network, genotype).eval()
    assert torch.equal(model(image), network.eval()(image))


def test_a_topology_is_searched_built_and_trained(volumes, tmp_path):
    parts = (volumes.weights, volumes.architecture, volumes.validation)
    small = {"num_blocks": 2, "num_depths": 2, "channel_mul": 0.125}
    found = iac.search_topology(*parts, output_dir=tmp_path / "search", **SEARCH, **small)
    assert iac.load_architecture(tmp_path / "search" / "architecture.json") == found
    assert (tmp_path / "search" / "topology.png").is_file()
    network = iac.build_dints_network(found, in_channels=1, out_channels=3)
    iac.train(network, volumes.train, output_dir=tmp_path / "train", **SHORT)
