from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from found_cells import with_findings
from matplotlib import pyplot

from iac_components import visualization
from iac_components.common.trace_format import AUDIT_COLUMNS
from iac_components.search import SearchTrace
from iac_components.search_space import (
    GenotypeError,
    SearchSpace,
    random_genotype,
    save_genotype,
)
from iac_components.visualization import draw_genotype
from iac_components.visualization.__main__ import main
from iac_components.visualization.search_report import write_search_report

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


def test_trace_of_another_search_names_the_file(
    make_search: Callable[..., Path], tmp_path: Path
) -> None:
    file = make_search() / "search_trace.csv"
    with pytest.raises(ValueError, match=r"search_trace\.csv: .*not the trace of a cell search"):
        write_search_report(file, output_dir=tmp_path / "report")
    assert not (tmp_path / "report").exists()


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


def test_pictures_keep_no_global_state(trace_csv: Path, tmp_path: Path) -> None:
    before = pyplot.get_fignums()
    write_search_report(trace_csv, output_dir=tmp_path)
    assert pyplot.get_fignums() == before


def test_names_of_version_0_4_are_there(trace_csv: Path, make_search: Callable[..., Path]) -> None:
    trace = visualization.read_trace(trace_csv)
    assert isinstance(trace, visualization.Trace)
    assert isinstance(trace.edges[0], visualization.Edge)
    topology = visualization.read_topology(make_search() / "architecture.json")
    assert isinstance(topology, visualization.DrawnTopology)
    assert isinstance(topology.blocks[0][0], visualization.ChosenPath)


def test_cell_is_that_of_the_genotype_beside_the_trace(trace_csv: Path, tmp_path: Path) -> None:
    """Not one that the plots work out on their own."""
    folder = tmp_path / "search"
    folder.mkdir()
    shutil.copy(trace_csv, folder / "search_trace.csv")
    operations = SearchTrace.read(trace_csv).operations
    found = random_genotype(SearchSpace(3, operations), 7)
    save_genotype(found, folder / "genotype.json")
    written = write_search_report(folder / "search_trace.csv", output_dir=folder)
    drawn = draw_genotype(found, tmp_path / "cell.png")
    assert written["cell"].read_bytes() == drawn.read_bytes()
    assert [
        (c["node"], c["input"], c["operation"])
        for c in json.loads(written["top_k_analysis"].read_text(encoding="utf-8"))["chosen"]
    ] == [(n.node, e.input, e.operation) for n in found.nodes for e in n.edges]


def test_genotype_elsewhere_can_be_given(trace_csv: Path, tmp_path: Path) -> None:
    found = random_genotype(SearchSpace(2, SearchTrace.read(trace_csv).operations), 7)
    save_genotype(found, tmp_path / "mine.json")
    main([str(trace_csv), "--output_dir", str(tmp_path), "--genotype", str(tmp_path / "mine.json")])
    drawn = draw_genotype(found, tmp_path / "expected.png")
    assert (tmp_path / "cell.png").read_bytes() == drawn.read_bytes()


@pytest.mark.parametrize("content", ["{", None])
def test_faulty_genotype_leaves_nothing_behind(
    trace_csv: Path, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(GenotypeError, match=r"mine\.json"):
        write_search_report(trace_csv, output_dir=tmp_path / "report", genotype=file)
    assert not (tmp_path / "report").exists()


def test_genotype_of_another_space_is_refused(trace_csv: Path, tmp_path: Path) -> None:
    save_genotype(random_genotype(SearchSpace(2, num_nodes=2), 0), tmp_path / "mine.json")
    with pytest.raises(ValueError, match=r"search_trace\.csv: .*search_space\.num_nodes 2, the"):
        write_search_report(trace_csv, output_dir=tmp_path / "r", genotype=tmp_path / "mine.json")
    assert not (tmp_path / "r").exists()


def judged_search(trace_csv: Path, folder: Path) -> Path:
    """Files of a search whose audit has looked."""
    folder.mkdir()
    shutil.copy(trace_csv, folder / "search_trace.csv")
    space = SearchSpace(3, SearchTrace.read(trace_csv).operations)
    save_genotype(with_findings(random_genotype(space, 7)), folder / "genotype.json")
    rows = [f"{e},{e},cell,0,,,,0.01,0,0.02,needed" for e in (3, 4)]
    (folder / "audit_trace.csv").write_text("\n".join([",".join(AUDIT_COLUMNS), *rows]))
    return folder / "search_trace.csv"


def test_findings_have_pictures_of_their_own(trace_csv: Path, tmp_path: Path) -> None:
    trace = judged_search(trace_csv, tmp_path / "search")
    written = write_search_report(trace, output_dir=tmp_path / "report")
    more = {"effects": "effects.png", "effect_curves": "effect_curves.png"}
    assert written == {n: tmp_path / "report" / file for n, file in (FILES | more).items()}
    assert all(path.is_file() for path in written.values())


def test_an_audit_that_has_not_looked_yet_has_none(trace_csv: Path, tmp_path: Path) -> None:
    trace = judged_search(trace_csv, tmp_path / "search")
    trace.with_name("genotype.json").unlink()
    trace.with_name("audit_trace.csv").write_text(",".join(AUDIT_COLUMNS) + "\n")
    assert set(write_search_report(trace, output_dir=tmp_path)) == set(FILES)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("audit_trace.csv", "0.01", "much", r"audit_trace\.csv: line 2, column 'effect'"),
        (
            "genotype.json",
            '"evidence"',
            '"luck"',
            r"genotype\.json: provenance\.findings\.parts\[0",
        ),
    ],
)
def test_faulty_findings_leave_nothing_behind(
    trace_csv: Path, tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    trace = judged_search(trace_csv, tmp_path / "search")
    file = trace.with_name(name)
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        write_search_report(trace, output_dir=tmp_path / "report")
    assert not (tmp_path / "report").exists()
