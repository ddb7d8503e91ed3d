"""Servers that do harm: garbage, streams without an end, a byte a second, a gigabyte, texts that are code."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import struct
from collections.abc import Awaitable, Callable

from repro.lab.faults.servers import SSL_REQUEST, Handler, closing

BLOCK = 1 << 16
GIGABYTE = 1 << 30

Speech = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def speaking(speech: Speech) -> Handler:
    """A server that says this to everybody, until it is hung up on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await speech(reader, writer)

    return serve


def garbage(seed: int = 20) -> Handler:
    """Bytes of no protocol, then the end."""
    noise = random.Random(seed).randbytes(BLOCK)

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(BLOCK)
        writer.write(noise)
        await writer.drain()

    return speaking(speech)


def endless(beginning: bytes, block: bytes) -> Handler:
    """A beginning, and then the same again and again, as fast as it is read."""

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(BLOCK)
        writer.write(beginning)
        await _without_end(writer, block)

    return speaking(speech)


async def _without_end(writer: asyncio.StreamWriter, block: bytes) -> None:
    data = block * max(1, BLOCK // len(block))
    while True:
        writer.write(data)
        await writer.drain()


def dripping(text: bytes, pause_s: float = 1.0) -> Handler:
    """One byte, a pause, the next byte: there is always progress, and never an answer."""

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(BLOCK)
        for number in range(1 << 20):
            writer.write(text[number % len(text) :][:1])
            await writer.drain()
            await asyncio.sleep(pause_s)

    return speaking(speech)


def message(kind: bytes, body: bytes, *, claimed: int | None = None) -> bytes:
    """A message of Postgres: its kind, its length with itself, its body.

    Args:
        kind: one letter.
        body: what follows the length.
        claimed: a length that is not the body's.
    """
    return kind + struct.pack("!I", (len(body) if claimed is None else claimed) + 4) + body


def fields_of_an_error(text: str, sqlstate: str = "XX000") -> bytes:
    """Every field that ErrorResponse and NoticeResponse can have, the text in each that is free."""
    fields = {"S": "ERROR", "V": "ERROR", "C": sqlstate, **dict.fromkeys("MDHqWsTtcnFR", text)}
    return (
        b"".join(f"{name}{value}\0".encode() for name, value in {**fields, "p": "1", "L": "1"}.items())
        + b"\0"
    )


LOGGED_IN = message(b"R", struct.pack("!I", 0))
READY = message(b"Z", b"I")


def greeting(text: str = "") -> bytes:
    """The end of a login, with a notice and parameters that hold a text."""
    parameters = {
        "server_version": "16.0", "client_encoding": "UTF8", "standard_conforming_strings": "on",
        "integer_datetimes": "on", "DateStyle": "ISO, MDY", "TimeZone": "UTC",
    }  # fmt: skip
    if text:
        parameters |= {"application_name": text, "search_path": text, f"x {text}": text}
    told = [message(b"S", f"{name}\0{value}\0".encode()) for name, value in parameters.items()]
    notice = [message(b"N", fields_of_an_error(text))] if text else []
    return b"".join([LOGGED_IN, *notice, *told, message(b"K", struct.pack("!II", 1, 2)), READY])


async def _started(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a client's startup packet; TLS is not spoken."""
    while True:
        (length,) = struct.unpack("!I", await reader.readexactly(4))
        packet = struct.pack("!I", length) + await reader.readexactly(length - 4)
        if packet != SSL_REQUEST:
            return
        writer.write(b"N")


def refusing(text: str) -> Handler:
    """A Postgres that refuses the login, in words of its own choice."""

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _started(reader, writer)
        writer.write(message(b"E", fields_of_an_error(text, "28000")))
        await writer.drain()

    return speaking(speech)


def flooding(again: bytes) -> Handler:
    """A Postgres that lets everybody in, and never comes to the end of its greeting."""

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _started(reader, writer)
        writer.write(LOGGED_IN)
        await _without_end(writer, again)

    return speaking(speech)


def answering_with(answer: bytes, welcome: bytes | None = None, again: bytes = b"") -> Handler:
    """A Postgres that lets everybody in, and has one answer to whatever is asked.

    Args:
        answer: to each message.
        welcome: the end of the login.
        again: what follows the answer without an end.
    """

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _started(reader, writer)
        writer.write(greeting() if welcome is None else welcome)
        while asked := await reader.readexactly(5):
            await reader.readexactly(struct.unpack("!I", asked[1:])[0] - 4)
            if asked[:1] in b"QS":
                writer.write(answer)
                await writer.drain()
                if again:
                    await _without_end(writer, again)

    return speaking(speech)


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP request, its body too; answers with its head."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
    await reader.readexactly(length)
    return head


def http(status: str, headers: str, body: bytes, again: bytes = b"", *, length: int | None = None) -> Handler:
    """An HTTP server with one answer.

    Args:
        status: code and reason.
        headers: each with its line's end.
        body: follows them.
        again: what follows the body without an end.
        length: what Content-Length says; the body's by default.
    """
    said = len(body) if length is None else length
    answer = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {said}\r\n\r\n".encode() + body

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _request(reader):
            writer.write(answer)
            await writer.drain()
            if again:
                await _without_end(writer, again)

    return speaking(speech)


def websocket(frames: bytes, again: bytes = b"") -> Handler:
    """A WebSocket server that agrees to any upgrade, and then says these frames."""

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _request(reader)
        asked = [line.partition(b":") for line in head.split(b"\r\n")]
        key = next((value.strip() for name, _, value in asked if name.lower() == b"sec-websocket-key"), b"")
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + frames
        )
        await writer.drain()
        if again:
            await _without_end(writer, again)
        while await reader.read(BLOCK):
            pass

    return speaking(speech)


def frame(opcode: int, body: bytes, *, claimed: int | None = None) -> bytes:
    """A frame from a server: final, unmasked (RFC 6455, 5.2)."""
    length = len(body) if claimed is None else claimed
    short = length if length < 126 else 126 if length < 1 << 16 else 127
    more = b"" if short < 126 else struct.pack("!H" if short == 126 else "!Q", length)
    return bytes([0x80 | opcode, short]) + more + body


def redis(answer: bytes, again: bytes = b"") -> Handler:
    """A Redis with one answer to everything."""

    async def speech(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(BLOCK):
            writer.write(answer)
            await writer.drain()
            if again:
                await _without_end(writer, again)

    return speaking(speech)
