"""The last screen of a run."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from repro.cli import summary
from repro.cli.terminal import Terminal
from repro.document import Finding, Outcome, RunDocument

MakeOutcome = Callable[..., Outcome]
MakeRun = Callable[..., RunDocument]
MakeTerminal = Callable[..., Terminal]


def screen(document: RunDocument, terminal: Terminal, **changes: Any) -> str:
    options: dict[str, Any] = {"folder": Path("reports/x"), "repeat": "repro run", **changes}
    summary.show(summary.Ending(document=document, **options), terminal)
    return cast("io.StringIO", terminal.stream).getvalue()


def test_a_run_that_passed_says_so_in_a_few_lines(
    make_outcome: MakeOutcome, make_run: MakeRun, make_terminal: MakeTerminal
) -> None:
    document = make_run(make_outcome("tcp.raw"), make_outcome("tcp.psycopg"))

    assert screen(document, make_terminal(), deadline="120 s, at most 27.5 s a probe") == (
        "\n"
        "pass on your target: all 2 probes passed in 2.1 s\n"
        "\n"
        "deadline  120 s, at most 27.5 s a probe\n"
        "report    reports/x\n"
        "repeat    repro run\n"
    )


def test_a_run_that_failed_names_each_probe_its_operation_failure_and_address(
    make_outcome: MakeOutcome,
    make_run: MakeRun,
    make_terminal: MakeTerminal,
    make_finding: Callable[..., Finding],
) -> None:
    reason = "UPSTASH_REDIS_URL is not set"
    document = make_run(
        make_outcome("tcp.raw"),
        make_outcome("http.neon", refused_at="127.0.0.1:443"),
        make_outcome("ws.neon", refused_at="[::1]:443"),
        make_outcome("tcp.asyncpg", status="timeout", reason="no outcome within 30.0 s"),
        make_outcome("push.redis-tcp", status="skip", reason=reason),
        make_outcome("push.upstash-rest", status="skip", reason=reason),
        verdict="fail",
        findings=[make_finding("http.neon", "ws.neon")],
    )

    shown = screen(document, make_terminal(), repeat="repro run --only ws.neon")

    assert shown == (
        "\n"
        "fail on your target: 1 passed, 2 failed, 1 timed out, 2 skipped of 6 probes in 2.1 s\n"
        "\n"
        "✗ http.neon    connect  connection_refused  127.0.0.1:443\n"
        "✗ ws.neon      connect  connection_refused  [::1]:443\n"
        "✗ tcp.asyncpg           timeout             no outcome within 30.0 s\n"
        "\n"
        "finding 1  connect: connection refused\n"
        "           cause not determined: http.neon, ws.neon\n"
        "           refused\n"
        "\n"
        f"skipped  push.redis-tcp, push.upstash-rest: {reason}\n"
        "report   reports/x\n"
        "repeat   repro run --only ws.neon\n"
    )


def test_the_report_is_named_as_it_is_typed_from_here(
    make_run: MakeRun, make_terminal: MakeTerminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.md").touch()

    assert "report  out/report.md\n" in screen(make_run(), make_terminal(), folder=tmp_path / "out")


def test_an_interrupted_run_says_so(
    make_outcome: MakeOutcome, make_run: MakeRun, make_terminal: MakeTerminal
) -> None:
    document = make_run(make_outcome(), verdict="inconclusive")

    assert "\ninterrupted on your target: 1 passed of 1 probe in" in screen(
        document, make_terminal(), interrupted=True
    )


def test_what_is_left_on_the_target_is_named_in_a_line_that_can_be_copied(
    make_outcome: MakeOutcome, make_run: MakeRun, make_terminal: MakeTerminal
) -> None:
    name = "txrepro_20261127_022536_1a2b3c_orm_sqlalchemy_psycopg"
    note = f'left behind, perhaps: the schema {name}; to remove it: DROP SCHEMA IF EXISTS "{name}" CASCADE'
    outcome = make_outcome(status="skip", reason="the run was interrupted")
    outcome["notes"] = [note, "something else"]
    document = make_run(outcome, verdict="inconclusive")

    shown = screen(document, make_terminal(), interrupted=True)

    assert f"\n{note}\n" in shown
    assert "something else" not in shown
    document["target"] = {"kind": "lab"}
    assert "left behind" not in screen(document, make_terminal())


def test_what_a_pass_without_commit_did_not_try_is_said(
    make_outcome: MakeOutcome, make_run: MakeRun, make_terminal: MakeTerminal
) -> None:
    outcome = make_outcome()
    outcome["stages"] = [
        {"name": "commit", "status": "pass", "t0": 0.0, "t": 0.1, "failure": None, "detail": {}}
    ]
    document = make_run(outcome)
    document["transaction"]["effect"] = "rollback"

    assert "\nnot tried: rollback, and transactions at once; --commit tries them\n" in screen(
        document, make_terminal()
    )
    assert "not tried" not in screen(document, make_terminal(), where="in the scenario x")
    document["transaction"]["effect"] = "commit"
    assert "not tried" not in screen(document, make_terminal())


def test_a_diagnosed_finding_says_how_well_it_is_proved(
    make_outcome: MakeOutcome,
    make_run: MakeRun,
    make_terminal: MakeTerminal,
    make_finding: Callable[..., Finding],
) -> None:
    known = make_finding("ws.neon") | {"cause": "sl-localhost-443", "proof": "confirmed"}
    document = make_run(make_outcome("ws.neon", refused_at="x"), verdict="fail", findings=[known])

    assert "sl-localhost-443 (confirmed): ws.neon" in screen(document, make_terminal())


@pytest.mark.parametrize("options", [{}, {"attended": True}, {"attended": True, "colours": True}])
def test_foreign_text_is_neither_markup_nor_an_escape_sequence(
    options: dict[str, bool],
    make_outcome: MakeOutcome,
    make_run: MakeRun,
    make_terminal: MakeTerminal,
    make_finding: Callable[..., Finding],
) -> None:
    evil = "[red]\x1b[2J\x1b]0;x\x07\n\u202e[/red]" + "y" * 1_000
    outcome = make_outcome(refused_at=evil, reason=evil)
    outcome["error"]["failure"] = evil  # type: ignore[index]
    skipped = make_outcome("ws.neon", status="skip", reason=evil)
    document = make_run(outcome, skipped, verdict="fail", findings=[make_finding("x") | {"title": evil}])

    shown = screen(document, make_terminal(**options))

    assert "\x1b[2J" not in shown
    assert "\x1b]0" not in shown
    assert "\u202e" not in shown
    assert "[red]" in shown
    assert ("\x1b[" in shown) is ("colours" in options)


def test_lines_fit_the_window_of_a_terminal(
    make_outcome: MakeOutcome,
    make_run: MakeRun,
    make_terminal: MakeTerminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    document = make_run(make_outcome(refused_at="127.0.0.1:443", reason="r " * 90), verdict="fail")

    shown = screen(document, make_terminal(attended=True, unicode=False), repeat="repro run " + "--x " * 40)

    assert max(map(len, shown.splitlines())) <= 80
    assert shown.isascii()


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        ([], "none of 0 probes"),
        (["pass"], "1 passed of 1 probe"),
        (["pass", "pass"], "all 2 probes passed"),
        (["skip", "skip"], "all 2 probes skipped"),
        (["pass", "crash", "fail"], "1 passed, 1 failed, 1 crashed of 3 probes"),
    ],
)
def test_the_tally_counts_every_status(statuses: list[str], words: str, make_outcome: MakeOutcome) -> None:
    assert summary.tally([make_outcome(status=status) for status in statuses]) == words
