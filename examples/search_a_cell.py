"""Search a cell for MONAI's UNet on a data set of the Decathlon, and measure what it brings.

    python examples/search_a_cell.py Task04_Hippocampus runs

trains the plain network, searches a cell around it, trains the network with the cell as long again,
and scores both on the held-out fold. Start it again after an interruption: it continues.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from monai.networks.nets import UNet

import iac_components as iac


def study(dataset_dir: Path, runs: Path, **length: int) -> dict[str, iac.Evaluation]:
    """Return the scores of the plain network and of the one with the cell.

    Args:
        dataset_dir: in the Decathlon's layout.
        runs: folder of all that is written.
        **length: arguments that shorten every run, such as ``epochs``.
    """
    data = iac.load_dataset(dataset_dir, layout="decathlon", folds_file=runs / "folds.json")
    torch.manual_seed(0)
    network = UNet(
        spatial_dims=2,
        in_channels=data.recipe.in_channels,
        out_channels=data.recipe.out_channels,
        channels=(16, 32, 64, 128),
        strides=(2, 2, 2),
        num_res_units=1,
    )
    parts = (data.train, data.validation)
    plain = iac.train(network, *parts, output_dir=runs / "plain", resume=True, **length)
    genotype = iac.search_cell(
        plain,
        data.weights,
        data.architecture,
        output_dir=runs / "search",
        resume=True,
        **length,
    )
    model = iac.implant(plain, genotype)
    iac.train(model, *parts, output_dir=runs / "cell", resume=True, **length)
    return {
        name: iac.evaluate(trained, data.test, output_dir=runs / name / "test")
        for name, trained in (("plain", plain), ("cell", model))
    }


def main() -> None:
    """Read the command line and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset_dir", type=Path, help="a data set of the Decathlon")
    parser.add_argument("runs", type=Path, help="folder of all that is written")
    parser.add_argument("--epochs", type=int, help="of every run, instead of 100 and 200")
    parser.add_argument("--steps_per_epoch", type=int, help="instead of all the data")
    options = vars(parser.parse_args())
    dataset_dir, runs = options.pop("dataset_dir"), options.pop("runs")
    length = {name: value for name, value in options.items() if value is not None}
    for name, result in study(dataset_dir, runs, **length).items():
        print(f"{name}: Dice {result.dice.mean:.3f}, HD95 {result.hd95.mean:.2f} mm")


if __name__ == "__main__":
    main()
