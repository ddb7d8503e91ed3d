from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given

from repro.trace.formats.otel import attributes
from tests.trace.formats.tracing import Trace, any_line


def test_a_refused_connect() -> None:
    (line,) = Trace().add("connect", failure="connection_refused", host="localhost").lines

    assert attributes(line) == {
        "process.pid": 4711,
        "error.type": "connection_refused",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": 5999,
        "network.transport": "tcp",
        "network.type": "ipv4",
        "server.address": "localhost",
        "server.port": 5999,
    }


def test_a_statement_and_its_error() -> None:
    trace = Trace(peer=None).postgres("F", "Query", 9, sql="SELECT ?")
    trace.postgres("B", "ErrorResponse", 9, sqlstate="22012").postgres(
        "B", "CommandComplete", 9, tag="SELECT 1"
    )

    query, error, complete = map(attributes, trace.lines)

    assert query["db.query.text"] == "SELECT ?"
    assert query["network.io.direction"] == "transmit"
    assert error["db.response.status_code"] == error["error.type"] == "22012"
    assert complete["db.operation.name"] == "SELECT"
    assert {each["db.system.name"] for each in (query, error, complete)} == {"postgresql"}


def test_lookup_handshake_and_http() -> None:
    trace = Trace(peer=None).add("dns", dns__name="db", dns__answers=["::1"])
    trace.add("tls.handshake", tls__version="TLSv1.3", tls__cipher="TLS_AES_128_GCM_SHA256", tls__sni="db")
    trace.add("http.request", http__method="POST", http__path="/sql").add("http.response", http__status=200)

    lookup, handshake, request, response = map(attributes, trace.lines)

    assert (lookup["dns.question.name"], lookup["dns.answers"]) == ("db", ["::1"])
    assert handshake["tls.protocol.version"] == "1.3"
    assert handshake["tls.client.server_name"] == "db"
    assert handshake["tls.established"] is True
    assert (request["http.request.method"], request["url.path"]) == ("POST", "/sql")
    assert response["http.response.status_code"] == 200


@given(any_line())
def test_any_line_has_attributes_of_legal_types(line: Mapping[str, Any]) -> None:
    for value in attributes(line).values():
        each = value if isinstance(value, list) else [value]
        assert each
        assert all(isinstance(one, str | int | bool) for one in each)
