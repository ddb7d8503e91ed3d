"""A COMMIT whose answer was lost, and what is nearly it."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import URL, outcome


def lost(name: str = "tcp.psycopg", *, applied: str = "unknown", **error: Any) -> Outcome:
    """A probe that failed at COMMIT."""
    failed = outcome(name, **{"operation": "commit", "failure": "eof", **error})
    failed["applied"] = applied  # type: ignore[typeddict-item]
    return failed


def message(sender: str, name: str, conn: int = 1, **fields: str) -> dict[str, Any]:
    """One message of Postgres's protocol, as a trace tells it."""
    told = {f"pg.{key}": value for key, value in fields.items()}
    fixed = {"op": "pg.msg", "seq": 1, "t": 1.0, "failure": None}
    return {**fixed, "conn": conn, "sender": sender, "pg.name": name, **told}


def asked(sql: str, *answers: dict[str, Any], conn: int = 1) -> list[dict[str, Any]]:
    """A statement and its answers."""
    return [message("client", "Query", conn, sql=sql), *({**each, "conn": conn} for each in answers)]


def ready(status: str) -> dict[str, Any]:
    """The end of an answer."""
    return message("server", "ReadyForQuery", status=status)


def done(tag: str) -> dict[str, Any]:
    """The tag of an answer."""
    return message("server", "CommandComplete", tag=tag)


def found(*outcomes: Outcome, events: list[dict[str, Any]] | None = None) -> dict[str | None, list[str]]:
    """The causes of probes, the events being those of the first one."""
    view = View(list(outcomes), {outcomes[0]["name"]: events or []}, URL)
    return {each["cause"]: each["probes"] for each in engine.findings(view)}


SENT = asked("COMMIT")
ANSWERED = asked("COMMIT", done("COMMIT"), ready("I"))


@pytest.mark.parametrize(
    ("failing", "events", "cause"),
    [
        (lost(), SENT, "ca-commit-ack-lost"),
        (lost(failure="connection_reset"), [], "ca-commit-ack-lost"),
        (lost(), ANSWERED, None),
        (lost(), asked("INSERT"), None),
        (lost(applied="no"), SENT, None),
        (lost(operation="insert", applied="no"), asked("INSERT"), None),
        (lost(failure="timeout"), SENT, "ca-commit-hang"),
        (lost(failure="timeout", operation="insert", applied="no"), asked("INSERT"), None),
        (lost("http.neon", protocol="https"), [{"op": "http.request", "seq": 1}], "ca-http-response-lost"),
        (lost("http.neon", protocol="https", failure="timeout"), [], "ca-http-response-lost"),
        (
            lost("http.neon", protocol="https"),
            [{"op": "http.response", "seq": 1, "failure": "eof"}],
            None,
        ),
        (lost("http.neon", protocol="https", applied="no"), [{"op": "http.request", "seq": 1}], None),
    ],
)
def test_an_answer_that_was_lost(failing: Outcome, events: list[dict[str, Any]], cause: str | None) -> None:
    assert cause in found(failing, events=events)


WARNED = message("server", "NoticeResponse", sqlstate="25P01")
OUTSIDE = asked("COMMIT", WARNED, done("COMMIT"), ready("I"), conn=2)


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        ([*SENT, *OUTSIDE], "ca-commit-replayed"),
        (OUTSIDE, None),
        ([*ANSWERED, *OUTSIDE], None),
        ([*SENT, *asked("COMMIT", done("COMMIT"), ready("I"), conn=2)], None),
    ],
)
def test_a_commit_that_was_sent_again(events: list[dict[str, Any]], cause: str | None) -> None:
    gone = lost(failure="not_atomic", operation="read_back", applied="yes")
    assert cause in found(gone, events=events)
