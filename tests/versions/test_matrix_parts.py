"""What a matrix consists of, what is noteworthy in it, and how it is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.document import InvalidDocument, Outcome
from repro.environments.pins import Cell, parse
from repro.versions import marks, render
from repro.versions.specification import BadSpecification, of_file, of_flags, shard
from repro.versions.trial import Trial, Verdict, verdict
from tests.diagnose.test_engine import outcome

PASS, SKIP = Verdict("pass", runs=1), Verdict("skip", reason="not set")
FAIL = Verdict("fail", "tcp/connect/connection_refused/443", 1, 1, "refused")
OTHER = Verdict("fail", "tls/tls/tls_expired", 1, 1, "expired")


def trials(*verdicts: Verdict) -> list[Trial]:
    cells = [Cell((pin,)) for number in range(len(verdicts)) for pin in parse(f"pg={number}.0.0")]
    return [
        Trial(cell, {"pg": cell.pins[0].wanted}, verdicts={"tcp.x": each})
        for cell, each in zip(cells, verdicts, strict=True)
    ]


def refused(**error: Any) -> Outcome:
    return outcome("tcp.x", **{"failure": "connection_refused", "address": "127.0.0.1:443", **error})


@pytest.mark.parametrize(
    ("outcomes", "key"),
    [
        ([outcome("tcp.x")] * 2, "pass"),
        ([refused()] * 2, "fail: tcp/connect/connection_refused/443"),
        ([refused(), outcome("tcp.x")], "flaky: tcp/connect/connection_refused/443"),
        (
            [refused(), refused(failure="timeout")],
            "flaky: tcp/connect/connection_refused/443 | tcp/connect/timeout/443",
        ),
    ],
)
def test_repetitions_are_one_verdict(outcomes: list[Outcome], key: str) -> None:
    assert verdict(outcomes).key == key


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((PASS, PASS, FAIL), ["", "regressed"]),
        ((FAIL, PASS), ["fixed"]),
        ((FAIL, OTHER), ["changed"]),
        ((PASS, SKIP, FAIL), ["regressed"]),
    ],
)
def test_marks_along_the_versions(verdicts: tuple[Verdict, ...], expected: list[str]) -> None:
    assert list(marks.along(trials(*verdicts)).values()) == expected


def test_a_baseline_of_the_same_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(marks.as_baseline(trials(PASS, FAIL, SKIP)))
    expected = marks.read(path)
    assert not any(marks.against(trials(PASS, FAIL, SKIP), expected).values())
    found = marks.against(trials(FAIL, PASS, PASS), expected)
    assert list(found.values()) == ["regressed", "fixed", "new"]


def test_marks_along_each_axis_of_a_product() -> None:
    cells = of_flags(["a=1.0.0,2.0.0", "b=1.0.0,2.0.0"])
    verdicts = (PASS, FAIL, PASS, PASS)
    tried = [Trial(cell, verdicts={"tcp.x": each}) for cell, each in zip(cells, verdicts, strict=True)]
    assert marks.along(tried) == {
        ("a=1.0.0 b=2.0.0", "tcp.x"): "regressed",
        ("a=2.0.0 b=1.0.0", "tcp.x"): "",
        ("a=2.0.0 b=2.0.0", "tcp.x"): "",
    }


def test_cells_of_different_packages_are_not_compared() -> None:
    cells = [*of_flags(["a=1.0.0"]), *of_flags(["b=1.0.0"])]
    verdicts = (PASS, FAIL)
    assert not marks.along(
        [Trial(cell, verdicts={"x": each}) for cell, each in zip(cells, verdicts, strict=True)]
    )


@pytest.mark.parametrize(
    ("expected", "now", "mark"),
    [
        ("flaky: a", PASS, ""),
        ("flaky: a | b", Verdict("fail", "b"), ""),
        ("flaky: a | b", Verdict("flaky", "b"), ""),
        ("flaky: a", Verdict("fail", "b"), "changed"),
        ("flaky: a", Verdict("flaky", "a | b"), "changed"),
        ("fail: a", Verdict("flaky", "a"), "changed"),
        ("pass", Verdict("flaky", "a"), "regressed"),
    ],
)
def test_what_is_known_to_be_flaky_may_end_in_each_of_its_ways(
    expected: str, now: Verdict, mark: str
) -> None:
    (trial,) = trials(now)
    found = marks.against([trial], {str(trial.cell): {"tcp.x": expected}})
    assert list(found.values()) == [mark]


def test_a_port_of_the_lab_tells_no_failure() -> None:
    at = [refused(address=f"127.0.0.1:{port}") for port in (40001, 40002, 443)]
    keys = [verdict([each], {"40001", "40002"}).key for each in at]
    assert keys[0] == keys[1] == "fail: tcp/connect/connection_refused"
    assert keys[2] == "fail: tcp/connect/connection_refused/443"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "x"}', '{"schema": "txrepro/baseline/1"}'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(marks.BadBaseline):
        marks.read(path)


HOSTILE = Verdict("fail", "tcp/connect/timeout", 1, 1, "a | b ``` <b>\x1b[2J ]]> &\n::error::x %0A")


def test_every_form_holds_the_same() -> None:
    tried = [*trials(PASS, FAIL), Trial(Cell(tuple(parse("pg=9.9.9"))), skipped="no such version")]
    noted = marks.along(tried)
    assert render.sentence(tried, noted) == "2 of 3 cells tried: 1 passed, 1 failed, 0 flaky; 1 regressed"
    text = render.as_text(tried, noted, symbols=False)
    assert "pg=1.0.0  x regressed" in text
    assert "skipped  pg=9.9.9: no such version" in text
    document = json.loads(render.as_json(tried, noted))
    assert [each["probes"][0]["mark"] for each in document["cells"][:2]] == [None, "regressed"]
    suite = ET.fromstring(render.as_junit(tried))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert "| `pg=1.0.0` | `pg 1.0.0` | **✗** regressed |" in render.as_markdown(tried, noted)
    (line,) = render.as_annotations(tried, noted)
    assert line.startswith("::error title=repro matrix::pg=1.0.0, tcp.x: regressed")


@pytest.mark.parametrize(("columns", "turned"), [(None, False), (80, False), (79, True)])
def test_a_table_that_is_wider_than_the_terminal_is_turned(columns: int | None, turned: bool) -> None:
    probes = [f"a-probe-{at:02}" for at in range(6)]
    tried = [replace(each, verdicts=dict.fromkeys(probes, PASS)) for each in trials(PASS, PASS)]

    rows = render.as_text(tried, {}, symbols=False, columns=columns).splitlines()

    assert len(max(rows, key=len)) == (30 if turned else 80)
    assert rows[0].split() == (["probe", *map(str, (t.cell for t in tried))] if turned else ["cell", *probes])
    assert len(rows) == (7 if turned else 3)


def test_a_document_of_another_shape_is_not_written() -> None:
    (trial,) = trials(Verdict("maybe"))  # type: ignore[arg-type]
    with pytest.raises(InvalidDocument, match="/cells/0/probes/0/state"):
        render.as_json([trial], {})


def test_foreign_text_breaks_nothing() -> None:
    tried = trials(PASS, HOSTILE)
    ET.fromstring(render.as_junit(tried))
    assert "\x1b" not in render.as_text(tried, {}, symbols=True)
    assert all("\n" not in line for line in render.as_annotations(tried, marks.along(tried)))


def test_the_cells_of_flags() -> None:
    assert list(map(str, of_flags(["a=1.0.0", "b=2.0.0,3.0.0", "a=4.0.0"]))) == [
        "a=1.0.0 b=2.0.0",
        "a=1.0.0 b=3.0.0",
        "a=4.0.0 b=2.0.0",
        "a=4.0.0 b=3.0.0",
    ]


TABLE = """
[tool.txrepro.matrix]
only = ["tcp.*"]
repeat = 2
[tool.txrepro.matrix.with]
psycopg = ["3.1", "3.2"]
[[tool.txrepro.matrix.rows]]
psycopg = "3.3"
"npm:pg" = "8.16.0"
"""


def test_the_cells_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(TABLE)
    found = of_file(path)
    assert list(map(str, found.cells)) == ["psycopg=3.1", "psycopg=3.2", "psycopg=3.3 npm:pg=8.16.0"]
    assert (found.only, found.repeat, found.node) == (("tcp.*",), 2, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = ", "no TOML"),
        ("", "no table"),
        ("[tool.txrepro.matrix]\nwhith = 1", "whith is not known"),
        ("[tool.txrepro.matrix]\nonly = ['tcp.*']", "names no cell"),
        ("[tool.txrepro.matrix]\nwith = 1", "with must be a table"),
        ("[tool.txrepro.matrix]\nrows = 1", "rows must be tables"),
        ("[tool.txrepro.matrix.with]\npsycopg = ['3;1']", "no version"),
        ("[tool.txrepro.matrix]\nrepeat = 0\n[tool.txrepro.matrix.with]\na = ['1']", "repeat must be"),
        ("[tool.txrepro.matrix]\nnode = 1\n[tool.txrepro.matrix.with]\na = ['1']", "node must be"),
    ],
)
def test_a_table_that_is_none_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(BadSpecification, match=told):
        of_file(path)


@given(st.integers(1, 40), st.integers(1, 12))
def test_shards_share_the_cells(count: int, of: int) -> None:
    cells = [Cell(tuple(parse(f"a={number}.0.0"))) for number in range(count)]
    parts = [shard(cells, number, of) for number in range(1, of + 1)]
    assert sorted(map(str, (cell for part in parts for cell in part))) == sorted(map(str, cells))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
