from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from iac_components.common.trace_format import AUDIT_COLUMNS
from iac_components.dints import ArchitectureError
from iac_components.visualization.__main__ import main
from iac_components.visualization.dints_report import write_dints_report
from iac_components.visualization.png import LARGEST_FILE

Make = Callable[..., Path]
NAMES = ("topology", "entropies", "expected_memory", "path_probabilities")


def test_every_picture_is_written_beside_the_search(make_search: Make) -> None:
    folder = make_search(12, 4)
    before = {path.name for path in folder.iterdir()}
    assert write_dints_report(folder) == {name: folder / f"{name}.png" for name in NAMES}
    assert {path.name for path in folder.iterdir()} - before == {f"{name}.png" for name in NAMES}
    assert all(path.stat().st_size <= LARGEST_FILE for path in folder.glob("*.png"))


def test_files_may_lie_elsewhere(make_search: Make, tmp_path: Path) -> None:
    search, folder = make_search(1, 2, 2), tmp_path / "new" / "report"
    moved = search / "architecture.json"
    moved = moved.rename(search / "architecture_last.json")
    written = write_dints_report(
        folder,
        trace_csv=search / "search_trace.csv",
        summary_csv=search / "search_summary.csv",
        architecture=moved,
    )
    assert sorted(folder.iterdir()) == sorted(written.values())
    colours = {rgb for _, rgb in Image.open(written["topology"]).convert("RGB").getcolors(10**6)}
    assert (0x3D, 0x4F, 0x63) in colours  # an active node


def test_a_search_without_an_architecture_yet_has_its_probabilities_drawn(
    make_search: Make,
) -> None:
    folder = make_search(1, 2, 1)
    (folder / "architecture.json").unlink()
    assert set(write_dints_report(folder)) == set(NAMES)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("trace_csv", "search_trace.csv"),
        ("summary_csv", "search_summary.csv"),
        ("architecture", "architecture.json"),
    ],
)
def test_absent_file_is_named(make_search: Make, tmp_path: Path, option: str, name: str) -> None:
    folder = make_search()
    # As each reader says it, "no such trace", or what the system says.
    with pytest.raises((FileNotFoundError, ArchitectureError), match=r"elsewhere.*o such "):
        write_dints_report(folder, **{option: tmp_path / "elsewhere"})
    (folder / name).unlink()
    if option != "architecture":
        with pytest.raises(FileNotFoundError, match=f"{name}: no such"):
            write_dints_report(folder)
    assert not list(folder.glob("*.png"))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("search_trace.csv", "depth_0", "depth_9", r"search_trace\.csv: column 'input'"),
        ("search_trace.csv", ",seconds", ",minutes", r"line 1 lacks the column 'seconds'"),
        ("search_summary.csv", "\n2,", "\n5,", r"line 3, column 'epoch': '5' is not 2"),
        ("architecture.json", '"dints"', '"cell"', r"architecture\.json': kind is 'cell', this"),
        ("architecture.json", '"epoch": 6', '"epoch": 9', r"epoch is 9, but the trace holds"),
    ],
)
def test_faulty_file_leaves_nothing_behind(
    make_search: Make, name: str, old: str, new: str, message: str
) -> None:
    folder = make_search()
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message):
        write_dints_report(folder)
    assert not list(folder.glob("*.png"))


def test_architecture_of_another_search_is_refused(make_search: Make) -> None:
    folder, other = make_search(4, 3), make_search(3, 4)
    with pytest.raises(ValueError, match="3 blocks of 4 depths, the trace 4 of 3") as raised:
        write_dints_report(folder, architecture=other / "architecture.json")
    assert str(folder / "search_trace.csv") in str(raised.value)


def test_command_line_prints_the_files(
    make_search: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_search(1, 2, 2)
    main(["dints", str(folder)])
    assert capsys.readouterr().out.split() == [str(folder / f"{name}.png") for name in NAMES]


def test_command_line_takes_files_from_elsewhere(
    make_search: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = make_search(1, 2, 2)
    with pytest.raises(SystemExit, match="2"):
        main(["dints", str(search), "--summary_csv", str(tmp_path / "absent.csv")])
    error = capsys.readouterr().err
    assert "absent.csv: no such summary" in error
    assert "Traceback" not in error


def test_findings_have_pictures_of_their_own(make_search: Make) -> None:
    folder = make_search(1, 2, 2)
    chosen = folder / "architecture.json"
    content = json.loads(chosen.read_text())
    path = content["blocks"][0]["paths"][0]
    part = {
        "kind": "path",
        "level": 0,
        "node": path["target"],
        "input": f"depth_{path['source']}",
        "effect": {"mean": 0.01, "low": 0.0, "high": None},
        "decided": "evidence",
    }
    content["provenance"]["findings"] = {"patients": 6, "parts": [part]}
    chosen.write_text(json.dumps(content))
    (folder / "audit_trace.csv").write_text(
        ",".join(AUDIT_COLUMNS) + "\n2,1,path,0,0,depth_0,,0.01,0,0.02,needed\n"
    )
    written = write_dints_report(folder)
    assert set(written) == {*NAMES, "effects", "effect_curves"}
    assert all(path.is_file() for path in written.values())
    part["decided"] = "luck"
    chosen.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"architecture\.json: provenance\.findings\.parts\[0\]"):
        write_dints_report(folder)
