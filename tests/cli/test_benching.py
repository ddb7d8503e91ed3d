"""What a bench comes to, and what its last screen says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from repro.bench.budget import Budget
from repro.bench.document import BenchDocument
from repro.cli import standings
from repro.cli.benching import exit_code
from repro.cli.terminal import Terminal
from tests.bench.conftest import MakeDocument, MakeTimed, make_document, make_timed

__all__ = ["make_document", "make_timed"]

PACE = [0.001 * each for each in (1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.3)] * 3


def bench(
    *, probes: dict[str, tuple[str, bool]], verdicts: tuple[str, ...] = (), ended: str = "whole"
) -> BenchDocument:
    """As much of a document as its exit code depends on; a probe has a status and whether it was timed."""
    document: dict[str, Any] = {
        "method": {"ended": ended},
        "budgets": [{"verdict": each} for each in verdicts],
        "probes": [
            {"name": name, "status": status, "effect": {} if timed else None}
            for name, (status, timed) in probes.items()
        ],
    }
    return cast("BenchDocument", document)


PASSED = {"tcp.raw": ("pass", True), "ws.neon": ("pass", True)}
FAILED = {"tcp.raw": ("pass", True), "ws.neon": ("fail", False)}
SKIPPED = {"tcp.raw": ("pass", True), "ws.neon": ("skip", False)}


@pytest.mark.parametrize(
    ("document", "patterns", "code"),
    [
        (bench(probes=PASSED), [], 0),
        (bench(probes=PASSED, verdicts=("kept", "unclear")), ["ws.*"], 0),
        (bench(probes=FAILED), [], 1),
        (bench(probes=SKIPPED), [], 0),
        (bench(probes=SKIPPED), ["ws.*"], 3),
        (bench(probes=SKIPPED, verdicts=("not_measured",)), [], 3),
        (bench(probes={"ws.neon": ("skip", False)}), [], 3),
        (bench(probes=PASSED, verdicts=("exceeded", "kept")), [], 4),
        (bench(probes=FAILED, verdicts=("exceeded",)), [], 4),
        (bench(probes=FAILED, verdicts=("exceeded",), ended="interrupted"), [], 130),
    ],
)
def test_the_exit_code_is_that_of_what_matters_most(
    document: BenchDocument, patterns: list[str], code: int
) -> None:
    assert exit_code(document, patterns) == code


def shown(document: BenchDocument, terminal: Terminal) -> list[str]:
    standings.show(document, Path("reports/x"), terminal)
    return [line.rstrip() for line in terminal.stream.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_the_table_has_a_line_a_driver_and_its_notes_below(
    make_timed: MakeTimed, make_document: MakeDocument, make_terminal: Callable[..., Terminal]
) -> None:
    document = make_document(
        make_timed("tcp.raw", PACE, connects=[0.0101, 0.0103]),
        make_timed("ws.neon", [2 * each for each in PACE]),
        make_timed("tcp.raw", PACE, control=True),
        make_timed("push.redis-tcp", status="skip", reason="UPSTASH_REDIS_URL is not set"),
        budgets=[Budget("ws.neon", 1.5, "ratio")],
        ended="deadline",
    )

    lines = shown(document, make_terminal())

    assert lines[1].split() == [
        "transaction",
        "driver",
        "connect",
        "median",
        "95",
        "%",
        "times",
        "tcp.raw",
        "place",
    ]
    assert lines[2].split() == [
        "tcp.raw",
        "a",
        "driver",
        "1.0",
        "10.2",
        "ms",
        "1.00",
        "ms",
        "1.30",
        "ms",
        "1",
        "1",
    ]
    assert lines[3].startswith("ws.neon")
    assert "2.00 (2.00 to 2.00)" in lines[3]
    assert lines[4] == "Noise: tcp.raw held against itself takes 1.00 (1.00 to 1.00) times as long."
    assert "budget  ws.neon  exceeded: 2.00 (2.00 to 2.00), and the limit is 1.50" in lines
    assert "skipped  push.redis-tcp: UPSTASH_REDIS_URL is not set" in lines
    assert lines[-2].endswith("the deadline came first")
    assert lines[-1] == "page     reports/x/bench.html"


@pytest.mark.parametrize(
    ("columns", "gone"),
    [("110", []), ("80", ["driver"]), ("70", ["driver", "95 %"]), ("40", ["driver", "95 %", "connect"])],
)
def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_number(
    columns: str,
    gone: list[str],
    make_timed: MakeTimed,
    make_document: MakeDocument,
    make_terminal: Callable[..., Terminal],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    document = make_document(
        make_timed("tcp.raw", PACE, connects=[0.0101, 0.0103]),
        make_timed("orm.sqlalchemy-psycopg", [2 * each for each in PACE]),
    )

    head, *rows = shown(document, make_terminal(attended=True))[1:4]

    if columns != "40":
        assert [each for each in ("driver", "95 %", "connect", "median") if each not in head] == gone
        assert "…" not in "".join(rows)
        assert "2.00 (2.00 to 2.00)" in rows[1]
    else:
        assert not any(each in head for each in gone)


def test_what_a_driver_says_moves_no_cursor(
    make_timed: MakeTimed, make_document: MakeDocument, make_terminal: Callable[..., Terminal]
) -> None:
    error = {
        "failure": "sql_error",
        "operation": "begin",
        "message": "\x1b[2J\x1b]0;owned\x07::error::no\r\n[red]bad[/red]" + "x" * 5_000,
        "chain": [],
    }
    driver = {"name": "\x1b[31mevil", "version": "1\n2"}
    failed = make_timed("ws.neon", PACE, status="fail", error=error, failed_at="transact", driver=driver)

    lines = shown(make_document(failed), make_terminal())

    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert any(line.startswith(("x ws.neon", "✗ ws.neon")) for line in lines)
    assert "sql_error at begin, in a later round: :" in text
    assert "[red]bad[/red]" in text
    assert max(map(len, lines)) < 400
    assert "why     repro run --only ws.neon" in lines
