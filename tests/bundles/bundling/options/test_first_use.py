"""Arguments that MONAI and PyTorch refuse late are told before any data are read."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.losses import DiceCELoss
from options_checks import LOCATOR, config_files, outcome

from iac_components.bundling.options.first_use import Setting, use_once

SETTING = Setting(in_channels=1, out_channels=3, spatial_dims=2, device=torch.device("cpu"))
STAGES = {
    "search": ("search",),
    "train": ("train",),
    "evaluate": ("train", "evaluate"),
    "inference": ("inference",),
}
INFERER = {"evaluate": "validate#inferer", "train": "validate#inferer", "inference": "inferer"}


class Building(ConfigWorkflow):
    """A workflow whose ``initialize`` does the first step, and that which builds components."""

    def initialize(self):
        self.parser.locator = LOCATOR
        steps = self.parser["initialize"][:2]
        assert steps == ["$@session.begin()", "$@session.build()"]
        self.parser["initialize"] = steps
        return super().initialize()


def refusal_of(stage, method, options, tmp_path):
    name, *others = STAGES[stage]
    files = config_files(f"hippocampus_{method}_segmentation_{name}", *others)
    small = {"backbone_def#features": [8] * 6} if method == "unet_iac" else {"channel_mul": 0.0625}
    small = {} if (method, name) in {("dints", "train"), ("dints", "inference")} else small
    plain = {"skip_module": "plain"} if method == "unet_iac" and name != "search" else {}
    settings = {"output_dir": str(tmp_path / "out"), "device": "cpu", **small, **plain, **options}
    return outcome(Building(files, logging_file=False, **settings).initialize)


LATE = [
    *(
        (stage, method, f"{place}#{argument}", value, words)
        for stage, place in INFERER.items()
        for method in ("unet_iac", "dints")
        for argument, value, words in (
            ("overlap", 2, "overlap must be >= 0 and < 1"),
            ("overlap", -0.5, "overlap must be >= 0 and < 1"),
            ("overlap", "half", "TypeError"),
            ("sw_batch_size", 0, "ValueError"),
            ("mode", "gausian", "gausian"),
            ("padding_mode", "mirror", "mirror"),
        )
    ),
    ("search", "dints", "validate#inferer#overlap", 1, "overlap must be"),
    ("train", "unet_iac", "validate#inferer#overlap", 1, "overlap must be"),
    *(
        (stage, method, name, value, words)
        for stage in ("search", "train")
        for method in ("unet_iac", "dints")
        for name, value, words in (
            ("loss#reduction", "median", "median"),
            ("loss#reduction", "none", "Unsupported option"),
            ("loss#weight", [1.0, 2.0], "cannot assign 'list'"),
            ("loss#weight", "$torch.ones(7)", "Error"),
            ("loss", {"_target_": "torch.nn.CrossEntropyLoss"}, "Error"),
            ("loss", {"_target_": "torch.nn.L1Loss", "reduction": "none"}, "needs one number"),
            ("optimizer#weight_decay", -1, "Invalid weight_decay value"),
            ("optimizer#weight_decay", "much", "TypeError"),
        )
    ),
    ("train", "dints", "lr_scheduler#T_max", "$0", "ZeroDivisionError"),
    ("search", "unet_iac", "architecture_optimizer#betas", [0.5], "Error"),
    ("search", "dints", "architecture_optimizer#eps", -1, "Invalid epsilon"),
    ("train", "unet_iac", "train#augmentation#transforms#0#roi_size", "$1 / 0", "Zero"),
]


@pytest.mark.parametrize(("stage", "method", "name", "value", "words"), LATE)
def test_one_line_before_any_data(tmp_path, stage, method, name, value, words):
    message = refusal_of(stage, method, {name: value}, tmp_path)
    assert message is not None
    assert "\n" not in message
    assert words in message
    assert "cannot be" in message
    place = name.partition("#transforms")[0]
    assert f"Check --{place.rpartition('#')[0] if place == name else place}" in message


@pytest.mark.parametrize("method", ["unet_iac", "dints"])
@pytest.mark.parametrize("stage", STAGES)
def test_what_ships_passes_and_reads_nothing(tmp_path, stage, method):
    assert refusal_of(stage, method, {}, tmp_path) is None
    assert not (tmp_path / "out").exists()


def test_nothing_is_changed():
    network = torch.nn.Linear(3, 3)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=2),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5),
        ],
        milestones=[2],
    )
    loss = DiceCELoss(to_onehot_y=True, softmax=True)
    held = [network, optimizer, scheduler]
    before = [deepcopy(item.state_dict()) for item in held]
    drawn = torch.get_rng_state()
    for component in (optimizer, scheduler, loss):
        use_once(component, SETTING)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert str([item.state_dict() for item in held]) == str(before)
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [
        id(p) for p in network.parameters()
    ]


def test_what_a_user_wrote_is_left_alone():
    class Own(torch.nn.Module):
        def forward(self, prediction, label):
            raise AssertionError("it was used")

    use_once(Own(), SETTING)
    use_once(lambda prediction, label: 1 / 0, SETTING)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1)
    )
    use_once(plateau, SETTING)


def test_a_config_that_does_not_say_what_for_builds_alone():
    config = {
        "imports": ["$from iac_components.bundling.options import build_components"],
        "loss": {"_target_": "DiceCELoss", "reduction": "sum"},
        "first": "$build_components('loss')",
    }
    ConfigParser(config).get_parsed_content("first")
