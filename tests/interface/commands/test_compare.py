from __future__ import annotations

import json
from pathlib import Path

import pytest

from iac_components.evaluation import CaseRecord, write_metrics


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders base, better (by 1 point), seed0 and seed1 (on average 1 point better), short."""
    for name, shift, patients in (
        ("base", 0.0, 6),
        ("better", 0.01, 6),
        ("seed0", 0.0, 6),
        ("seed1", 0.02, 6),
        ("short", 0.0, 5),
    ):
        records = [
            CaseRecord(f"p{index}", "c", 1, "LV", 0.5 + 0.05 * index + shift, 3.0 - 100 * shift)
            for index in range(patients)
        ]
        write_metrics(tmp_path / name, records, class_names=["LV"], info={})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_table_and_json(iac, runs: Path) -> None:
    printed = iac("compare", "base", "better", "mean=seed0,seed1", "--output", "out/result.json")
    assert (printed.status, printed.err) == (0, "")
    for name in ("better", "mean"):
        assert f"| {name} | LV | 6 | 62.50 | 63.50 | +1.00 [+1.00, +1.00] |" in printed.out
        assert f"| {name} | LV | 6 | 3.00 | 2.00 | -1.00 [-1.00, -1.00] |" in printed.out
    content = json.loads((runs / "out" / "result.json").read_text())
    assert (content["reference"], content["runs"]) == ("base", ["better", "mean"])
    assert len(content["rows"]) == 8
    assert content["rows"][0]["paired"]["mean_difference"] == pytest.approx(0.01)


def test_reference_and_margin(iac, runs: Path) -> None:
    def verdict(*options: str) -> str:
        ended = iac("compare", "base", "better", "--reference", "better", *options)
        assert ended.status == 0
        out = ended.out
        assert out.startswith("Reference: better.")
        return next(line for line in out.splitlines() if "| base | LV |" in line)

    assert "-1.00 [-1.00, -1.00]" in verdict()
    assert verdict().endswith("| no |")
    assert verdict("--margin", "1.5").endswith("| yes |")


def test_the_best_and_what_cannot_be_told_from_it(iac, runs: Path) -> None:
    for name, shift in (("bad", -0.2), ("other", 0.0)):
        records = [
            CaseRecord(f"p{i}", "c", 1, "LV", 0.5 + 0.05 * i + shift + 0.001 * i * (-1) ** i, 3.0)
            for i in range(6)
        ]
        write_metrics(runs / name, records, class_names=["LV"], info={})
    ended = iac("compare", "bad", "base", "better", "other", "--best")
    assert ended.status == 0
    assert ended.out.startswith("Reference: better.")
    last = ended.out.splitlines()[-1]
    assert last.startswith("Best mean Dice of 6 patients: better, 63.50.")
    # Six patients are too few for any of three to be told apart after Holm's correction.
    assert all(f"{name} (" in last for name in ("base", "other", "bad"))
    assert "base (-1.00 [-1.00, -1.00])" in last


def test_the_best_is_no_run_of_ones_own_choice(iac, runs: Path) -> None:
    ended = iac("compare", "base", "better", "--best", "--reference", "base")
    assert ended.status == 2
    assert "argument --reference: not allowed with argument --best" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["base"], "at least two runs, got 1: base"),
        (["base", "nowhere"], "'nowhere' does not exist"),
        (["base", "short", "--best"], "only in 'base': p5"),
        (["base", "short"], "only in 'base': p5"),
        (["base", "x=seed0,short"], "only in 'seed0': p5"),
        (["base", "base"], "two runs are called 'base'"),
        (["base", "better", "--reference", "best"], "--reference 'best' is not one of the runs"),
        (["base", "better", "--margin", "-1"], "margin -1.0"),
        (["base", "better", "--output", "base/metrics.csv/x.json"], "metrics.csv"),
        (["base", "broken"], "line 2: dice 'x' is not a finite number"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(
    iac, runs: Path, arguments: list[str], message: str
) -> None:
    (runs / "broken").mkdir()
    (runs / "broken" / "metrics.csv").write_text(
        "patient,case,label,class,dice,hd95\np,c,1,LV,x,1\n"
    )
    printed = iac("compare", *arguments)
    assert printed.status == 2
    assert printed.out == ""
    assert printed.err.startswith("iac compare: error: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
