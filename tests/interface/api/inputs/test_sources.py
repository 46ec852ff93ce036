"""Sources of images and labels, accepted and refused."""

from __future__ import annotations

import pytest
import torch
from api_project import CELL, SEARCH, SHORT, Circles, unet
from torch.utils.data import DataLoader, IterableDataset

import iac_components as iac
from iac_components.bundling.options import OptionError

pytestmark = pytest.mark.filterwarnings("ignore")


class Endless(IterableDataset):
    def __iter__(self):
        return iter([Circles(1)[0]])


@pytest.mark.parametrize("kind", [list, "loader", "dataset"])
def test_loaders_datasets_and_lists_train_and_are_scored(kind, tmp_path):
    items = Circles(4)
    given = {"loader": DataLoader(items, batch_size=2), "dataset": items}.get(
        kind, [items[i] for i in range(4)]
    )
    more = {"epochs": 1} if kind == "loader" else SHORT
    network = iac.train(unet(2), given, given, output_dir=tmp_path / "run", **more)
    result = iac.evaluate(network, given, output_dir=tmp_path / "scores")
    assert result.dice.n_patients == 4
    assert list(result.classes) == ["class_1"]
    named = iac.evaluate(network, given, output_dir=tmp_path / "scores", class_names=["bright"])
    assert list(named.classes) == ["bright"]


def test_a_search_takes_loaders_of_a_users_own(tmp_path):
    halves = [DataLoader(Circles(4, first=first), batch_size=2) for first in (0, 10)]
    short = {key: value for key, value in SEARCH.items() if key != "batch_size"}
    genotype = iac.search_cell(unet(2), *halves, output_dir=tmp_path, **short, **CELL)
    assert genotype.provenance["settings"]["batch_size"] == 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("images", "train is a str: pass a part of iac.load_dataset, a DataLoader"),
        ({"image": 1}, "train is a dict"),
        (Endless(), "train is a Endless"),
        ([], "train has no item"),
        ([{"image": "a.nii", "label": "b.nii"}], "For files use iac.load_dataset"),
        ([{"image": torch.zeros(1, 8, 8)}], r"gives \['image'\]: it must give tensors"),
        (
            [{"image": torch.zeros(8, 8), "label": torch.zeros(8, 8)}],
            r"shapes \(8, 8\) and \(8, 8\), expected \(C, \*S\) and \(1, \*S\)",
        ),
        (
            [{"image": torch.zeros(1, 8, 8), "label": torch.zeros(2, 8, 8)}],
            r"\(1, 8, 8\) and \(2, 8, 8\)",
        ),
        (DataLoader(Endless()), "train has no length"),
        (DataLoader([torch.zeros(1)]), "gives Tensor"),
    ],
)
def test_what_gives_no_images_is_refused(source, words, tmp_path):
    with pytest.raises(OptionError, match=words):
        iac.train(unet(2), source, output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("more", [{"batch_size": 2}, {"num_workers": 1}])
def test_a_loaders_own_batch_size_and_workers_are_not_overruled(more, tmp_path):
    with pytest.raises(OptionError, match="has its own batch_size and num_workers"):
        iac.train(unet(2), DataLoader(Circles(2)), output_dir=tmp_path, **more)


def test_scores_need_names(tmp_path):
    item = {key: value for key, value in Circles(1)[0].items() if key != "case"}
    with pytest.raises(OptionError, match="items without case: scores are by patient"):
        iac.evaluate(unet(2), [item], output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_halves_of_a_search_must_differ(data, tmp_path):
    with pytest.raises(OptionError, match="weights and architecture are the same data"):
        iac.search_cell(unet(), data.weights, data.weights, output_dir=tmp_path)
    with pytest.raises(ValueError, match="patient"):
        iac.search_cell(unet(), data.weights, data.train, output_dir=tmp_path)
