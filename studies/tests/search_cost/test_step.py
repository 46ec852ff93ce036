"""The step benchmark times what it says: levers do what their names promise, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from monai.losses import DiceCELoss
from monai.networks.blocks import UnetUpBlock
from monai.networks.nets import DynUNet
from torch import nn

import studies.search_cost.step as benchmark_step
from iac_components.networks import CellSearchNetwork
from iac_components.networks.encoder_memo import EncoderMemo
from iac_components.networks.implanting.implant import skip_modules
from studies.search_cost.searches.yardstick import PlainSearch, PlainSearchCell
from studies.search_cost.steps.levers import LEVERS, PHASES, LeveredStep, OurStep
from studies.search_cost.steps.steps import noise_batch, one_batch_loader

OPERATIONS = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")
EXACT = sorted(set(LEVERS) - {"compile", "autocast", "half_operations", "two_operations"})


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


def make(*levers: str, shape: tuple[int, ...] = (2, 1, 8, 8), **options: object) -> LeveredStep:
    subject = TinySubject(shape=shape)
    options = {"dtype": torch.float64, **options}
    return LeveredStep(subject, levers, batches=batches(subject), **options)


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert value.abs().max() > 0, name
        scale = float(value.abs().max())
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9 * scale, msg=name)


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 1, 8, 8, 8)])
@pytest.mark.parametrize("levers", [*([lever] for lever in EXACT), EXACT])
def test_the_same_results(levers, shape):
    assert_same(make(*levers, shape=shape).results(), make(shape=shape).results())


@pytest.mark.parametrize("pruning", benchmark_step.PRUNING)
def test_the_same_results_with_fewer_operations(pruning):
    plain = make(pruning)
    assert_same(make(pruning, *EXACT).results(), plain.results())
    alive = plain.network.alive
    assert (alive.sum(dim=-1) == 2).all()  # of four, so half are two here
    assert alive[..., 1:].any(dim=-1).all(), "an edge with `none` alone"
    assert sum(p.numel() for p in plain.network.parameters()) < sum(
        p.numel() for p in make().network.parameters()
    )


def test_half_are_not_two():
    subject = TinySubject()
    alive = benchmark_step.LeveredStep(subject, ["half_operations"], batches=batches(subject))
    torch.testing.assert_close(alive.network.alive, make("two_operations").network.alive)


def test_no_lever_is_the_yardstick():
    step, subject = make(), TinySubject()
    torch.manual_seed(0)
    other = make().network
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


def test_ours_is_our_trainer():
    subject = TinySubject()
    ours = OurStep(subject, batches=batches(subject), dtype=torch.float64)
    step = make("own_gradient", "fused")
    assert ours.levers == step.levers
    assert_same(ours.results(), make().results())
    for _ in range(2):
        times = ours()
        step()
    assert all(times[phase]["wall"] > 0 for phase in PHASES)
    for name, value in step.network.state_dict().items():
        torch.testing.assert_close(
            ours.network.state_dict()[name], value, rtol=1e-9, atol=1e-12, msg=name
        )


def gradients_of_others(step: LeveredStep) -> set[str]:
    """The architecture's parameters that a weight step gives a gradient."""
    step._step("weight_step")
    names = dict(step.network.named_parameters())
    return {n for n, p in names.items() if n.startswith("architecture") and p.grad is not None}


def test_own_gradients_alone():
    assert gradients_of_others(make()) == {"architecture.alphas", "architecture.betas"}
    step = make("own_gradient")
    assert gradients_of_others(step) == set()
    step._step("architecture_step")
    assert all(p.grad is None for p in step.network.weight_parameters())
    assert all(p.requires_grad for p in step.network.weight_parameters())


def test_fused_cells():
    kinds = {name: type(skip_modules(make(*name).network)[0]) for name in ((), ("fused",))}
    assert kinds[()] is PlainSearchCell
    assert kinds[("fused",)] is not PlainSearchCell


def test_memory_format():
    assert make().memory_format == "contiguous"
    assert make("channels_last").memory_format == "channels_last"
    assert make("channels_last", shape=(2, 1, 8, 8, 8)).memory_format == "channels_last"


def test_saved_bytes_fall():
    plain = make().saved_bytes()
    own, checkpointed = make("own_gradient").saved_bytes(), make("checkpointing").saved_bytes()
    for phase in PHASES:
        assert 0 < own[phase] < plain[phase]
        assert 0 < checkpointed[phase] < plain[phase]


def test_autocast():
    step = make("autocast", dtype=torch.float32)
    assert step._loss("weight_step")[0].dtype == torch.bfloat16
    expected, found = make().results()["prediction"], step.results()["prediction"]
    difference = (found - expected).abs().max() / expected.abs().max()
    assert 1e-4 < difference < 0.1


def encoder_runs(step: LeveredStep) -> int:
    runs = []
    block = step.network.backbone.input_block.conv1
    block.register_forward_hook(lambda *_: runs.append(1))
    step()
    return len(runs)


def test_an_encoder_that_remembers_does_not_run():
    assert encoder_runs(make()) == 2
    step = make("encoder_memory")
    assert encoder_runs(step) == 0
    changed = {**step.batches["weight_step"]}
    step.batches["weight_step"] = {**changed, "image": changed["image"] + 1}
    assert_same(step.results(), make_after(step))
    assert all("forward" not in vars(module) for module in step.network.modules())


def make_after(step: LeveredStep) -> dict[str, torch.Tensor]:
    """Results of a plain step that has the weights of ``step`` and the batches it began with."""
    plain = make()
    plain.network.load_state_dict(step.network.state_dict())
    return plain.results()


class Counted(nn.Conv2d):
    """A convolution that counts how often it has been computed."""

    runs = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return super().forward(x)


class SharedBackbone(nn.Module):
    """One convolution runs twice in front of the first skip fusion."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Counted(1, 8, 1)
        self.shared = Counted(8, 8, 3, padding=1)
        self.down = Counted(8, 8, 2, stride=2)
        self.up = UnetUpBlock(
            2, 8, 8, kernel_size=3, stride=1, upsample_kernel_size=2, norm_name="batch"
        )
        self.last = Counted(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.shared(self.first(x))
        return self.last(self.up(self.shared(self.down(fine)), fine))


def test_a_module_that_runs_twice_is_not_remembered():
    network = CellSearchNetwork(SharedBackbone(), num_nodes=1, input_shape=(1, 1, 8, 8))
    x = torch.randn(2, 1, 8, 8)
    memo = EncoderMemo(network)
    memo.record("x", x)
    expected = network(x)
    counted = {n: m for n, m in network.named_modules() if isinstance(m, Counted)}
    before = {name: module.runs for name, module in counted.items()}
    with memo.recalling("x"):
        assert torch.equal(network(x), expected)
    more = {name.split(".")[-1]: m.runs - before[name] for name, m in counted.items()}
    assert more == {"first": 0, "shared": 2, "down": 0, "last": 1}


def test_an_encoder_that_trains_cannot_remember():
    with pytest.raises(ValueError, match="freeze it"):
        EncoderMemo(TinySubject().supernet(frozen_backbone=False, checkpointing=False))


def test_an_unknown_lever():
    with pytest.raises(ValueError, match="no lever crowbar"):
        make("crowbar")


def test_every_lever_stands_alone_and_with_the_others():
    cases = benchmark_step.combinations(compiled=True)
    assert {lever for levers in cases.values() if len(levers) == 1 for lever in levers} == set(
        LEVERS
    )
    assert {
        frozenset(benchmark_step.SAME_GRADIENTS) - set(levers) for levers in cases.values()
    } >= {frozenset([lever]) for lever in benchmark_step.SAME_GRADIENTS}
    assert not any("compile" in x for x in benchmark_step.combinations(compiled=False).values())


def test_the_record_and_its_table(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(
        benchmark_step, "BundleSubject", lambda bundle, options: TinySubject(bundle)
    )
    out = tmp_path / "step.json"
    cases = ["ours", "own_gradient", "same gradients + autocast", "two_operations"]
    arguments = ["--bundle", "one", "--repeats", "2", "--out", str(out), "--cases", *cases]
    assert benchmark_step.main(arguments) == 0
    record = json.loads(out.read_text())
    assert record["machine"]["torch"] == torch.__version__
    assert [setting["subject"] for setting in record["settings"]] == ["one"]
    setting = record["settings"][0]
    assert setting["operations"] == list(OPERATIONS)
    assert setting["input_shape"] == [2, 1, 8, 8]
    measured = {case["case"]: case for case in setting["cases"]}
    assert list(measured) == cases
    for case in measured.values():
        ratios, plain, own = (
            case[key]["wall"]["all"]
            for key in ("yardstick_over_case", "yardstick_milliseconds", "milliseconds")
        )
        assert len(ratios) == 2
        assert ratios == pytest.approx([p / o for p, o in zip(plain, own, strict=True)])
        difference = case["largest_relative_difference"]["architecture_step_gradient"]
        assert (difference < 1e-9) == ("autocast" not in case["levers"])
    saved = measured["own_gradient"]["saved_bytes"]
    assert saved["weight_step"] < setting["yardstick_saved_bytes"]["weight_step"]
    text = out.with_suffix(".md").read_text()
    assert text in capsys.readouterr().out
    rows = [line for line in text.splitlines() if line.startswith("| ours |")]
    median = measured["ours"]["yardstick_over_case"]["wall"]["median"]
    assert f"| {median:.2f} (" in rows[0]


def test_sizes_of_the_command_line_reach_the_bundles_config():
    arguments = ["--bundle", "hippocampus_unet", "--input_size", "32", "48", "--batch_size", "3"]
    options = benchmark_step._parser().parse_args(arguments)
    (subjects,) = benchmark_step._subjects(options)
    assert [subject.shape for subject in subjects] == [(3, 1, 32, 48)] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bundle", "hippocampus_unet", "--repeats", "0"], "at least 1"),
        (["--bundle", "hippocampus_unet", "--cases", "magic"], "no case 'magic'"),
        (["--bundle", "hippocampus_unet", "--cases", "compile"], "no case 'compile'"),
        (["--bundle", "atlantis_unet"], "'atlantis_unet' is unknown"),
        ([], "give --bundle"),
    ],
)
def test_a_command_line_that_makes_no_sense(arguments, message, capsys):
    with pytest.raises(SystemExit):
        benchmark_step.main(arguments)
    assert message in capsys.readouterr().err
