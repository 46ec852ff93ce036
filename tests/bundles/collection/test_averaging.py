"""Inference over mirror images and folds, through the bundle's own options."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import torch

from iac_components.bundling.options import OptionError
from iac_components.common.console.brief_errors import brief_message
from iac_components.networks import load_state


@pytest.fixture(scope="module")
def fold_weights(hippocampus_chain) -> list[str]:
    """The trained weights, and others of the same network."""
    _ = hippocampus_chain.cells
    state = load_state(hippocampus_chain.ckpt)
    generator = torch.Generator().manual_seed(0)
    other = {
        key: value + 0.3 * torch.randn(value.shape, generator=generator)
        if value.is_floating_point() and "running" not in key
        else value
        for key, value in state.items()
    }
    paths = [hippocampus_chain.root / f"fold_{index}.pt" for index in range(2)]
    for path, tensors in zip(paths, (state, other), strict=True):
        torch.save(tensors, path)
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def parts(hippocampus_chain):
    """Return a function that gives an inference's averaging inferer, network and an image."""

    def parse(**options: object):
        workflow = hippocampus_chain.bundles.workflow(
            "inference",
            {
                "dataset_dir": str(hippocampus_chain.test_images),
                "output_dir": str(hippocampus_chain.root / "averaged"),
                "genotype_path": str(hippocampus_chain.genotype),
                **(
                    {} if "fold_weights" in options else {"checkpoint": str(hippocampus_chain.ckpt)}
                ),
                **options,
            },
        )
        workflow.initialize()
        parser = workflow.parser
        network = parser.get_parsed_content("network").eval()
        image = parser.get_parsed_content("dataset")[0]["image"][None]
        return parser.get_parsed_content("evaluator").inferer, network, torch.as_tensor(image)

    return parse


@torch.no_grad()
def test_folds_are_averaged(parts, fold_weights):
    inferer, network, image = parts()
    single = inferer(image, network)
    averaging, unused, image = parts(fold_weights=fold_weights)
    found = averaging(image, unused)
    outputs = []
    for path in fold_weights:
        network.load_state_dict(load_state(path))
        outputs.append(inferer(image, network))
    assert torch.allclose(outputs[0], single, atol=1e-5)
    assert not torch.allclose(outputs[0], outputs[1], atol=1e-2)
    assert torch.allclose(found, (outputs[0] + outputs[1]) / 2, atol=1e-5)


@torch.no_grad()
def test_mirrors_follow_the_training(parts):
    inferer, network, image = parts()
    mirrored = parts(mirror=True)[0](image, network)
    expected = (inferer(image, network) + inferer(image.flip(2), network).flip(2)) / 2
    assert torch.allclose(mirrored, expected, atol=1e-5)


def test_label_maps_are_those_of_the_average(hippocampus_chain, parts, fold_weights):
    chain = hippocampus_chain
    output = chain.infer(
        chain.test_images, chain.root / "folds", fold_weights=fold_weights, mirror=True
    )
    averaging, network, image = parts(fold_weights=fold_weights, mirror=True)
    with torch.no_grad():
        labels = averaging(image, network)[0].argmax(dim=0).numpy()
    written = [np.asarray(nibabel.load(path).dataobj) for path in sorted(output.glob("*.nii.gz"))]
    assert any(np.array_equal(labels, label) for label in written)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fold_weights": ["a.pt"]}, "--fold_weights"),
        ({"fold_architectures": ["a.json", "b.json"]}, "one is needed for each of --fold_weights"),
        ({"fold_weights": ["a.pt", "b.pt"], "checkpoint": "c.pt"}, "--checkpoint"),
        ({"fold_weights": ["a.pt", "b.pt"], "load_pretrain": False}, "--load_pretrain"),
        ({"mirror_axes": [1]}, "--mirror_axes"),
        ({"fold_weights": ["a.pt", "b.pt"]}, "a.pt"),
    ],
    ids=str,
)
def test_options_that_do_not_go_together(hippocampus_chain, options, words):
    given = {
        "dataset_dir": str(hippocampus_chain.test_images),
        "genotype_path": str(hippocampus_chain.genotype),
        "output_dir": str(hippocampus_chain.root / "refused"),
        **options,
    }
    workflow = hippocampus_chain.bundles.workflow("inference", given)
    with pytest.raises((OptionError, RuntimeError, OSError)) as caught:
        workflow.initialize()
    assert words in str(brief_message(caught.value))


def test_evaluation_mirrors_as_inference_does(hippocampus_chain, parts):
    chain = hippocampus_chain
    _, network, image = parts()
    evaluation = chain.evaluate("evaluate_mirrored", mirror=True)
    scored = evaluation.parser.get_parsed_content("validate#evaluator").inferer
    plain = chain.evaluation.parser.get_parsed_content("validate#evaluator").inferer
    with torch.no_grad():
        found, single = (inferer(image, network) for inferer in (scored, plain))
        mirrored = (plain(image, network) + plain(image.flip(2), network).flip(2)) / 2
    assert torch.allclose(found, mirrored, atol=1e-5)
    assert not torch.allclose(found, single, atol=1e-4)
    infos = [
        json.loads((chain.root / name / "metrics.json").read_text(encoding="utf-8"))["info"]
        for name in ("evaluate", "evaluate_mirrored")
    ]
    assert [info["mirror"] for info in infos] == [False, True]
