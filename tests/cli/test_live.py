"""The lines of one probe, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from repro.cli import live
from repro.cli.terminal import ASCII, UNICODE
from repro.document import Outcome

MakeOutcome = Callable[..., Outcome]

CONNECT = {
    "seq": 1,
    "t0": 0.0123,
    "t": 0.0127,
    "src": "hook",
    "op": "connect",
    "conn": 1,
    "pid": 7,
    "peer": {"address": "::1", "port": 443},
    "failure": "connection_refused",
    "errno": "ECONNREFUSED",
    "via": "socket",
}


def readable() -> tuple[live.ReadableLines, list[str]]:
    written: list[str] = []
    return live.ReadableLines(UNICODE, written.append), written


def parts_of(event: dict[str, Any]) -> list[str]:
    return [part.strip() for part in live.event_line(event).split("  ") if part.strip()]


def test_an_event_says_when_what_with_whom_how_and_how_long() -> None:
    assert parts_of(CONNECT) == [
        "0.012 s", "connect", "[::1]:443", "connection_refused ECONNREFUSED", "via=socket", "0.4 ms",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        (None, None),
        ({"address": "10.0.0.1", "port": 5432}, "10.0.0.1:5432"),
        ({"address": "/run/x.sock", "port": None}, "/run/x.sock"),
    ],
)
def test_an_event_without_an_address_says_none(peer: dict[str, Any] | None, shown: str | None) -> None:
    parts = parts_of({**CONNECT, "peer": peer})

    assert parts[2] == (shown or "connection_refused ECONNREFUSED")


def test_a_probe_reads_from_its_driver_to_its_result(make_outcome: MakeOutcome) -> None:
    lines, written = readable()

    lines.planned(["ws.neon"], 30.0)
    lines.started("ws.neon")
    lines.line(
        "ws.neon", "hello", {"driver": {"name": "websockets", "version": "15"}, "transport": "websocket"}
    )
    lines.line("ws.neon", "predicted", {"predicted": [{"url": "wss://localhost/v2"}]})
    lines.line("ws.neon", "event", CONNECT)
    lines.line("ws.neon", "stage", {"name": "connect", "status": "running", "t0": 0.0, "t": 0.0})
    lines.line(
        "ws.neon", "stage", {"name": "connect", "status": "fail", "t0": 0.0, "t": 0.01, "failure": "eof"}
    )
    lines.line("ws.neon", "stage", {"name": "tls", "status": "not_applicable", "t0": 0.0, "t": 0.0})
    lines.finished(make_outcome("ws.neon", refused_at="[::1]:443"))

    assert "".join(written).splitlines() == [
        "ws.neon: websockets 15 over websocket",
        "           will dial wss://localhost/v2",
        "  0.012 s  connect  [::1]:443  connection_refused ECONNREFUSED  via=socket  0.4 ms",
        "  0.000 s  ✗ connect eof  10 ms",
        "           \N{EN DASH} tls not applicable",
        "✗ connection_refused at connect, [::1]:443",
        "  OSError: refused",
        "fail in 43 ms; applied: no; atomicity: held",
    ]


MESSAGE = {**CONNECT, "op": "pg.msg", "sender": "server", "len": 6, "failure": None, "errno": None}


def test_messages_are_counted_and_those_that_tell_of_a_failure_are_shown(make_outcome: MakeOutcome) -> None:
    lines, written = readable()

    for failure in (None, "server_error", None):
        lines.line("p", "event", {**MESSAGE, "failure": failure})
    lines.finished(make_outcome())

    assert ["pg.msg" in line for line in written] == [True, False, False]
    assert "server_error" in written[0]
    assert written[1] == "           2 messages not shown: --messages shows them\n"


def test_every_message_is_shown_where_that_is_asked_for(make_outcome: MakeOutcome) -> None:
    written: list[str] = []
    lines = live.ReadableLines(UNICODE, written.append, messages=True)

    lines.line("p", "event", MESSAGE)
    lines.finished(make_outcome())

    assert ["pg.msg" in line for line in written] == [True, False]


def test_a_skip_says_why(make_outcome: MakeOutcome) -> None:
    lines, written = readable()

    lines.finished(make_outcome(status="skip", reason="DATABASE_URL is not set"))

    assert written == ["skip: DATABASE_URL is not set\n"]


def test_a_probe_without_an_outcome_shows_its_log(make_outcome: MakeOutcome) -> None:
    lines, written = readable()

    lines.finished({**make_outcome(refused_at="x"), "log": ["Can't locate JSON/PP.pm", "BEGIN failed"]})

    assert "  stderr  Can't locate JSON/PP.pm\n  stderr  BEGIN failed\n" in "".join(written)


def test_foreign_text_is_data(make_outcome: MakeOutcome) -> None:
    lines, written = readable()
    outcome = make_outcome(refused_at="x")
    outcome["error"]["chain"][0]["message"] = "a\x1b[2J\nb\u202e" + "y" * 1_000  # type: ignore[index]

    lines.finished(outcome)
    lines.line("p", "event", {**CONNECT, "via": "\x1b]0;t\x07\r\nz"})

    text = "".join(written)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, written)) <= 403
    assert all(line.count("\n") == 1 for line in written)


def test_json_lines_are_those_of_the_protocol_and_end_with_the_outcome(make_outcome: MakeOutcome) -> None:
    written: list[str] = []
    lines = live.JsonLines(written.append)
    outcome = make_outcome(reason="größer\u2028")

    lines.line("p", "hello", {"probe": "p"})
    lines.line("p", "outcome", {"name": "as the probe said it"})
    lines.finished(outcome)

    assert [json.loads(line) for line in written] == [
        {"line": "hello", "probe": "p"},
        {"line": "outcome", **outcome},
    ]


def test_ascii_marks_are_ascii(make_outcome: MakeOutcome) -> None:
    written: list[str] = []

    live.ReadableLines(ASCII, written.append).finished(make_outcome(refused_at="x"))

    assert "".join(written).isascii()
