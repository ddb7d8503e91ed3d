"""The table at 80 columns, with and without colours and characters beyond ASCII."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

import pytest
from rich.console import Console

from repro.cli.table import GROUPS, Board, Lines, LiveTable, watcher
from repro.cli.terminal import ASCII, UNICODE, Symbols, Terminal
from repro.document import STAGES, Outcome, Stage
from repro.observe.catalog import NAMES

Make = Callable[..., Outcome]


def picture(board: Board, *, colours: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=80, force_terminal=colours, color_system="standard" if colours else None
    )
    console.print(board.render())
    return cast("io.StringIO", console.file).getvalue()


def board_at(now: float = 10.0, symbols: Symbols = UNICODE) -> Board:
    return Board(symbols, clock=lambda: now)


def stage(name: str, status: str) -> Stage:
    return cast("Stage", {"name": name, "status": status, "t0": 0.0, "t": 0.0, "failure": None, "detail": {}})


def test_every_stage_has_its_place_in_a_group() -> None:
    assert tuple(name for names in GROUPS.values() for name in names if name != "push") == tuple(
        name for name in STAGES if name != "push"
    )


def test_a_row_fills_from_waiting_to_its_status(make_outcome: Make) -> None:
    now = [10.0]
    board = Board(UNICODE, clock=lambda: now[0])
    board.planned(["tcp.psycopg"], 30.0)
    assert picture(board).splitlines()[2].split() == ["tcp.psycopg", *"····", "waiting"]

    board.started("tcp.psycopg")
    board.line("tcp.psycopg", "hello", {"driver": {"name": "psycopg", "version": "3.2.9"}})
    board.stage("tcp.psycopg", stage("begin", "pass"))
    board.stage("tcp.psycopg", stage("insert", "running"))
    now[0] = 11.25
    row = picture(board).splitlines()[2].split()
    assert row[:5] == ["tcp.psycopg", "psycopg", "3.2.9", "·", "·"]
    assert row[5][0] == "✓"
    assert row[5][1] in UNICODE.spinner
    assert row[-3:] == ["1.2", "s", "running"]

    board.finished(make_outcome())
    assert picture(board).splitlines()[2].split() == [
        "tcp.psycopg", "psycopg", "3.2.9", "✓✓", "✓✓✓", "43", "ms", "pass",
    ]  # fmt: skip


def test_a_failure_shows_where_it_stopped(make_outcome: Make) -> None:
    board = board_at()
    board.planned(["ws.neon"], 30.0)
    stages = [
        stage("resolve", "pass"),
        stage("connect", "fail"),
        stage("tls", "skip"),
        stage("begin", "skip"),
    ]

    board.finished(make_outcome("ws.neon", status="fail", stages=stages))

    assert "✓✗\N{EN DASH}" in picture(board)
    assert picture(board).rstrip().endswith("fail")


def test_a_skipped_probe_took_no_time(make_outcome: Make) -> None:
    board = board_at()
    board.planned(["push.redis-tcp"], 30.0)

    board.finished(
        make_outcome("push.redis-tcp", status="skip", reason="not set", stages=[], duration_ms=0.0)
    )

    assert " ms" not in picture(board)
    assert "skip" in picture(board)


def full_board(symbols: Symbols, make_outcome: Make) -> Board:
    board = board_at(symbols=symbols)
    board.planned(NAMES, 12.0)
    board.lab("ready in 0.9 s")
    stages = [stage(name, "pass") for name in STAGES]
    for name in NAMES:
        driver = {"name": "a-driver-with-a-long-name", "version": "2026.10.18.post1"}
        board.finished(
            make_outcome(name, driver=driver, stages=stages, status="timeout", duration_ms=99_999.0)
        )
    return board


@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_the_longest_names_fit_80_columns_in_one_line_each(symbols: Symbols, make_outcome: Make) -> None:
    lines = picture(full_board(symbols, make_outcome)).splitlines()

    assert len(lines) == 3 + len(NAMES)
    assert max(map(len, lines)) <= 80
    assert all(
        name in line and line.rstrip().endswith("timeout")
        for name, line in zip(NAMES, lines[3:], strict=True)
    )


def test_ascii_is_ascii(make_outcome: Make) -> None:
    assert picture(full_board(ASCII, make_outcome)).isascii()


def test_colours_are_shown_only_where_they_are_wanted(make_outcome: Make) -> None:
    board = full_board(UNICODE, make_outcome)

    assert "\x1b[" not in picture(board)
    assert "\x1b[" in picture(board, colours=True)


def test_foreign_text_is_neither_markup_nor_an_escape_sequence(make_outcome: Make) -> None:
    board = board_at()
    board.planned(["tcp.psycopg"], 30.0)
    board.lab("[red]\x1b[2Jready")

    board.finished(make_outcome(driver={"name": "[b]\x1b[2J\nx", "version": "[/b]"}))

    shown = picture(board)
    assert "\x1b" not in shown
    assert "[red]ready" in shown
    assert "[b] x [/b]" in shown


def test_the_share_of_each_probe_is_shown_while_one_runs(make_outcome: Make) -> None:
    board = board_at()
    board.planned(["tcp.psycopg"], 7.5)
    assert "0 of 1 probe, at most 7.5 s each" in picture(board)

    board.finished(make_outcome())
    assert "at most" not in picture(board)


def test_a_pipe_is_left_in_peace(make_outcome: Make, make_terminal: Callable[..., Terminal]) -> None:
    terminal = make_terminal()

    with watcher(terminal) as quiet:
        drive(quiet, make_outcome())

    assert isinstance(quiet, Lines)
    assert cast("io.StringIO", terminal.stream).getvalue() == ""


def test_a_terminal_without_a_cursor_gets_a_line_a_probe(make_outcome: Make) -> None:
    terminal = Terminal(io.StringIO(), attended=True, moves=False, colours=False, symbols=ASCII)

    with watcher(terminal) as lines:
        drive(lines, make_outcome())

    assert cast("io.StringIO", terminal.stream).getvalue() == (
        "lab     starting\npass     tcp.psycopg              psycopg 3.2.9     43 ms\n"
    )


def test_a_terminal_gets_the_live_table(make_outcome: Make, make_terminal: Callable[..., Terminal]) -> None:
    terminal = make_terminal(attended=True)

    with watcher(terminal) as live:
        drive(live, make_outcome())

    assert isinstance(live, LiveTable)
    assert "tcp.psycopg" in cast("io.StringIO", terminal.stream).getvalue()


def drive(progress: Any, outcome: Outcome) -> None:
    progress.planned([outcome["name"]], 30.0)
    progress.lab("starting")
    progress.started(outcome["name"])
    progress.line(outcome["name"], "hello", {})
    progress.stage(outcome["name"], stage("begin", "running"))
    progress.finished(outcome)
