"""Time inference with cells against the plain backbone's.

    python -m studies.search_cost.inference --bundle acdc_unet --dataset_dir ACDC --out FILE.json

Both sides are what the inference bundle's config builds, with the train bundle's genotype and with
``skip_module`` plain. They take turns in one process: the network alone on a full batch of windows,
and, where a data set is given, the config's whole path from a file to a label map in the file's own
space, volume by volume; nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial

import torch

from iac_components.common.console.brief_errors import brief_message
from iac_components.networks import measure_complexity
from studies.measuring.records import add_out_option, publish
from studies.measuring.rounds import compare, summary, time_rounds
from studies.measuring.session import describe_session
from studies.search_cost.steps.volume_path import VolumePath, find_volumes

SIDES = {"plain": "plain", "cells": "iac"}
"""Names of both sides, and what their skip connections hold."""

Record = dict[str, object]


def measure_forward(paths: Mapping[str, VolumePath], *, repeats: int) -> Record:
    """Time the networks on a full batch of windows."""
    cells = paths["cells"]
    shape = cells.window_shape
    torch.manual_seed(0)
    windows = torch.randn(*shape, device=cells.device)
    runs = {side: partial(path.forward, windows) for side, path in paths.items()}
    times = time_rounds(runs, repeats=repeats, device=cells.device)
    costs = {s: measure_complexity(p.network, input_shape=shape) for s, p in paths.items()}
    return {
        "input_shape": list(shape),
        "seconds": {side: summary(values) for side, values in times.items()},
        "cells_over_plain": compare([(times["cells"], times["plain"])]),
        "flops": {side: cost.flops for side, cost in costs.items()},
        "flops_cells_over_plain": costs["cells"].flops / costs["plain"].flops,
        "parameters": {side: cost.parameters for side, cost in costs.items()},
    }


def measure_volumes(
    paths: Mapping[str, VolumePath], images: Sequence[str | list[str]], *, repeats: int
) -> Record:
    """Time the whole path of each volume."""
    device = paths["cells"].device
    jobs = [
        time_rounds(
            {side: partial(path.segment, image) for side, path in paths.items()},
            repeats=repeats,
            device=device,
        )
        for image in images
    ]
    return {
        "volumes": len(images),
        "seconds": [{side: summary(times[side]) for side in paths} for times in jobs],
        "cells_over_plain": compare([(times["cells"], times["plain"]) for times in jobs]),
    }


def measure(
    bundle: str,
    dataset_dir: str | None,
    *,
    channel_divisor: int,
    repeats: int,
    volumes: int,
    volume_repeats: int,
) -> Record:
    """Time a bundle's inference.

    Raises:
        ValueError: if the bundle is unknown, or the folder is not its data set.
    """
    images = find_volumes(bundle, dataset_dir, count=volumes) if dataset_dir else []
    paths = {
        side: VolumePath(bundle, skip_module=name, channel_divisor=channel_divisor)
        for side, name in SIDES.items()
    }
    whole = measure_volumes(paths, images, repeats=volume_repeats) if images else None
    return {
        "bundle": bundle,
        "device": paths["cells"].device.type,
        "channel_divisor": channel_divisor,
        "channels_last": {side: path.channels_last for side, path in paths.items()},
        "forward": measure_forward(paths, repeats=repeats),
        "whole_path": whole,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studies.search_cost.inference", description=__doc__)
    parser.add_argument("--bundle", nargs="+", required=True, metavar="NAME")
    parser.add_argument(
        "--dataset_dir",
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="data set as downloaded: one for all bundles, or one for each",
    )
    parser.add_argument(
        "--channel_divisor",
        type=int,
        default=1,
        metavar="K",
        help="let one channel of K pass a cell's operations, as in the search (default: 1)",
    )
    for name, default, what in (
        ("repeats", 9, "pairs of forward passes"),
        ("volumes", 5, "volumes of a data set"),
        ("volume_repeats", 3, "pairs for each volume"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{what} (default: {default})"
        )
    add_out_option(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for name in ("repeats", "volumes", "volume_repeats"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(options, name)}.")
    folders = options.dataset_dir or [None]
    if len(folders) not in (1, len(options.bundle)):
        parser.error(
            f"--dataset_dir names {len(folders)} folders for {len(options.bundle)} bundles: give "
            "one, or one for each."
        )
    if len(folders) == 1:
        folders = folders * len(options.bundle)
    counts = {n: getattr(options, n) for n in ("repeats", "volumes", "volume_repeats")}
    session = describe_session()
    try:
        records = [
            measure(bundle, folder, channel_divisor=options.channel_divisor, **counts)
            for bundle, folder in zip(options.bundle, folders, strict=True)
        ]
    except ValueError as error:
        parser.error(str(error))
    except RuntimeError as error:
        message = brief_message(error)
        if message is None:
            raise
        parser.error(message)
    publish({**session, "records": records}, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
