from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from iac_components.visualization.__main__ import main
from iac_components.visualization.report import write_search_report

FILES = {
    "probability_curves": "probability_curves.png",
    "divergence_curves": "divergence_curves.png",
    "cell": "cell.png",
    "top_k_analysis": "top_k.json",
    "top_k": "top_k.png",
}


def test_every_file_is_written_and_named(trace_csv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    written = write_search_report(trace_csv, output_dir=folder)
    assert written == {name: folder / file for name, file in FILES.items()}
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES.values())
    assert json.loads(written["top_k_analysis"].read_text(encoding="utf-8"))["epochs"] == 40


def test_faulty_trace_leaves_nothing_behind(trace_csv: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.csv"
    cut.write_text("\n".join(trace_csv.read_text().splitlines()[:-3]))
    with pytest.raises(ValueError, match=r"cut\.csv: epoch 40 is incomplete"):
        write_search_report(cut, output_dir=tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_trace_without_a_cell_names_the_file(trace_csv: Path, tmp_path: Path) -> None:
    dead = tmp_path / "dead.csv"
    header, *rows = trace_csv.read_text().splitlines()
    fields = [row.split(",") for row in rows]
    for row in fields:
        row[7] = "0"
    dead.write_text("\n".join([header, *(",".join(row) for row in fields)]))
    with pytest.raises(ValueError, match=r"dead\.csv: level 0, node 0 has 0 input"):
        write_search_report(dead, output_dir=tmp_path / "report")


def test_command_line_prints_the_files(
    make_rows: Callable[..., list],
    write_trace: Callable[[list], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trace = write_trace(make_rows(3, num_nodes=1))
    main([str(trace), "--output_dir", str(tmp_path)])
    assert capsys.readouterr().out.split() == [str(tmp_path / file) for file in FILES.values()]


def test_command_line_ends_with_one_line_on_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "absent.csv"), "--output_dir", str(tmp_path)])
    assert "error: " in (error := capsys.readouterr().err)
    assert "absent.csv: no such trace" in error
    assert "Traceback" not in error


def test_package_uses_no_pyplot_and_nothing_else_of_the_project() -> None:
    code = (
        "import sys, iac_components.visualization\n"
        "ours = {n.split('.')[1] for n in sys.modules if n.startswith('iac_components.')}\n"
        "print(sorted(ours), 'matplotlib.pyplot' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == (
        "['files', 'json_fields', 'temporary_files', 'text', 'trace_format', 'visualization', "
        "'write_errors'] False"
    )
