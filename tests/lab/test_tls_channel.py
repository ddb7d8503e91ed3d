from __future__ import annotations

import contextlib
import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.certificates import TlsFiles
from repro.lab.tls_channel import PlainChannel, TlsChannel, preface

SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)


class Client:
    """The other side of a channel, in memory."""

    def __init__(self, channel: TlsChannel, context: ssl.SSLContext) -> None:
        self.channel = channel
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self._in, self._out, server_hostname="localhost")

    def exchange(self) -> bytes:
        """Carry bytes both ways once; what the channel received."""
        received = self.channel.receive(self._out.read())
        self._in.write(self.channel.take())
        return received

    def shake_hands(self) -> None:
        while True:
            try:
                self.session.do_handshake()
            except ssl.SSLWantReadError:
                self.exchange()
            else:
                self.exchange()
                return


@pytest.fixture
def client(tls_files: TlsFiles, trusting: ssl.SSLContext) -> Client:
    """A client after its handshake with a channel."""
    client = Client(TlsChannel(tls_files.server_context()), trusting)
    client.shake_hands()
    assert client.channel.established
    return client


def test_bytes_pass_both_ways(client: Client) -> None:
    client.session.write(b"ping")
    assert client.exchange() == b"ping"
    client.channel.send(b"pong" * 10_000)
    client.exchange()
    assert client.session.read(100_000) == (b"pong" * 10_000)[: 16 << 10]  # a record at a time


def test_a_client_that_ended_its_direction_is_still_answered(client: Client) -> None:
    client.session.write(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        client.session.unwrap()
    assert client.exchange() == b"last"
    assert client.channel.ended
    client.channel.send(b"answer")
    client.channel.close()
    client.exchange()
    assert client.session.read(100) == b"answer"
    with pytest.raises(ssl.SSLZeroReturnError):
        client.session.read(100)


def test_a_client_that_speaks_no_tls_gets_an_alert(tls_files: TlsFiles) -> None:
    channel = TlsChannel(tls_files.server_context())
    with pytest.raises(ssl.SSLError):
        channel.receive(b"*1\r\n$4\r\nPING\r\n")


@given(st.binary(max_size=200))
def test_whatever_a_client_says_is_an_error_or_not_enough(tls_files: TlsFiles, data: bytes) -> None:
    channel = TlsChannel(tls_files.server_context())
    with contextlib.suppress(ssl.SSLError):
        assert channel.receive(data) == b""
    assert not channel.established


def test_plain_passes_everything() -> None:
    channel = PlainChannel()
    assert channel.receive(b"abc") == b"abc"
    channel.send(b"de")
    channel.send(b"f")
    channel.close()
    assert (channel.take(), channel.take()) == (b"def", b"")


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "incomplete"),
        (SSL_REQUEST[:7], "incomplete"),
        (SSL_REQUEST, "tls"),
        (GSSENC_REQUEST, "refuse"),
        (SSL_REQUEST + b"Q", "violation"),
        (GSSENC_REQUEST + SSL_REQUEST, "violation"),
        (struct.pack("!II", 41, 196608) + b"user\0app\0", "plain"),
        (struct.pack("!IIII", 16, 80877102, 1, 2), "plain"),
        (b"\x16\x03\x01", "direct_tls"),
    ],
)
def test_preface(data: bytes, wanted: str) -> None:
    assert preface(data) == wanted


@given(st.binary(min_size=1, max_size=40), st.integers(1, 39))
def test_a_preface_is_never_decided_otherwise_by_more_of_it(data: bytes, cut: int) -> None:
    early = preface(data[:cut])
    if early in ("plain", "direct_tls", "violation"):
        assert preface(data) == early
