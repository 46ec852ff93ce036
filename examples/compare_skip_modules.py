"""Compare what one can put into the skip connections of MONAI's UNet, on the same budget.

    python examples/compare_skip_modules.py Task04_Hippocampus runs --genotype search/genotype.json

trains the plain network, attention gates, residual paths, nested dense skips, a random cell, and
the cell of ``--genotype`` if there is one: each from the same first weights, with the same data
and steps. It scores all on the held-out fold and compares them with the plain network, paired by
patient. Started again, it continues.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from monai.networks.nets import UNet
from torch import nn

import iac_components as iac
from iac_components.evaluation import compare_runs, read_metrics, render_markdown
from iac_components.networks import implant_skip_module
from iac_components.search_space import SearchSpace, random_genotype

SKIP_MODULES = ("attention", "residual_path", "nested")


def make_networks(
    data: iac.Data, genotype: iac.Genotype | None
) -> dict[str, Callable[[], nn.Module]]:
    """Return how to make each network; the plain one, the reference, is first."""

    def plain() -> nn.Module:
        torch.manual_seed(0)
        return UNet(
            spatial_dims=2,
            in_channels=data.recipe.in_channels,
            out_channels=data.recipe.out_channels,
            channels=(16, 32, 64, 128),
            strides=(2, 2, 2),
            num_res_units=1,
        )

    cells = {"random cell": random_genotype(SearchSpace(spatial_dims=2), seed=0)}
    if genotype is not None:
        cells["found cell"] = genotype
    return {
        "plain": plain,
        **{name: lambda name=name: implant_skip_module(plain(), name) for name in SKIP_MODULES},
        **{name: lambda cell=cell: iac.implant(plain(), cell) for name, cell in cells.items()},
    }


def compare(dataset_dir: Path, runs: Path, genotype: Path | None, **length: int) -> str:
    """Train and score every network, and return the comparison as Markdown.

    Args:
        dataset_dir: in the Decathlon's layout.
        runs: folder of all that is written.
        genotype: file of a found cell.
        **length: arguments that shorten every training, such as ``epochs``.
    """
    data = iac.load_dataset(dataset_dir, layout="decathlon", folds_file=runs / "folds.json")
    found = None if genotype is None else iac.load_genotype(genotype)
    scores = {}
    for name, make in make_networks(data, found).items():
        folder = runs / name.replace(" ", "_")
        network = iac.train(
            make(), data.train, data.validation, output_dir=folder, resume=True, **length
        )
        iac.evaluate(network, data.test, output_dir=folder / "test")
        scores[name] = read_metrics(folder / "test")
    return render_markdown(compare_runs(scores))


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset_dir", type=Path, help="a data set of the Decathlon")
    parser.add_argument("runs", type=Path, help="folder of all that is written")
    parser.add_argument("--genotype", type=Path, help="genotype.json of a found cell")
    parser.add_argument("--epochs", type=int, help="of every training, instead of 100")
    parser.add_argument("--steps_per_epoch", type=int, help="instead of all the data")
    options = vars(parser.parse_args())
    length = {name: options.pop(name) for name in ("epochs", "steps_per_epoch")}
    given = {name: value for name, value in length.items() if value is not None}
    print(compare(*options.values(), **given), end="")


if __name__ == "__main__":
    main()
