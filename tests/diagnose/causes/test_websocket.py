"""Faults of WebSockets, and their look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View, told
from repro.document import Outcome
from tests.diagnose.test_engine import URL, connect, outcome


def ws(failure: str, message: str, operation: str = "upgrade", **error: Any) -> Outcome:
    return outcome("ws.neon", protocol="wss", failure=failure, operation=operation, message=message, **error)


def response(status: int) -> dict[str, Any]:
    return {"seq": 1, "op": "http.response", "peer": None, "http.status": status, "failure": None}


def close(code: int, sender: str | None = None) -> dict[str, Any]:
    line = {"seq": 3, "op": "ws.close", "peer": None, "failure": None, "ws.close_code": code}
    return line if sender is None else {**line, "sender": sender}


UPGRADED = {"seq": 2, "op": "http.upgrade", "peer": None, "failure": None}
REFUSAL = {
    "seq": 3,
    "op": "pg.msg",
    "failure": "sql_error",
    "pg.name": "ErrorResponse",
    "pg.sqlstate": "XX000",
}
CUT = "no close frame received or sent"


def found(failing: Outcome, lines: Sequence[dict[str, Any]] = ()) -> str | None:
    (finding,) = engine.findings(View([failing], {failing["name"]: list(lines)}, URL))
    return finding["cause"]


@pytest.mark.parametrize(
    ("failing", "lines", "cause"),
    [
        (ws("ws_handshake", "server rejected WebSocket connection: HTTP 200"), [], "ws-not-upgraded"),
        (ws("ws_handshake", "Unexpected server response: 404"), [], "ws-not-upgraded"),
        (ws("ws_handshake", "Unexpected server response: 403"), [], "ws-upgrade-rejected"),
        (ws("ws_handshake", "no status in it"), [response(502)], "ws-upgrade-rejected"),
        (ws("ws_handshake", "no status in it"), [], None),
        (ws("ws_handshake", "invalid Sec-WebSocket-Accept header: x"), [response(101)], "ws-bad-accept"),
        (ws("ws_handshake", "All attempts to open a WebSocket to connect failed"), [], "ws-no-constructor"),
        (ws("ws_handshake", "All attempts to open a WebSocket to connect failed"),
         [connect(443, "ECONNREFUSED")], None),
        (outcome("tcp.raw", failure="http_status", message="HTTP 403"), [response(403)], None),
    ],
)  # fmt: skip
def test_an_upgrade_is_told_by_its_answer(
    failing: Outcome, lines: list[dict[str, Any]], cause: str | None
) -> None:
    assert found(failing, lines) == cause


@pytest.mark.parametrize(
    ("message", "lines", "cause"),
    [
        ("Unhandled error. (Max payload size exceeded)", [UPGRADED], "ws-message-too-big"),
        ("sent 1009 (message too big)", [UPGRADED], "ws-message-too-big"),
        ("sent 1009 (message too big)", [UPGRADED, close(1000, "server")], None),
        ("received 1011 (internal error)", [UPGRADED], None),
    ],
)
def test_a_client_that_took_no_more(message: str, lines: list[dict[str, Any]], cause: str | None) -> None:
    assert found(ws("ws_closed", message, "insert"), lines) == cause


@pytest.mark.parametrize(
    ("operation", "lines", "cause"),
    [
        ("insert", [UPGRADED], "ws-abnormal-1006"),
        ("insert", [UPGRADED, close(1006)], "ws-abnormal-1006"),
        ("insert", [UPGRADED, close(1001, "server")], None),
        ("insert", [UPGRADED, close(1011)], None),
        ("insert", [UPGRADED, close(1009, "client")], "ws-message-too-big"),
        ("insert", [UPGRADED, close(1009, "server"), close(1009, "client")], "ws-message-too-big"),
        ("insert", [UPGRADED, close(1000, "server"), close(1009, "client")], None),
        ("insert", [UPGRADED, close(1009)], None),
        ("insert", [UPGRADED, REFUSAL], None),
        ("insert", [], None),
        ("insert", [{**UPGRADED, "failure": "ws_handshake"}], None),
    ],
)
def test_a_tunnel_that_was_cut(operation: str, lines: list[dict[str, Any]], cause: str | None) -> None:
    assert found(ws("ws_closed", CUT, operation), lines) == cause


def test_a_tunnel_that_was_cut_at_commit_leaves_a_doubt() -> None:
    lost = ws("ws_closed", CUT, "commit")
    lost["applied"] = "unknown"
    assert found(lost, [UPGRADED]) == "ca-commit-ack-lost"


def test_the_experiment_is_another_gateway_and_for_a_database_elsewhere_the_labs() -> None:
    refused = ws("ws_handshake", "Unexpected server response: 403")
    near = BY_ID["ws-upgrade-rejected"].change(View([refused], {}, URL), refused)
    assert near is not None
    assert near.gateway_before == ("localhost", 5432)
    elsewhere = {"DATABASE_URL": "postgresql://u:p@db.test/d"}
    far = BY_ID["ws-upgrade-rejected"].change(View([refused], {}, elsewhere), refused)
    assert far is not None
    assert far.in_the_lab
    assert far.gateway_before is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({**close(1009, "server"), "failure": "ws_closed"}, "ws.close 1009 ws_closed"),
        ({**response(403), "failure": "http_status"}, "http.response 403 http_status"),
        (connect(443, "ECONNREFUSED"), "connect 127.0.0.1:443 ECONNREFUSED"),
    ],
)
def test_evidence_has_the_number_that_a_server_gave(line: dict[str, Any], words: str) -> None:
    assert told(line) == words
