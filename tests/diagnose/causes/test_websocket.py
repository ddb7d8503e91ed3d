"""Faults of WebSockets, and their look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import URL, outcome


def ws(failure: str, message: str, operation: str = "upgrade", **error: Any) -> Outcome:
    return outcome("ws.neon", protocol="wss", failure=failure, operation=operation, message=message, **error)


def response(status: int) -> dict[str, Any]:
    return {"seq": 1, "op": "http.response", "peer": None, "http.status": status, "failure": None}


UPGRADED = {"seq": 2, "op": "http.upgrade", "peer": None, "failure": None}
POLITE = {
    "seq": 3,
    "op": "ws.close",
    "peer": None,
    "failure": None,
    "sender": "server",
    "ws.close_code": 1001,
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
        (ws("ws_closed", "sent 1009 (message too big)", "insert"), [UPGRADED], "ws-message-too-big"),
        (outcome("tcp.raw", failure="http_status", message="HTTP 403"), [response(403)], None),
    ],
)
def test_an_upgrade_is_told_by_its_answer(
    failing: Outcome, lines: list[dict[str, Any]], cause: str | None
) -> None:
    assert found(failing, lines) == cause


@pytest.mark.parametrize(
    ("operation", "lines", "cause"),
    [
        ("insert", [UPGRADED], "ws-abnormal-1006"),
        ("insert", [UPGRADED, POLITE], None),
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
