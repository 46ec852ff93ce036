"""Downloaded zips search, train, evaluate and segment where this package is not installed."""

from __future__ import annotations

import json
from functools import cached_property

import nibabel
import pytest

from tools.maintenance.verification.methods.iac_budgets import QUICK, STEPS

PREFIX = "hippocampus_unet_iac_segmentation"
TINY = {"field_of_view": [32, 32, -1], "num_workers": 0, **QUICK.networks["unet"], **STEPS}
SEARCH = QUICK.stages["search"]


class Downloaded:
    """The chain of a user who has nothing but the zips; each stage runs on its first use."""

    def __init__(self, empty, bundles, phantom, root) -> None:
        self.empty = empty
        self.bundles = bundles
        self.phantom = phantom
        self.root = root

    def config(self, stage, name) -> str:
        return str(self.bundles / f"{PREFIX}_{stage}" / "configs" / f"{name}.json")

    def run(self, configs, **options) -> str:
        (*others, last) = configs
        files = [*others, last] if others else last
        common = {"dataset_dir": self.phantom, "folds_file": self.root / "folds.json", **TINY}
        return self.empty.bundle("run", {"config_file": files, **common, **options})

    @cached_property
    def genotype(self):
        self.run([self.config("search", "search")], output_dir=self.root / "search", **SEARCH)
        return self.root / "search" / "genotype.json"

    @cached_property
    def models(self):
        folder = self.root / "models"
        self.run(
            [self.config("train", "train")],
            genotype_path=self.genotype,
            ckpt_dir=folder,
            output_dir=self.root / "train",
            epochs=1,
            val_interval=1,
        )
        return folder


@pytest.fixture(scope="module")
def chain(empty, downloaded, hippocampus, tmp_path_factory) -> Downloaded:
    return Downloaded(empty, downloaded, hippocampus.phantom, tmp_path_factory.mktemp("chain"))


def test_the_environment_is_empty(empty):
    done = empty.python("-c", "import iac_components")
    assert "No module named 'iac_components'" in done.stderr


def test_search(chain):
    genotype = json.loads(chain.genotype.read_text(encoding="utf-8"))
    assert genotype["provenance"]["kind"] in ("searched", "undecided")
    assert (chain.genotype.parent / "cell.png").is_file()


def test_train_and_evaluate(chain):
    configs = [chain.config("train", name) for name in ("train", "evaluate")]
    chain.run(
        configs,
        genotype_path=chain.genotype,
        ckpt_dir=chain.models,
        output_dir=chain.root / "evaluate",
    )
    assert (chain.models / "model.pt").is_file()
    assert (chain.root / "evaluate" / "metrics.csv").is_file()


def test_inference_with_the_weights_of_the_zip(chain):
    images = chain.root / "images"
    images.mkdir()
    image = sorted((chain.phantom / "imagesTr").glob("*.nii.gz"))[0]
    (images / image.name).symlink_to(image)
    output = chain.root / "predictions"
    printed = chain.empty.bundle(
        "run",
        {
            "config_file": chain.config("inference", "inference"),
            "dataset_dir": images,
            "output_dir": output,
        },
    )
    (path,) = output.iterdir()
    assert nibabel.load(path).shape == nibabel.load(image).shape
    # The copy in the zip is of the zip's version.
    assert "made with iac_components" not in printed


def test_load_gives_the_network_with_the_weights_of_the_zip(chain):
    code = f"""
import torch, monai.bundle
net = monai.bundle.load({PREFIX + "_inference"!r}, bundle_dir={str(chain.bundles)!r},
    workflow_type="inference", source="github", repo="a/b/c")
saved = torch.load({str(chain.bundles / (PREFIX + "_inference"))!r} + "/models/model.pt",
    weights_only=True)
state = net.state_dict()
assert state.keys() == saved.keys() and all(torch.equal(state[k].cpu(), saved[k]) for k in saved)
import iac_components; print(iac_components.__file__)
"""
    done = chain.empty.python("-c", code)
    assert done.returncode == 0, done.stderr[-3000:]
    assert str(chain.bundles) in done.stdout


def test_export_is_told_where_the_bundle_lies(chain, tmp_path):
    """It parses the config without a workflow; MONAI's own option for that is bundle_root."""
    root = chain.bundles / f"{PREFIX}_inference"
    options = {
        "bundle_root": root,
        "config_file": root / "configs" / "inference.json",
        "filepath": tmp_path / "model.ts",
        "use_trace": True,
    }
    chain.empty.bundle("ckpt_export network_def", options)
    assert (tmp_path / "model.ts").is_file()


def test_nothing_is_left_in_the_working_directory(chain):
    _ = chain.models
    assert not list(chain.empty.cwd.iterdir())
