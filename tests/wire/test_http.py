"""HTTP: heads, bodies that are passed over, paths without tokens, and the switch to WebSocket."""

from __future__ import annotations

import pytest

from repro.wire import HttpDecoder, Message, PostgresDecoder
from repro.wire.http_path import shown_path
from tests.wire.streams import decode, neon, postgres

GET = b"GET / HTTP/1.1\r\n\r\n"


def answered(*responses: bytes, request: bytes = GET) -> list[Message]:
    """The responses to as many requests."""
    return decode(HttpDecoder(), [("client", request * len(responses)), ("server", b"".join(responses))])[
        len(responses) :
    ]


def test_a_request_and_its_response() -> None:
    request, response = decode(
        HttpDecoder(),
        [
            (
                "client",
                b"POST /sql?x=1 HTTP/1.1\r\nHost: h\r\nAuthorization: b\r\nContent-Length: 3\r\n\r\nabc",
            ),
            (
                "server",
                b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2;e\r\nab\r\n0\r\nT: x\r\n\r\n",
            ),
        ],
    )

    assert request.fields == {
        "http.method": "POST",
        "http.path": "/sql",
        "http.headers": ["authorization", "content-length", "host"],
        "http.body": 3,
    }
    assert response.fields == {"http.status": 400, "http.headers": ["transfer-encoding"], "http.body": 2}
    assert response.failure == "http_status"


@pytest.mark.parametrize("status", [b"204 No", b"304 Not"])
def test_some_responses_have_no_body(status: bytes) -> None:
    responses = answered(
        b"HTTP/1.1 %s\r\nContent-Length: 9\r\n\r\n" % status, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    )

    assert [response.fields["http.body"] for response in responses] == [0, 0]


def test_head_has_no_body_and_interim_responses_are_no_answers() -> None:
    responses = decode(
        HttpDecoder(),
        [
            ("client", b"HEAD / HTTP/1.1\r\n\r\n" + GET),
            ("server", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        ],
    )[2:]

    assert [(each.fields["http.status"], each.fields["http.body"]) for each in responses] == [
        (100, 0),
        (200, 0),
        (200, 5),
    ]


def test_a_body_without_length_goes_on_to_the_end() -> None:
    (response,) = answered(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000)

    assert (response.failure, response.fields["http.body"]) == (None, 100_000)


def test_a_body_that_is_cut_off() -> None:
    (response,) = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    assert (response.failure, response.fields["http.truncated"]) == ("eof", True)


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ],
)
def test_what_is_no_http_is_said_once(response: bytes) -> None:
    messages = answered(response, b"HTTP/1.1 200 OK\r\n\r\n")

    assert [message.failure for message in messages] == ["protocol_mismatch"]


def test_the_preface_of_http2_is_another_protocol() -> None:
    (message,) = decode(HttpDecoder(), [("client", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")])

    assert message.fields == {"http.why": "HTTP/2"}


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/", "/"),
        ("/sql?a=b", "/sql"),
        ("/v2", "/v2"),
        ("/multi-exec", "/multi-exec"),
        ("/pipeline#x", "/pipeline"),
        ("https://user:pass@host/api/v1/users", "/api/v1/users"),
        ("/api/deadbeef/3f2504e0-4f89/Ab3x/12", "/api/…/…/…/…"),
        ("/set/key/value", "/set/…"),
        ("/passwordpassword", "/…"),
        ("host:443", "…"),
        ("*", "*"),
    ],
)
def test_paths(target: str, shown: str) -> None:
    assert shown_path(target) == shown


def test_a_tunnel_through_a_websocket_is_seen_into() -> None:
    messages = decode(HttpDecoder(), neon("Xs3cr3t/Zebra"))
    inner = [message for message in messages if message.op == "pg.msg"]

    assert [message.op for message in messages[:3]] == ["http.request", "http.response", "ws.frame"]
    assert messages[1].fields["http.status"] == 101
    assert len(inner) == len(decode(PostgresDecoder(), postgres("Xs3cr3t/Zebra")))
    assert sum(message.length for message in inner) == sum(len(data) for _, data in postgres("Xs3cr3t/Zebra"))
    assert messages[-2].op == messages[-1].op == "ws.close"


def test_a_refused_upgrade_goes_on_as_http() -> None:
    upgrade = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    messages = decode(
        HttpDecoder(),
        [("client", upgrade + GET), ("server", b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")],
    )

    assert [message.op for message in messages] == ["http.request", "http.response", "http.request"]


def test_after_connect_nothing_is_said() -> None:
    messages = decode(
        HttpDecoder(),
        [
            ("client", b"CONNECT h:443 HTTP/1.1\r\n\r\n"),
            ("server", b"HTTP/1.1 200 OK\r\n\r\n\x16\x03"),
            ("client", b"\x16\x03"),
        ],
    )

    assert [message.op for message in messages] == ["http.request", "http.response"]
