"""Who speaks at an address: asked where a probe reached a server and was not understood.

A client of Postgres that waits for ever for a Redis, or reads the S of ``SSH-2.0`` as consent to TLS, cannot
say so. One line tells most servers apart: some speak first, and ``PING`` is answered by Redis with PONG, by
HTTP with a status line, by TLS with an alert. To Postgres it is a startup packet of a wrong length.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repro.document import FAILING, ErrorRecord, Outcome

NOT_UNDERSTOOD = frozenset({"eof", "connection_reset", "timeout", "protocol_mismatch", "tls_protocol"})
"""Failures after which it is worth asking."""

_BEFORE_THE_WORK = frozenset({"tls", "upgrade", "authenticate", "push", "begin", "commit"})
LONGEST_S = 5.0
"""Seconds that asking takes at most."""

_BANNER_S = 0.3
_ANSWER_S = 1.0
_MOST = 4
_QUESTION = b"PING\r\n\r\n"
_SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
"""Postgres alone answers it, with S or N and nothing more (protocol 3.0, SSLRequest)."""

_BEGINNINGS: Sequence[tuple[bytes, str]] = (
    (b"SSH-", "ssh"),
    (b"HTTP/", "http"),
    (b"+PONG", "redis"),
    (b"-NOAUTH", "redis"),
    (b"-DENIED", "redis"),
    (b"-ERR", "redis"),
    (b"-LOADING", "redis"),
    (b"-MASTERDOWN", "redis"),
    (b"\x15\x03", "tls"),
    (b"220 ", "smtp"),
    (b"E\0\0", "postgres"),  # ErrorResponse; its length is below 64 KiB. Memcached says ERROR
)
_NAMES = {
    "ssh": "SSH",
    "http": "HTTP",
    "redis": "Redis",
    "tls": "TLS",
    "smtp": "SMTP",
    "mysql": "MySQL",
    "postgres": "Postgres",
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """What was learnt of an address.

    Args:
        address: as ``127.0.0.1:8080``.
        protocol: ``ssh``, ``http``, ``redis``, ``tls``, ``smtp``, ``mysql``, ``postgres``, ``unknown``;
            ``closes`` where it ends every connection and says nothing, ``silent`` where it says nothing,
            ``refuses`` where it cannot be dialled, ``unreachable`` where nothing answers at all.
        first: whether it spoke before it was spoken to.
        error: what a Redis said that spoke first; it does so to turn a client away.
    """

    address: str
    protocol: str
    first: bool = False
    error: str = ""

    def told(self) -> str:
        """It in a few words."""
        if self.protocol in _NAMES:
            error = f" and says {self.error}" if self.error else ""
            return f"asked afterwards, {self.address} speaks {_NAMES[self.protocol]}{error}"
        words = {
            "closes": "ends the connection without a word",
            "silent": "accepts and says nothing",
            "refuses": "refuses",
            "unreachable": "does not answer",
        }
        return f"asked afterwards, {self.address} {words.get(self.protocol, 'answers in no known protocol')}"


def asked(outcomes: Iterable[Outcome], within_s: float = LONGEST_S) -> dict[str, Speaker]:
    """Ask the addresses where probes were not understood, a few of them, side by side.

    Args:
        outcomes: of a run.
        within_s: seconds that it may take; what has not answered by then is not told of.
    """
    addresses = list(dict.fromkeys(filter(None, map(_doubtful, outcomes))))[:_MOST]
    return asyncio.run(_ask_all(addresses, within_s)) if addresses else {}


def _doubtful(outcome: Outcome) -> str | None:
    error = outcome["error"]
    if outcome["status"] not in FAILING or error is None or error["address"] is None:
        return None
    if error["operation"] == "connect":
        refused = error["failure"] == "connection_refused"
        return other_loopback(error["address"]) if refused else _if_timeout(error)
    asked_for = error["failure"] in NOT_UNDERSTOOD and error["operation"] in _BEFORE_THE_WORK
    return error["address"] if asked_for else None


def _if_timeout(error: ErrorRecord) -> str | None:
    """Drivers that dial in C cannot say whether it was the connect that took too long."""
    return error["address"] if error["failure"] == "timeout" else None


def other_loopback(address: str) -> str | None:
    """The same port on this machine's address of the other family; None where it is no loopback address.

    Args:
        address: as ``127.0.0.1:5432`` or ``[::1]:5432``.
    """
    host, _, port = address.rpartition(":")
    others = {"127.0.0.1": "[::1]", "[::1]": "127.0.0.1"}
    return f"{others[host]}:{port}" if host in others else None


async def _ask_all(addresses: Sequence[str], within_s: float) -> dict[str, Speaker]:
    tasks = [asyncio.create_task(_ask(address)) for address in addresses]
    _, late = await asyncio.wait(tasks, timeout=within_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    speakers = [task.result() for task in tasks if not task.cancelled()]
    return {speaker.address: speaker for speaker in speakers}


async def _ask(address: str) -> Speaker:
    speaker = await _spoken_to(address, _QUESTION)
    if speaker.protocol != "closes":
        return speaker
    as_postgres = await _spoken_to(address, _SSL_REQUEST)
    if as_postgres.protocol == "postgres":
        return as_postgres
    return Speaker(address, "tls") if await _shakes_hands(address) else speaker


async def _shakes_hands(address: str) -> bool:
    """Whether a TLS handshake succeeds, whoever signed the certificate; nothing is sent through it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_ANSWER_S):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    except ssl.SSLError as error:
        return "alert" in str(error).lower()
    except (OSError, TimeoutError):
        return False
    await _closed(writer)
    return True


async def _spoken_to(address: str, question: bytes) -> Speaker:
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        return Speaker(address, "unknown")
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except TimeoutError:
        return Speaker(address, "unreachable")
    except OSError:
        return Speaker(address, "refuses")
    try:
        return await _conversation(address, question, reader, writer)
    finally:
        await _closed(writer)


async def _conversation(
    address: str, question: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Speaker:
    beginning = await _read(reader, _BANNER_S)
    if beginning:
        protocol = protocol_of(beginning)
        return Speaker(
            address, protocol, first=True, error=_error_in(beginning) if protocol == "redis" else ""
        )
    if beginning is None:
        writer.write(question)
        beginning = await _read(reader, _ANSWER_S)
    if beginning in {b"S", b"N"} and question == _SSL_REQUEST:
        return Speaker(address, "postgres")
    if beginning:
        return Speaker(address, protocol_of(beginning))
    return Speaker(address, "silent" if beginning is None else "closes")


def _error_in(beginning: bytes) -> str:
    """The text of an error reply (RESP: ``-``, text, CRLF), without what could disturb a terminal."""
    line = beginning.partition(b"\r")[0].removeprefix(b"-").decode("ascii", "replace")
    return "".join(each for each in line if each.isprintable())


async def _closed(writer: asyncio.StreamWriter) -> None:
    """End a conversation, whatever the other side does."""
    writer.transport.abort()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ANSWER_S):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    """What comes within a time; None for nothing, empty for the end of the stream."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.read(64)
    except TimeoutError:
        return None
    except OSError:
        return b""


def protocol_of(beginning: bytes) -> str:
    """The protocol of a server, by the first bytes that it sends.

    Args:
        beginning: at least one byte.
    """
    for begins, protocol in _BEGINNINGS:
        if beginning.startswith(begins):
            return protocol
    # MySQL: three bytes of length, sequence number 0, protocol version 10
    if beginning[3:5] == b"\0\n":
        return "mysql"
    return "unknown"
