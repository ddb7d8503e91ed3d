"""TLS in clear: hellos of OpenSSL, answers, alerts."""

from __future__ import annotations

import contextlib
import ssl

import pytest
import trustme

from repro.wire import Message, TlsDecoder
from repro.wire.tls_hello import _RETRY
from tests.wire.streams import Segment, decode, hello, record, server_hello


def test_a_client_hello_of_openssl() -> None:
    (message,) = decode(TlsDecoder(), [("client", hello())])

    assert message.op == "tls.client_hello"
    assert message.fields == {
        "tls.sni": "db.example.com",
        "tls.alpn": ["postgresql"],
        "tls.versions": ["TLSv1.3", "TLSv1.2"],
    }


def test_a_client_hello_of_tls_1_2() -> None:
    (message,) = decode(TlsDecoder(), [("client", hello(maximum=ssl.TLSVersion.TLSv1_2, alpn="x-secret"))])

    assert message.fields["tls.versions"] == ["TLSv1.2"]
    assert message.fields["tls.alpn"] == ["…"]


def test_a_hello_in_many_records() -> None:
    whole = hello()[5:]
    split = b"".join(record(22, whole[at : at + 50]) for at in range(0, len(whole), 50))

    assert decode(TlsDecoder(), [("client", split)]) == decode(TlsDecoder(), [("client", hello())])


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        (
            server_hello(),
            {"tls.version": "TLSv1.3", "tls.cipher": "TLS_AES_128_GCM_SHA256", "tls.resumed": False},
        ),
        (
            server_hello(extensions=b"\0\x2b\0\2\3\4\0\x29\0\2\0\0"),
            {"tls.version": "TLSv1.3", "tls.cipher": "TLS_AES_128_GCM_SHA256", "tls.resumed": True},
        ),
        (
            server_hello(random_bytes=_RETRY),
            {"tls.version": "TLSv1.3", "tls.cipher": "TLS_AES_128_GCM_SHA256", "tls.retry": True},
        ),
        (server_hello(cipher=0x9999, extensions=b""), {"tls.version": "TLSv1.2", "tls.cipher": "0x9999"}),
    ],
)
def test_server_hellos(sent: bytes, fields: dict[str, object]) -> None:
    (message,) = decode(TlsDecoder(), [("server", sent)])

    assert message.op == "tls.server_hello"
    assert message.fields == fields


@pytest.mark.parametrize(
    ("body", "name", "failure"),
    [
        (b"\1\0", "close_notify", None),
        (b"\2\x30", "unknown_ca", "tls_unknown_authority"),
        (b"\2\x2e", "certificate_unknown", "tls_unknown_authority"),
        (b"\2\x2d", "certificate_expired", "tls_expired"),
        (b"\2\x28", "handshake_failure", "tls_protocol"),
        (b"\2\xfe", "alert_254", "tls_protocol"),
    ],
)
def test_alerts(body: bytes, name: str, failure: str | None) -> None:
    (message,) = decode(TlsDecoder(), [("client", record(21, body))])

    assert message.fields == {"tls.alert": name, "tls.level": "warning" if body[0] == 1 else "fatal"}
    assert (message.failure, message.length) == (failure, 7)


def test_what_is_encrypted_is_only_counted() -> None:
    decoder = TlsDecoder()
    records = record(20, b"\1") + record(21, bytes(24)) + record(22, bytes(40)) + record(23, b"x")
    sent: list[Segment] = [("client", records)]

    assert decode(decoder, sent) == []
    assert decoder.records == {"client": 4, "server": 0}


def handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> list[Message]:
    """What a decoder sees of a handshake between two sides made by OpenSSL, which may fail."""
    decoder = TlsDecoder()
    messages: list[Message] = []
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    from_client, from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(to_client, from_client, server_hostname="localhost"),
        server.wrap_bio(to_server, from_server, server_side=True),
    )
    for _ in range(4):
        for side in sides:
            with contextlib.suppress(ssl.SSLError):
                side.do_handshake()
        sent, answered = from_client.read(), from_server.read()
        messages += decoder.feed("client", sent) + decoder.feed("server", answered)
        to_server.write(sent)
        to_client.write(answered)
    return messages


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_of_openssl(authority: trustme.CA, version: ssl.TLSVersion) -> None:
    client = ssl.create_default_context()
    client.maximum_version = version
    authority.configure_trust(client)

    messages = handshake(client, server_context(authority))

    assert [message.op for message in messages] == ["tls.client_hello", "tls.server_hello"]
    assert messages[1].fields["tls.version"] == version.name.replace("_", ".")
    assert not messages[1].fields["tls.cipher"].startswith("0x")


def test_an_unknown_authority_is_an_alert_in_clear_before_tls_1_3(authority: trustme.CA) -> None:
    client = ssl.create_default_context()
    client.maximum_version = ssl.TLSVersion.TLSv1_2

    messages = handshake(client, server_context(authority))

    assert messages[-1].fields == {"tls.alert": "unknown_ca", "tls.level": "fatal"}
    assert messages[-1].failure == "tls_unknown_authority"


def test_a_server_of_openssl_that_has_no_certificate_alerts() -> None:
    messages = handshake(ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    assert messages[0].op == "tls.client_hello"
    assert (messages[1].op, messages[1].failure) == ("tls.alert", "tls_protocol")


def test_an_answer_in_plain_text_is_another_protocol() -> None:
    messages = decode(TlsDecoder(), [("client", hello()), ("server", b"HTTP/1.1 400 Bad Request\r\n")])

    assert messages[-1].failure == "protocol_mismatch"
    assert messages[-1].fields == {"tls.why": "HTTP"}


def test_a_record_that_is_cut_off() -> None:
    (message,) = decode(TlsDecoder(), [("client", hello()[:100])])

    assert (message.op, message.failure, message.length) == ("tls.record", "eof", 100)
