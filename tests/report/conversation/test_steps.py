"""A trace as the steps of a conversation."""

from __future__ import annotations

from typing import Any

from repro.report.conversation.steps import PROBE, RESOLVER, Server, Step, steps
from tests.report.conftest import dialogue, event

PEER = {"address": "127.0.0.1", "port": 5433}
SERVER = Server("127.0.0.1:5433")


def message(seq: int, sender: str, name: str, **fields: str) -> dict[str, Any]:
    more = {f"pg.{key}": value for key, value in fields.items()}
    return event(seq, "pg.msg", peer=PEER, sender=sender) | {"pg.name": name, **more}


def said(lines: list[dict[str, Any]]) -> list[str]:
    return [step.text for step in steps(lines)]


def test_a_lookup_and_a_connect_have_their_answers() -> None:
    assert steps(dialogue(5433)) == [
        Step(PROBE, RESOLVER, "localhost"),
        Step(RESOLVER, PROBE, "127.0.0.1", is_answer=True),
        Step(PROBE, SERVER, "connect"),
    ]


def test_a_refusal_is_a_failed_step_with_its_errno() -> None:
    (*_, last) = steps(dialogue(443, failure="connection_refused", errno="ECONNREFUSED"))
    assert last == Step(PROBE, Server("127.0.0.1:443"), "connect: ECONNREFUSED", failed=True)


def test_a_statement_is_one_step_by_whichever_messages_it_is_sent() -> None:
    simple = [
        message(1, "client", "Query", sql="COMMIT"),
        message(2, "server", "CommandComplete", tag="COMMIT"),
    ]
    extended = [
        message(1, "client", "Parse", sql="COMMIT", statement="s1"),
        message(2, "client", "Bind", statement="s1"),
        message(3, "client", "Describe"),
        message(4, "client", "Execute"),
        message(5, "client", "Sync"),
        message(6, "server", "ParseComplete"),
        message(7, "server", "CommandComplete", tag="COMMIT"),
        message(8, "server", "ReadyForQuery", status="I"),
    ]
    assert steps(simple) == steps(extended)
    assert said(simple) == ["COMMIT", "COMMIT"]


def test_the_session_s_state_is_told_with_the_answer_that_changed_it() -> None:
    lines = [
        message(1, "client", "Query", sql="BEGIN"),
        message(2, "server", "CommandComplete", tag="BEGIN"),
        message(3, "server", "ReadyForQuery", status="T"),
        message(4, "client", "Query", sql="INSERT"),
        message(5, "server", "ErrorResponse", sqlstate="23505", message="duplicate key"),
        message(6, "server", "ReadyForQuery", status="E"),
        message(7, "client", "Query", sql="SELECT 1"),
        message(8, "server", "ErrorResponse", sqlstate="25P02", message="aborted"),
        message(9, "server", "ReadyForQuery", status="E"),
    ]
    assert said(lines)[1::2] == [
        "BEGIN (in a transaction)",
        "23505 duplicate key (in a failed transaction)",
        "25P02 aborted",
    ]


def test_the_schema_of_the_run_is_no_part_of_a_statement() -> None:
    sql = 'INSERT INTO "txrepro_20260131_235959_3f9a2c_tcp_psycopg"."jobs" (id) SELECT ?'
    assert said([message(1, "client", "Query", sql=sql)]) == ["INSERT INTO jobs (id) SELECT ?"]


def test_connections_to_one_address_are_told_apart_by_number_and_backend() -> None:
    first, second = Server("127.0.0.1:5433", 1, 571), Server("127.0.0.1:5433", 2, 572)
    lines = [
        message(1, "server", "BackendKeyData") | {"pg.pid": 571},
        message(2, "server", "BackendKeyData") | {"pg.pid": 572, "conn": 2},
        message(3, "client", "Query", sql="BEGIN"),
        message(4, "client", "Query", sql="COMMIT") | {"conn": 2},
    ]
    assert steps(lines) == [
        Step(PROBE, first, "BEGIN", is_question=True),
        Step(first, PROBE, "no answer was seen", failed=True, is_answer=True),
        Step(PROBE, second, "COMMIT", is_question=True),
    ]


def test_equal_numbers_of_two_processes_are_two_connections() -> None:
    lines = [
        message(1, "server", "CommandComplete", tag="BEGIN"),
        message(2, "server", "CommandComplete", tag="COMMIT") | {"pid": 4712},
    ]
    assert [step.sender for step in steps(lines)] == [
        Server("127.0.0.1:5433", 1),
        Server("127.0.0.1:5433", 2),
    ]


def test_repeated_attempts_are_one_address() -> None:
    refused = [event(seq, "connect", peer=PEER, failure="timeout") | {"conn": seq} for seq in range(1, 4)]
    (step,) = steps(refused)
    assert (step.receiver, step.text, step.times) == (SERVER, "connect: timeout", 3)


def test_messages_that_nobody_could_read_are_counted() -> None:
    frames = [
        event(seq, "ws.frame", peer=PEER, sender=sender) | {"ws.opcode": "binary", "ws.deflate": True}
        for seq, sender in enumerate(["client", "server", "server", "client", "server"], start=1)
    ]
    assert [(step.sender, step.text, step.times) for step in steps(frames)] == [
        (PROBE, "WebSocket binary, compressed", 2),
        (SERVER, "WebSocket binary, compressed", 3),
    ]


def test_what_came_before_is_known_and_not_told() -> None:
    lines = [
        message(1, "client", "Parse", sql="COMMIT", statement="s1"),
        message(2, "client", "Bind", statement="s1"),
        message(3, "client", "Execute"),
    ]
    assert [step.text for step in steps(lines, since=0.025)] == ["COMMIT"]
    assert steps(lines, since=0.035) == []


def test_a_prepared_statement_is_told_by_its_text_when_it_is_executed() -> None:
    lines = [
        message(1, "client", "Parse", sql="SELECT 1", statement="a"),
        message(2, "client", "Parse", sql="SELECT 2", statement="b"),
        message(3, "client", "Bind", statement="a"),
        message(4, "client", "Execute"),
    ]
    assert said(lines) == ["SELECT 1"]


def test_what_the_probe_asks_for_itself_is_left_out_with_its_answer() -> None:
    lines = [
        message(1, "client", "Query", sql="SELECT pg_backend_pid()::bigint"),
        message(2, "server", "CommandComplete", tag="SELECT 1"),
        message(3, "client", "Query", sql="COMMIT"),
        message(4, "server", "CommandComplete", tag="COMMIT"),
    ]
    assert said(lines) == ["COMMIT", "COMMIT"]


def test_a_login_is_two_steps() -> None:
    lines = [
        message(1, "client", "SSLRequest"),
        message(2, "client", "StartupMessage"),
        message(3, "server", "AuthenticationSASL"),
        message(4, "client", "SASLInitialResponse"),
        message(5, "server", "AuthenticationOk"),
    ]
    assert said(lines) == ["log in", "logged in"]


def test_an_error_is_told_with_its_sqlstate() -> None:
    (step,) = steps([message(1, "server", "ErrorResponse", sqlstate="42P01", message="no such table")])
    assert step == Step(SERVER, PROBE, "42P01 no such table", failed=True, is_answer=True)


def test_a_request_that_was_queued_before_the_connect_comes_after_it() -> None:
    request = event(1, "http.request", sender="client") | {"http.method": "GET", "http.path": "/v2"}
    response = event(4, "http.response", sender="server", peer=PEER) | {"http.status": 101}
    lines = [request, event(2, "connect", peer=PEER), event(3, "tls.handshake", peer=PEER), response]
    assert said(lines) == ["connect", "TLS handshake", "GET /v2", "101"]


def test_a_request_of_a_connection_that_never_came_is_not_told() -> None:
    request = event(1, "http.request", sender="client", peer=None) | {"http.method": "GET", "http.path": "/"}
    refused = event(2, "connect", peer=PEER, failure="connection_refused", errno="ECONNREFUSED")
    assert said([request, refused]) == ["connect: ECONNREFUSED"]


def test_equal_steps_and_equal_pairs_in_a_row_are_one() -> None:
    lines = [
        each
        for seq in range(0, 10, 2)
        for each in (
            message(seq, "client", "Query", sql="INSERT"),
            message(seq + 1, "server", "CommandComplete", tag="INSERT 0 1"),
        )
    ]
    assert [(step.text, step.times) for step in steps(lines)] == [("INSERT", 5), ("INSERT 0 1", 5)]


def test_a_pair_begins_with_the_question() -> None:
    def replies(seq: int, command: str) -> list[dict[str, Any]]:
        asked = event(seq, "redis.cmd", peer=PEER, sender="client") | {"redis.cmd": command}
        reply = event(seq + 1, "redis.reply", peer=PEER, sender="server") | {"redis.reply_type": "simple"}
        return [asked, reply]

    lines = [*replies(1, "AUTH"), *replies(3, "SETINFO"), *replies(5, "SETINFO")]
    assert [(step.text, step.times) for step in steps(lines)] == [
        ("AUTH", 1),
        ("simple", 1),
        ("SETINFO", 2),
        ("simple", 2),
    ]


def test_the_inside_of_a_tunnel_is_told_once() -> None:
    inner = message(1, "client", "Query", sql="BEGIN") | {"conn": 9, "peer": None}
    outer = message(2, "client", "Query", sql="BEGIN")
    frame = event(3, "ws.frame", peer=PEER, sender="client") | {"ws.opcode": "binary"}
    assert said([inner, outer, frame]) == ["BEGIN"]
