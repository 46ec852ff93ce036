"""The step benchmark times equal steps: the yardstick's and our trainer's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import DynUNet
from torch import nn

import studies.search_cost.step as benchmark_step
from iac_components.networks import CellSearchNetwork
from iac_components.networks.implanting.implant import skip_modules
from studies.search_cost.searches.yardstick import PlainSearch, PlainSearchCell
from studies.search_cost.steps.step_pair import PHASES, OurStep, YardstickStep
from studies.search_cost.steps.steps import noise_batch, one_batch_loader

OPERATIONS = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


@dataclass(frozen=True)
class TinySubject:
    """A search of milliseconds."""

    name: str = "tiny"
    shape: tuple[int, ...] = (2, 1, 8, 8)
    classes: int = 2
    amp: bool = False

    def backbone(self) -> nn.Module:
        return DynUNet(
            len(self.shape) - 2,
            1,
            self.classes,
            kernel_size=[3, 3, 3],
            strides=[1, 2, 2],
            upsample_kernel_size=[2, 2],
            filters=[8, 16, 8],
        )

    def supernet(self, *, frozen_backbone: bool, checkpointing: bool) -> CellSearchNetwork:
        return CellSearchNetwork(
            self.backbone(),
            operations=OPERATIONS,
            num_nodes=2,
            frozen_backbone=frozen_backbone,
            checkpointing=checkpointing,
            input_shape=self.shape,
        )

    def loss(self) -> nn.Module:
        return DiceCELoss(to_onehot_y=True, softmax=True)

    def weight_optimizer(self, parameters: Iterator[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)

    def architecture_optimizer(self, parameters: Iterator[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=1.0)


def batches(subject: TinySubject) -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(1)
    cpu = torch.device("cpu")
    return [noise_batch(subject.shape, classes=subject.classes, device=cpu) for _ in PHASES]


def make(kind: type[YardstickStep], shape: tuple[int, ...] = (2, 1, 8, 8)) -> YardstickStep:
    subject = TinySubject(shape=shape)
    return kind(subject, batches=batches(subject), dtype=torch.float64)


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert value.abs().max() > 0, name
        scale = float(value.abs().max())
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9 * scale, msg=name)


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 1, 8, 8, 8)])
def test_the_same_results(shape):
    assert_same(make(OurStep, shape).results(), make(YardstickStep, shape).results())


def test_the_yardstick_is_the_plain_search():
    step, subject = make(YardstickStep), TinySubject()
    other = make(YardstickStep).network
    plain = PlainSearch(
        other,
        subject.loss(),
        optimizer=subject.weight_optimizer(other.weight_parameters()),
        architecture_optimizer=subject.architecture_optimizer(other.architecture_parameters()),
        weight_loader=one_batch_loader(),
        architecture_loader=one_batch_loader(),
    )
    start = {name: value.clone() for name, value in other.state_dict().items()}
    for _ in range(2):
        step()
        plain.weight_step(step.batches["weight_step"])
        plain.architecture_step(step.batches["architecture_step"])
    found = step.network.state_dict()
    for name, value in other.state_dict().items():
        assert torch.equal(found[name], value), name
    assert {n for n in start if not torch.equal(start[n], found[n])} >= {"architecture.alphas"}


def test_our_steps_lead_where_the_yardsticks_do():
    ours, plain = make(OurStep), make(YardstickStep)
    for _ in range(2):
        times = ours()
        plain()
    assert all(times[phase]["wall"] > 0 for phase in PHASES)
    for name, value in plain.network.state_dict().items():
        torch.testing.assert_close(
            ours.network.state_dict()[name], value, rtol=1e-9, atol=1e-12, msg=name
        )


def test_ours_shares_work_and_the_yardstick_does_not():
    kinds = {kind: type(skip_modules(make(kind).network)[0]) for kind in (OurStep, YardstickStep)}
    assert kinds[YardstickStep] is PlainSearchCell
    assert kinds[OurStep] is not PlainSearchCell


def test_ours_keeps_less():
    ours, plain = make(OurStep).saved_bytes(), make(YardstickStep).saved_bytes()
    assert all(0 < ours[phase] < plain[phase] for phase in PHASES)


def test_the_record(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(
        benchmark_step, "BundleSubject", lambda bundle, options: TinySubject(bundle)
    )
    out = tmp_path / "step.json"
    arguments = ["--bundle", "one", "--repeats", "2", "--out", str(out)]
    assert benchmark_step.main(arguments) == 0
    record = json.loads(out.read_text())
    assert record["machine"]["torch"] == torch.__version__
    assert [setting["subject"] for setting in record["settings"]] == ["one"]
    setting = record["settings"][0]
    assert setting["operations"] == list(OPERATIONS)
    assert setting["input_shape"] == [2, 1, 8, 8]
    (case,) = setting["cases"]
    assert case["case"] == "ours"
    ratios, plain, own = (
        case[key]["wall"]["all"]
        for key in ("yardstick_over_case", "yardstick_milliseconds", "milliseconds")
    )
    assert len(ratios) == 2
    assert ratios == pytest.approx([p / o for p, o in zip(plain, own, strict=True)])
    assert case["largest_relative_difference"]["architecture_step_gradient"] < 1e-9
    assert case["saved_bytes"]["weight_step"] < setting["yardstick_saved_bytes"]["weight_step"]
    assert json.loads(capsys.readouterr().out) == record


def test_sizes_of_the_command_line_reach_the_bundles_config():
    arguments = ["--bundle", "hippocampus_unet", "--input_size", "32", "48", "--batch_size", "3"]
    options = benchmark_step._parser().parse_args(arguments)
    (subjects,) = benchmark_step._subjects(options)
    assert [subject.shape for subject in subjects] == [(3, 1, 32, 48)] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "hippocampus_unet", "--repeats", "0"], "at least 1"),
        (["--bundle", "atlantis_unet"], "'atlantis_unet' is unknown"),
        ([], "give --bundle"),
    ],
)
def test_a_command_line_that_makes_no_sense(arguments, message, capsys):
    with pytest.raises(SystemExit):
        benchmark_step.main(arguments)
    assert message in capsys.readouterr().err
