"""MONAI Label reads and overrides these; the package itself is too heavy to be required here."""

from __future__ import annotations

import monai.bundle
import pytest
import torch
from monai.bundle import ConfigParser

TASKS = ("segmentation", "classification", "detection")


def test_one_file_has_all_that_it_reads(parser, shipped):
    for key in ("network_def", "preprocessing", "postprocessing", "inferer", "device"):
        assert parser.get_parsed_content(key) is not None, key
    assert parser.get_parsed_content("bundle_root") == str(shipped)
    # The type of the task is taken from the folder's name.
    assert [task for task in TASKS if task in shipped.name] == ["segmentation"]
    assert (shipped / "models" / "model.pt").is_file()


def test_labels_and_dimension_are_in_the_metadata(parser):
    data_format = parser["_meta_"]["network_data_format"]
    output = next(iter(data_format["outputs"].values()))
    labels = {name.lower(): int(index) for index, name in output["channel_def"].items()}
    assert labels == {"background": 0, "anterior": 1, "posterior": 2}
    # Two items mean 2-D to it: it then segments volumes by the inferer, slice by slice.
    assert len(next(iter(data_format["inputs"].values()))["spatial_shape"]) == 2


@pytest.fixture
def overrides(bundle_copy, hippocampus):
    """The overrides of its training task, with its kind of datalist: no patient, no case."""
    root = bundle_copy("train")
    config = str(root / "configs" / "train.json")
    images = sorted((hippocampus.phantom / "imagesTr").glob("*.nii.gz"))
    data = [
        {"image": str(image), "label": str(hippocampus.phantom / "labelsTr" / image.name)}
        for image in images
    ]
    parser = ConfigParser()
    parser.read_config(config)
    return {
        "config_file": config,
        "meta_file": str(root / "configs" / "metadata.json"),
        "bundle_root": str(root),
        "train#trainer#max_epochs": 1,
        "train#dataset#data": data[1:],
        "validate#dataset#data": data[:1],
        "device": torch.device("cpu"),
        "train#handlers": parser.get("train#handlers"),
        # Only to make it quick.
        **{"backbone_def#features": [8] * 6, "field_of_view": [32, 32, -1], "val_interval": 1},
        **{"patch_size": [32, 32], "steps_per_epoch": 2, "batch_size": 2},
    }


def test_training_runs_and_continues_from_its_own_model(overrides):
    model = f"{overrides['bundle_root']}/models/model.pt"
    monai.bundle.run(run_id="run", **overrides)
    first = torch.load(model, weights_only=True)["model"]

    # A model that is there is loaded, by a handler put before the others.
    loader = {
        "_target_": "CheckpointLoader",
        "load_path": model,
        "load_dict": {"model": "$@network"},
        "strict": False,
    }
    again = {**overrides, "train#handlers": [loader, *overrides["train#handlers"]]}
    monai.bundle.run(run_id="run", **{**again, "learning_rate": 0.0})
    final = torch.load(model.replace("model.pt", "model_final.pt"), weights_only=True)["model"]
    trained = [key for key in first if key.endswith((".weight", "scale"))]
    assert trained
    assert all(torch.equal(first[key], final[key]) for key in trained)
