"""Steps of adapters in bfloat16 and in float32: ``python -m studies.adaptation.steps``.

Networks with random weights on noise, in windows larger than those of hippocampus; the processor's
seconds of a step, least of several, on one thread, in turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from monai.inferers import SlidingWindowInferer
from monai.networks.nets import BasicUNet, SegResNet, UNet
from torch import nn

from iac_components.adaptation import AdaptSettings
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.fitting.cases import SiteCase, WindowShape
from iac_components.adaptation.site import Site
from iac_components.common.files import write_json
from iac_components.engine.steps.mixed_precision import has_bfloat16_units

__all__ = ["NETWORKS", "time_steps"]

NETWORKS: Mapping[str, tuple[type[nn.Module], Mapping[str, object], tuple[int, ...]]] = {
    "UNet, 16 to 256 channels": (
        UNet,
        {"channels": (16, 32, 64, 128, 256), "strides": (2, 2, 2, 2), "num_res_units": 2},
        (256, 256),
    ),
    "BasicUNet, 32 to 256 channels": (
        BasicUNet,
        {"features": (32, 32, 64, 128, 256, 32)},
        (256, 256),
    ),
    "SegResNet, 8 to 64 channels": (SegResNet, {"init_filters": 8}, (64, 64, 64)),
}
"""Class, arguments and window."""

CASES = 2
STEPS = 5
RESULT = Path(__file__).with_name("results") / "bfloat16_steps.json"


def time_steps(network: nn.Module, window: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """Return the seconds of a step by candidate, in ``float32`` and ``bfloat16``."""
    cases = [_noise(number, window) for number in range(CASES)]
    inferer = SlidingWindowInferer(roi_size=window)
    site = Site(network.eval(), cases, ["bright"], inferer, WindowShape(window))
    ends: list[float] = []
    both = {
        name: Trainings(
            site, AdaptSettings(amp=amp), after_step=lambda: ends.append(time.process_time())
        )
        for name, amp in (("float32", False), ("bfloat16", True))
    }
    arms = [arm for arm in both["float32"].plans if both["float32"].trains(arm)]
    found = {arm: dict.fromkeys(both, float("inf")) for arm in arms}
    for arm in arms:
        # The first time around, windows are cut, and features of the frozen part computed.
        for name, trainings in (*both.items(), *both.items()):
            ends.clear()
            trainings.fit(arm, cases, 0, replace(trainings.settings.fit, steps=STEPS))
            least = min(end - start for start, end in pairwise(ends))
            found[arm][name] = min(found[arm][name], round(least, 3))
    return found


def _noise(number: int, shape: tuple[int, ...]) -> SiteCase:
    image = torch.rand(1, *shape, generator=torch.Generator().manual_seed(number))
    return SiteCase(f"case_{number}", f"patient_{number}", image, (image[0] > 0.5).to(torch.uint8))


def main() -> None:
    """Time every network, and write ``results/bfloat16_steps.json``."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.adaptation.steps", description=main.__doc__
    )
    parser.add_argument("--out", type=Path, default=RESULT, help="file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = {}
    for name, (kind, options, window) in NETWORKS.items():
        network = kind(spatial_dims=len(window), in_channels=1, out_channels=2, **options)
        found[name] = {"window": list(window), "seconds": time_steps(network, window)}
    write_json(
        arguments.out,
        {
            "networks": found,
            "batch_size": AdaptSettings().batch_size,
            "bfloat16_units": has_bfloat16_units(torch.device("cpu")),
            "torch": torch.__version__,
        },
    )
    print(arguments.out)


if __name__ == "__main__":
    main()
