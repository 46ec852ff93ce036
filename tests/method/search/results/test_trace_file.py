from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drifting_traces import Rows, trace_rows, write_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iac_components.common.trace_format import TRACE_COLUMNS
from iac_components.search import SearchTrace
from iac_components.search.results.trace_file import TracedEdge as Edge

Write = Callable[[Rows], Path]
Make = Callable[..., Rows]
read_trace = SearchTrace.read


@pytest.fixture
def make_rows() -> Make:
    return trace_rows


@pytest.fixture
def write_trace(tmp_path: Path) -> Write:
    return lambda rows: write_rows(tmp_path / "search_trace.csv", rows)


@pytest.fixture(scope="module")
def trace_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("trace") / "search_trace.csv", trace_rows())


def test_every_value_arrives_at_its_place(make_rows: Make, write_trace: Write) -> None:
    rows = make_rows(12, levels=2, num_nodes=2)
    trace = read_trace(write_trace(rows))
    assert trace.epochs.tolist() == list(range(1, 13))
    assert trace.probability.shape == (12, 10, 8)
    assert trace.edges[:3] == (Edge(0, 0, "skip"), Edge(0, 0, "gate"), Edge(0, 1, "skip"))
    for row in rows:
        epoch = int(str(row["epoch"])) - 1
        edge = trace.edges.index(
            Edge(int(str(row["level"])), int(str(row["node"])), str(row["input"]))
        )
        operation = trace.operations.index(str(row["operation"]))
        assert trace.probability[epoch, edge, operation] == row["probability"]
        assert trace.active[epoch, edge, operation] == bool(row["active"])
        assert trace.edge_weight[epoch, edge] == row["edge_weight"]
        assert trace.seconds[epoch] == row["seconds"]
        divergence = trace.divergence[epoch, edge]
        assert np.isnan(divergence) if row["divergence"] == "" else divergence == row["divergence"]


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 1000))
def test_order_of_rows_does_not_matter(make_rows: Make, write_trace: Write, seed: int) -> None:
    rows = make_rows(3, num_nodes=2)
    first = read_trace(write_trace(rows))
    random.Random(seed).shuffle(rows)
    second = read_trace(write_trace(rows))
    edges = [second.edges.index(edge) for edge in first.edges]
    operations = [second.operations.index(name) for name in first.operations]
    assert np.array_equal(first.probability, second.probability[:, edges][:, :, operations])
    assert np.array_equal(first.divergence, second.divergence[:, edges], equal_nan=True)


def test_what_is_read_is_written_alike(make_rows: Make, write_trace: Write, tmp_path: Path) -> None:
    trace = read_trace(write_trace(make_rows(4, levels=2, num_nodes=2)))
    trace.write(tmp_path / "one.csv")
    read_trace(tmp_path / "one.csv").write(tmp_path / "other.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    assert trace.space.inputs_of(1) == ("skip", "gate", "node_0")
    assert trace.space.edges_of(1) == slice(2, 5)
    assert trace.space.none_index == 0
    assert trace.last()[0].shape == (2, 5, 8)
    assert trace.total_seconds == pytest.approx(trace.seconds.sum())


@pytest.mark.parametrize(
    ("place", "column", "value", "message"),
    [
        (0, "level", 5, "column 'level' holds up to 5 with gaps"),
        (0, "node", 10**15, "column 'node' holds up to 1000000000000000 with gaps"),
        (1, "input", "node_7", "column 'input' holds gate at level 1, node 0: every level has"),
    ],
)
def test_levels_of_different_edges_are_refused(
    make_rows: Make, write_trace: Write, place: int, column: str, value: object, message: str
) -> None:
    rows = make_rows(2, levels=2, num_nodes=1)
    edge = tuple(rows[8 * place][key] for key in ("level", "node", "input"))
    for row in rows:
        if tuple(row[key] for key in ("level", "node", "input")) == edge:
            row[column] = value
    with pytest.raises(ValueError, match=rf"search_trace\.csv: {message}"):
        read_trace(write_trace(rows))


def test_a_full_length_search_is_read(make_rows: Make, write_trace: Write) -> None:
    assert read_trace(write_trace(make_rows(220))).probability.size == 220 * 14 * 8


@pytest.mark.parametrize("column", TRACE_COLUMNS)
def test_missing_column_is_named(trace_csv: Path, tmp_path: Path, column: str) -> None:
    place = TRACE_COLUMNS.index(column)
    lines = [line.split(",") for line in trace_csv.read_text().splitlines()]
    path = tmp_path / "cut.csv"
    path.write_text("\n".join(",".join(x[:place] + x[place + 1 :]) for x in lines))
    with pytest.raises(ValueError, match=rf"cut\.csv: line 1 lacks the column '{column}'"):
        read_trace(path)


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("epoch", "one"),
        ("epoch", "1.0"),
        ("level", "-1"),
        ("node", ""),
        ("node", "9" * 30),
        ("probability", "nan"),
        ("probability", "1.5"),
        ("probability", ""),
        ("divergence", "nan"),
        ("divergence", "-0.1"),
        ("active", "0.5"),
        ("active", "True"),
        ("edge_weight", "inf"),
        ("seconds", "-3"),
        ("seconds", "1e999"),
    ],
)
def test_wrong_number_names_line_and_column(
    make_rows: Make, write_trace: Write, column: str, field: str
) -> None:
    rows = make_rows(2)
    rows[5][column] = field
    with pytest.raises(ValueError, match=rf"line 7, column '{column}': '{field}' is not"):
        read_trace(write_trace(rows))


def test_truncated_last_epoch_is_named(make_rows: Make, write_trace: Write) -> None:
    with pytest.raises(ValueError, match=r"epoch 6 is incomplete.*111 rows.*112.*cut off"):
        read_trace(write_trace(make_rows(6)[:-1]))


def test_row_cut_in_the_middle_is_named(trace_csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_text(trace_csv.read_text()[:-30])
    with pytest.raises(ValueError, match=r"line 4481 has \d of 10 fields"):
        read_trace(path)


def test_double_row_in_place_of_another_is_found(make_rows: Make, write_trace: Write) -> None:
    rows = make_rows(3)
    rows[130] = rows[131]
    with pytest.raises(ValueError, match="epoch 2 is incomplete"):
        read_trace(write_trace(rows))


def test_missing_epoch_is_found(make_rows: Make, write_trace: Write) -> None:
    rows = [row for row in make_rows(4) if row["epoch"] != 2]
    with pytest.raises(ValueError, match="column 'epoch' holds 1 to 4 with gaps"):
        read_trace(write_trace(rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the column 'epoch'"),
        (",".join(TRACE_COLUMNS).encode() + b"\n", "holds no epoch"),
        (",".join(reversed(TRACE_COLUMNS)).encode() + b"\n", "must be exactly"),
        (b"\xff\xfe\x00", "not a CSV file"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "search_trace.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_trace(path)


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        read_trace(tmp_path / "absent.csv")
