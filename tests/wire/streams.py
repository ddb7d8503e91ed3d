"""Conversations of every protocol, with a secret in every place where one may be; and ways to cut them up."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import ssl
import struct
from collections.abc import Callable, Iterable
from functools import cache

from repro.wire import (
    Conversation,
    HttpDecoder,
    Message,
    PostgresDecoder,
    RespDecoder,
    Sender,
    TlsDecoder,
    WebsocketDecoder,
)
from repro.wire.duplex import Duplex

Segment = tuple[Sender, bytes]

LARGEST_BUFFER = 96 << 10
"""No decoder keeps more than this, whatever it is fed."""


def pg(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def startup(*parameters: str, code: int = 196608) -> bytes:
    body = "".join(f"{text}\0" for text in parameters).encode() + (b"\0" if parameters else b"")
    return struct.pack(">II", 8 + len(body), code) + body


SSL_REQUEST = startup(code=80877103)
GSSENC_REQUEST = startup(code=80877104)


def pg_error(**fields: str) -> bytes:
    return pg(b"E", "".join(f"{key}{value}\0" for key, value in fields.items()).encode() + b"\0")


def bind(statement: str, *values: str) -> bytes:
    encoded = b"".join(struct.pack(">I", len(value.encode())) + value.encode() for value in values)
    return pg(b"B", f"\0{statement}\0".encode() + struct.pack(">HH", 0, len(values)) + encoded + b"\0\0")


def postgres(secret: str) -> list[Segment]:
    big = secret * 600
    return [
        ("client", SSL_REQUEST),
        ("server", b"N"),
        (
            "client",
            startup("user", secret, "database", secret, "application_name", secret, "TimeZone", secret),
        ),
        ("server", pg(b"R", struct.pack(">I", 10) + b"SCRAM-SHA-256\0" + secret.encode() + b"\0\0")),
        ("client", pg(b"p", b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=" + secret.encode())),
        ("server", pg(b"R", struct.pack(">I", 11) + b"r=" + secret.encode())),
        ("client", pg(b"p", b"c=biws,r=" + secret.encode())),
        ("server", pg(b"R", struct.pack(">I", 12) + b"v=" + secret.encode()) + pg(b"R", bytes(4))),
        (
            "server",
            pg(b"S", b"server_version\x0017.4\0") + pg(b"S", f"session_authorization\0{secret}\0".encode()),
        ),
        ("server", pg(b"K", struct.pack(">I", 77) + secret.encode()) + pg(b"Z", b"I")),
        (
            "client",
            pg(b"Q", f"SET app.key = '{secret}'; SELECT $${secret}$$, E'\\'{secret}' -- {secret}\0".encode()),
        ),
        ("server", pg(b"C", b"SELECT 1\0") + pg(b"Z", b"I")),
        ("client", pg(b"P", f"s1\0INSERT INTO jobs VALUES ($1, '{secret}') /* {secret} */\0\0\0".encode())),
        ("client", bind("s1", secret, big) + pg(b"D", b"Ss1\0") + pg(b"E", bytes(5)) + pg(b"S")),
        (
            "server",
            pg(b"1") + pg(b"2") + pg(b"T", b"\0\1id\0" + bytes(18)) + pg(b"D", b"\0\1" + big.encode()),
        ),
        ("server", pg(b"C", b"INSERT 0 1\0") + pg(b"N", f"SNOTICE\0VNOTICE\0M'{secret}'\0\0".encode())),
        (
            "server",
            pg_error(
                S="FEHLER",
                V="ERROR",
                C="23505",
                M=f'value "{secret}" of {secret!r}',
                D=secret,
                H=secret,
                n="k",
            )
            + pg(b"A", struct.pack(">I", 9) + f"channel\0{secret}\0".encode())
            + pg(b"Z", b"E"),
        ),
        ("client", pg(b"Q", b"COPY t FROM STDIN\0")),
        ("server", pg(b"G", b"\0\0\2\0\0\0\0")),
        ("client", pg(b"d", big.encode()) + pg(b"f", secret.encode() + b"\0") + pg(b"X")),
    ]


def resp_command(*words: str) -> bytes:
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
    return b"*%d\r\n" % len(words) + parts


def resp(secret: str) -> list[Segment]:
    bulk = f"${len(secret.encode())}\r\n{secret}\r\n".encode()
    return [
        ("client", resp_command("HELLO", "3", "AUTH", "default", secret) + resp_command("AUTH", secret)),
        ("server", b"%1\r\n+server\r\n" + bulk + f"-NOAUTH {secret}\r\n".encode()),
        ("client", resp_command("LPUSH", secret, secret * 600) + resp_command("CLIENT", "SETNAME", secret)),
        ("client", resp_command("CONFIG", secret) + f"SET {secret} '{secret} x'\r\n".encode()),
        ("server", b":1\r\n+OK\r\n" + f"-{secret} {secret}\r\n".encode() + f"+{secret}\r\n".encode()),
        ("client", resp_command("EXEC") + resp_command(secret * 2)),
        (
            "server",
            b"*3\r\n*2\r\n" + bulk + b":7\r\n" + f"-WRONGTYPE {secret}\r\n".encode() + b"_\r\n$-1\r\n",
        ),
        ("server", b">2\r\n+pubsub\r\n" + bulk + b"|1\r\n+ttl\r\n:9\r\n*?\r\n" + bulk + b"*1\r\n#t\r\n.\r\n"),
        (
            "server",
            f"!{4 + len(secret.encode())}\r\nERR {secret}\r\n".encode() + b"$?\r\n;3\r\nabc\r\n;0\r\n",
        ),
    ]


def http(secret: str) -> list[Segment]:
    body = secret.encode() * 50
    length = len(body)
    quoted = "".join(f"%{byte:02x}" for byte in secret.encode())
    return [
        (
            "client",
            f"POST /sql/{quoted}/v2?key={quoted}&{quoted} HTTP/1.1\r\nHost: {quoted}\r\n"
            f"Authorization: Bearer {quoted}\r\nContent-Length: {length}\r\n\r\n".encode()
            + body,
        ),
        (
            "server",
            f"HTTP/1.1 401 {quoted}\r\nSet-Cookie: {quoted}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            + b"%x;x=1\r\n" % length
            + body
            + f"\r\n0\r\nTrailer: {quoted}\r\n\r\n".encode(),
        ),
        ("client", f"HEAD http://{quoted}:{quoted}@host/get/{quoted}#{quoted} HTTP/1.1\r\n\r\n".encode()),
        ("client", f"GET /get/{quoted} HTTP/1.1\r\nCookie: {quoted}\r\n\r\n".encode()),
        ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.0 500 Oh\r\n\r\n" + body),
    ]


def frame(payload: bytes, opcode: int = 2, *, mask: bytes = b"", fin: bool = True, rsv: int = 0) -> bytes:
    first = (0x80 if fin else 0) | rsv | opcode
    size = len(payload)
    flag = 0x80 if mask else 0
    if size < 126:
        head = struct.pack(">BB", first, flag | size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", first, flag | 126, size)
    else:
        head = struct.pack(">BBQ", first, flag | 127, size)
    return (
        head
        + mask
        + (bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)) if mask else payload)
    )


def frames(segments: Iterable[Segment]) -> list[Segment]:
    """The segments as binary messages, each in two frames with a ping between them."""
    framed: list[Segment] = []
    for sender, data in segments:
        mask = b"\x11\x22\x33\x44" if sender == "client" else b""
        half = len(data) // 2
        parts = [
            frame(data[:half], 2, mask=mask, fin=False),
            frame(b"p", 9, mask=mask),
            frame(data[half:], 0, mask=mask),
        ]
        framed.append((sender, b"".join(parts)))
    return framed


def websocket(secret: str) -> list[Segment]:
    return [
        *frames(postgres(secret)),
        (
            "client",
            frame(secret.encode(), 1, mask=b"abcd") + frame(secret.encode(), 2, mask=b"abcd", rsv=0x40),
        ),
        ("server", frame(struct.pack(">H", 1011) + secret.encode()[:100], 8)),
        ("client", frame(b"", 8, mask=b"abcd")),
    ]


def neon(secret: str) -> list[Segment]:
    key = base64.b64encode(hashlib.sha256(secret.encode()).digest()[:16]).decode()
    return [
        ("client", f"GET /v2 HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()),
        ("server", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        *websocket(secret),
    ]


@cache
def hello(*, maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, alpn: str = "postgresql") -> bytes:
    """A ClientHello as OpenSSL makes it."""
    context = ssl.create_default_context()
    context.maximum_version = maximum
    context.set_alpn_protocols([alpn])
    outgoing = ssl.MemoryBIO()
    channel = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="db.example.com")
    with contextlib.suppress(ssl.SSLWantReadError):
        channel.do_handshake()
    return outgoing.read()


def server_hello(
    *, cipher: int = 0x1301, extensions: bytes = b"\0\x2b\0\2\3\4", random_bytes: bytes = b"r" * 32
) -> bytes:
    body = b"\3\3" + random_bytes + b"\0" + struct.pack(">HBH", cipher, 0, len(extensions)) + extensions
    return record(22, b"\2" + len(body).to_bytes(3, "big") + body)


def record(kind: int, body: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def tls(secret: str) -> list[Segment]:
    return [
        ("client", hello()),
        ("server", server_hello() + record(20, b"\1") + record(23, secret.encode())),
        ("client", record(20, b"\1") + record(21, b"\2\x30") + record(23, secret.encode() * 9)),
        ("server", record(21, b"\1\0")),
    ]


def postgres_tls(secret: str) -> list[Segment]:
    return [("client", SSL_REQUEST), ("server", b"S"), *tls(secret)]


PQTRACE = (
    '2026-11-26 04:19:31.464367\tF\t33\tParse\t "" "select $1::int, \'secret\nvalue\' as ""x""" 1 21\n'
    '2026-11-26 04:19:31.464370\tF\t22\tBind\t "" "" 1 1 1 2 \'secret\' 1 0\n'
    "2026-11-26 04:19:31.465528\tB\t18\tDataRow\t 2 1 '5' 3 'secret'\n"
    '2026-11-26 04:19:31.466142\tB\t65\tErrorResponse\t S "ERROR" C "22012" M "no \'secret\'" \\x00\n'
    "2026-11-26 04:19:31.466161\tB\t5\tReadyForQuery\t E\n"
)
"""What libpq writes of five messages."""


def tunnel() -> WebsocketDecoder:
    inner = PostgresDecoder()
    return WebsocketDecoder(inner.feed, inner.end)


Case = tuple[Callable[[], Duplex], Callable[[str], list[Segment]]]

CASES: dict[str, Case] = {
    "postgres": (PostgresDecoder, postgres),
    "postgres-tls": (PostgresDecoder, postgres_tls),
    "postgres-direct-tls": (PostgresDecoder, tls),
    "resp": (RespDecoder, resp),
    "http": (HttpDecoder, http),
    "http-websocket": (HttpDecoder, neon),
    "websocket": (tunnel, websocket),
    "tls": (TlsDecoder, tls),
    **{
        f"conversation-{name}": (Conversation, make)
        for name, make in {"postgres": postgres, "resp": resp, "http": http, "neon": neon, "tls": tls}.items()
    },
}


def decode(decoder: Duplex, segments: Iterable[Segment], *, end: bool = True) -> list[Message]:
    """All messages, the ends of both sides included; no buffer is larger than it may be on the way."""
    messages: list[Message] = []
    for sender, data in segments:
        messages += decoder.feed(sender, data)
        assert decoder.buffered <= LARGEST_BUFFER
    if end:
        messages += decoder.end("client") + decoder.end("server")
    return messages


def rechunk(segments: list[Segment], source: random.Random) -> list[Segment]:
    """The same bytes in the same order, in other pieces."""
    joined: list[Segment] = []
    for sender, data in segments:
        if joined and joined[-1][0] == sender:
            joined[-1] = (sender, joined[-1][1] + data)
        else:
            joined.append((sender, data))
    sizes = source.choice([(1,), (1, 2, 3, 5), (1, 7, 40, 300), (4000, 9000), (1, 100_000)])
    chunks: list[Segment] = []
    for sender, data in joined:
        at = 0
        while at < len(data):
            size = source.choice(sizes)
            chunks.append((sender, data[at : at + size]))
            at += size
    return chunks


def mutate(segments: list[Segment], source: random.Random) -> list[Segment]:
    """The segments with some bytes changed, dropped, doubled or put in, and some segments moved."""
    changed = list(segments)
    for _ in range(source.randint(1, 4)):
        index = source.randrange(len(changed))
        sender, data = changed[index]
        at = source.randrange(len(data) + 1)
        length = source.choice([1, 2, 4, 8])
        junk = source.choice(
            [
                source.randbytes(length),
                b"\0" * length,
                b"\xff" * length,
                b"9" * length,
                b"\r\n",
                b"*1\r\n" * 9,
            ]
        )
        kind = source.randrange(5)
        if kind == 0:
            data = data[:at] + junk + data[at + len(junk) :]
        elif kind == 1:
            data = data[:at] + data[at + length :]
        elif kind == 2:
            data = data[:at] + junk + data[at:]
        elif kind == 3:
            data = data[:at]
        else:
            sender = "server" if sender == "client" else "client"
        changed[index] = (sender, data)
    return changed
