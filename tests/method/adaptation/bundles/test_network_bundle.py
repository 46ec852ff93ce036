"""Downloaded bundles as a network with its surroundings, and a site's cases on its grid."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from scripted import scripted
from zoo_bundle import SETTINGS, write_pairs, write_zoo_bundle

from iac_components.adaptation.adapter.base_network import network_digest
from iac_components.adaptation.bundles.labelled import find_cases, prepare_cases
from iac_components.adaptation.bundles.network_bundle import read_bundle
from iac_components.bundling.options import OptionError
from iac_components.data import DatasetError

ROOT = Path(__file__).parents[4]
SHIPPED = ROOT / "bundles" / "hippocampus_unet_iac_segmentation_inference"


@pytest.fixture
def zoo(tmp_path):
    return write_zoo_bundle(tmp_path / "zoo")


def contents(root):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_a_bundle_of_the_zoo_is_read_and_not_written_to(zoo):
    before = contents(zoo)
    bundle = read_bundle(zoo)
    assert bundle.name == "zoo 1.2.3"
    assert bundle.class_names == ("ball", "shell")
    assert (bundle.channels, bundle.window.size, bundle.window.slice_axis) == (
        1,
        (16, 16, 16),
        None,
    )
    weights = torch.load(zoo / "models" / "model.pt", weights_only=True)
    state = bundle.network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in weights.items())
    assert not bundle.network.training
    assert contents(zoo) == before


def test_a_bundle_of_this_collection_is_read():
    bundle = read_bundle(SHIPPED)
    assert bundle.class_names == ("anterior", "posterior")
    assert (bundle.window.size, bundle.window.slice_axis) == ((48, 64), 2)
    weights = torch.load(SHIPPED / "models" / "model.pt", weights_only=True)
    weights = weights.get("model", weights)
    state = bundle.network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in weights.items())


def test_the_inferer_is_that_of_the_evaluator(zoo):
    image = torch.rand(1, 1, 12, 48, 64)

    def outputs(**options):
        bundle = read_bundle(SHIPPED, **options)
        assert (bundle.window.size, bundle.window.slice_axis) == ((48, 64), 2)
        return bundle.inferer(image.movedim(2, 4), bundle.network)

    plain, mirrored = outputs(), outputs(mirror=True)
    network = read_bundle(SHIPPED).network
    flipped = read_bundle(SHIPPED).inferer(image.movedim(2, 4).flip(2), network).flip(2)
    assert not torch.allclose(plain, mirrored, atol=1e-3)
    assert torch.allclose(mirrored, (plain + flipped) / 2, atol=1e-5)
    # A bundle from elsewhere need have no evaluator.
    change(zoo, evaluator=None)
    assert read_bundle(zoo).window.size == (16, 16, 16)


def test_yaml_is_read_as_well(zoo):
    import yaml

    file = zoo / "configs" / "inference.json"
    content = json.loads(file.read_text())
    file.with_suffix(".yaml").write_text(yaml.safe_dump(content))
    expected = read_bundle(zoo).digest
    file.unlink()
    assert read_bundle(zoo).digest == expected


def test_the_inferer_has_a_digest_of_its_own(zoo):
    file = zoo / "configs" / "inference.json"
    content = json.loads(file.read_text())
    first = read_bundle(zoo)
    file.write_text(json.dumps({**content, "inferer": {**content["inferer"], "overlap": 0.5}}))
    second = read_bundle(zoo)
    assert second.inferer_digest != first.inferer_digest
    assert second.digest == first.digest
    found = {read_bundle(SHIPPED, mirror=mirror).inferer_digest for mirror in (False, True)}
    assert len(found) == 2


def test_the_digest_changes_with_what_the_preprocessing_refers_to(zoo):
    file = zoo / "configs" / "inference.json"
    content = json.loads(file.read_text())
    content["codes"] = "RAS"
    content["preprocessing"]["transforms"][2]["axcodes"] = "@codes"
    file.write_text(json.dumps(content))
    first = read_bundle(zoo).digest
    file.write_text(json.dumps({**content, "codes": "LPS"}))
    assert read_bundle(zoo).digest != first
    file.write_text(json.dumps({**content, "unrelated": 1}))
    assert read_bundle(zoo).digest == first


def change(zoo, **changes):
    file = zoo / "configs" / "inference.json"
    content = json.loads(file.read_text())
    content.update(changes)
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda zoo: (zoo / "models" / "model.pt").unlink(), "comes without weights"),
        (lambda zoo: (zoo / "configs" / "inference.json").unlink(), "not laid out as the"),
        (lambda zoo: (zoo / "configs" / "metadata.json").unlink(), "names the classes"),
        (lambda zoo: (zoo / "configs" / "metadata.json").write_text("{}"), "channel_def"),
        (lambda zoo: (zoo / "configs" / "inference.json").write_text("{"), "cannot be read"),
        (lambda zoo: change(zoo, network=None, network_def=None), "neither 'network_def' nor"),
        (lambda zoo: change(zoo, preprocessing=None), "has no 'preprocessing'"),
        (
            lambda zoo: change(
                zoo, network_def={"_target_": "UNet", **SETTINGS, "spatial_dims": 9}
            ),
            "'network' of its inference config fails",
        ),
        (lambda zoo: change(zoo, inferer={"_target_": "Compose"}), "expected a Inferer"),
    ],
)
def test_a_bundle_at_fault_is_one_clear_line(zoo, spoil, message):
    spoil(zoo)
    with pytest.raises(OptionError, match=message) as caught:
        read_bundle(zoo)
    assert "\n" not in str(caught.value)
    assert str(zoo) in str(caught.value)


def test_weights_of_another_network_are_refused(zoo):
    change(zoo, network_def={"_target_": "UNet", **SETTINGS, "channels": [4, 6]})
    with pytest.raises(ValueError, match="checkpoint of another network"):
        read_bundle(zoo)


def test_a_bundle_may_ship_its_network_as_torchscript_alone(zoo):
    network = read_bundle(zoo).network
    made = scripted(network, torch.zeros(1, 1, 16, 16, 16), "script")
    (zoo / "models" / "model.pt").unlink()
    torch.jit.save(made, zoo / "models" / "model.ts")
    found = read_bundle(zoo)
    assert network_digest(found.network) == network_digest(network)
    assert isinstance(found.network, torch.jit.ScriptModule)
    # The same where the config itself loads a file.
    (zoo / "models" / "model.ts").rename(zoo / "models" / "other.ts")
    change(zoo, network_def="$torch.jit.load(@bundle_root + '/models/other.ts')")
    assert network_digest(read_bundle(zoo).network) == network_digest(network)


def test_torchscript_that_cannot_be_read_is_named(zoo):
    (zoo / "models" / "model.pt").rename(zoo / "models" / "model.ts")
    with pytest.raises(OptionError, match=r"model.ts' cannot be read as TorchScript. Download"):
        read_bundle(zoo)


def test_labels_come_onto_the_grid_of_the_prepared_image(zoo, tmp_path):
    folder = write_pairs(tmp_path / "site", 2)
    bundle = read_bundle(zoo)
    first = prepare_cases(bundle, find_cases(folder))[0]
    stored = nib.load(folder / "labels" / "case_0.nii.gz").get_fdata()
    assert np.array_equal(first.label.numpy(), stored[::-1])  # turned to RAS with its image
    assert first.image.shape == (1, 20, 20, 20)
    assert first.spacing == (1.0, 1.0, 2.0)
    assert first.image[0][first.label == 2].mean() > first.image[0][first.label == 0].mean() + 1


def test_white_masks_are_of_the_only_class(zoo, tmp_path, capsys):
    folder = write_pairs(tmp_path / "site", 2, values=1)
    several = read_bundle(zoo)
    one = replace(several, class_names=("ball",))
    plain = prepare_cases(one, find_cases(folder))
    assert "255" not in capsys.readouterr().out
    for path in (folder / "labels").iterdir():
        label = nib.load(path)
        nib.save(nib.Nifti1Image(255 * label.get_fdata().astype("uint8"), label.affine), path)
    white = prepare_cases(one, find_cases(folder))
    assert "Label value 255 is 'ball'" in capsys.readouterr().out
    assert all(torch.equal(a.label, b.label) for a, b in zip(white, plain, strict=True))
    assert any(case.label.any() for case in white)
    # Of several classes nobody knows which one is meant.
    with pytest.raises(DatasetError, match="unexpected label values 255"):
        prepare_cases(several, find_cases(folder))


def test_patients_are_read_from_a_table(tmp_path):
    folder = write_pairs(tmp_path / "site", 3, size=8)
    assert [case.patient for case in find_cases(folder)] == ["case_0", "case_1", "case_2"]
    rows = "case,subject_group\ncase_0,p1\ncase_1.nii.gz,p1\n"
    (folder / "groups.csv").write_text(rows + "case_2.nii,p2\n")
    assert [case.patient for case in find_cases(folder)] == ["p1", "p1", "p2"]
    (folder / "groups.csv").write_text(rows)
    with pytest.raises(DatasetError, match="no subject_group for case 'case_2'"):
        find_cases(folder)


def test_a_known_layout_is_read():
    folder = ROOT / "iac_components" / "data" / "examples" / "Task04_Hippocampus"
    assert len(find_cases(folder)) == 20


def test_folders_at_fault_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"no dataset\.json and no folders images and labels"):
        find_cases(tmp_path)
    folder = write_pairs(tmp_path / "site", 2, size=8)
    (folder / "labels" / "case_1.nii.gz").unlink()
    with pytest.raises(DatasetError, match="case 'case_1' has no file in labels"):
        find_cases(folder)
    (folder / "images" / "case_1.nii.gz").unlink()
    for role in ("images", "labels"):
        (folder / role / "notes.txt").write_text("no image")
        (folder / role / "case_2.nii.gz").symlink_to(tmp_path / "unplugged" / f"{role}.nii.gz")
    with pytest.raises(DatasetError, match=r"images/case_2.nii.gz' is a link to .* not there"):
        find_cases(folder)
