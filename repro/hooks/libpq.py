"""Connect attempts of libpq, which dials in C and out of sight.

psycopg looks up each host itself, hands libpq one literal address at a time, and says so in its log (logger
``psycopg``, level DEBUG, since 3.2.9). What became of an attempt stands there in libpq's words: no errno.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from repro.events import Peer, failure_of_errno
from repro.hooks.dial import Dial
from repro.hooks.failures import scrubbed
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder

_RECORD = re.compile(
    r"connection (?P<what>attempt|failed|succeeded): host: (?P<host>None|'.*?'), "
    r"port: (?P<port>None|'.*?'|\d+), hostaddr: (?P<address>None|'.*?')(?:: (?P<text>.*))?\Z",
    re.DOTALL,
)

_CONNECT_ERRORS = (
    # strerror(3) of glibc, musl and macOS, as libpq prints it for connect(2)
    ("Connection refused", "ECONNREFUSED"),
    ("Connection timed out", "ETIMEDOUT"),
    ("Operation timed out", "ETIMEDOUT"),
    ("No route to host", "EHOSTUNREACH"),
    ("Host is unreachable", "EHOSTUNREACH"),
    ("Network is unreachable", "ENETUNREACH"),
    ("Network unreachable", "ENETUNREACH"),
    ("Cannot assign requested address", "EADDRNOTAVAIL"),
    ("Can't assign requested address", "EADDRNOTAVAIL"),
    ("Address not available", "EADDRNOTAVAIL"),
    ("No such file or directory", "ENOENT"),
    ("Permission denied", "EACCES"),
)

_VERIFY_FAILED = ("certificate verify failed", "CERTIFICATE_VERIFY_FAILED")
"""libpq's words, often without a reason behind them, and OpenSSL's name for it."""

_LATER_ERRORS = tuple(
    # What libpq says once connect(2) has succeeded: fe-secure-openssl.c, fe-secure-common.c, fe-secure.c,
    # fe-misc.c, fe-connect.c, fe-auth.c. The first that matches counts. What the server said itself is no
    # event of the network: the driver's error has it.
    (re.compile(pattern), event)
    for pattern, event in (
        (r"certificate has expired|certificate is not yet valid", ("tls.handshake", "tls_expired", None)),
        (r"does not match host name", ("tls.handshake", "tls_hostname_mismatch", None)),
        (
            r"unable to get (local )?issuer|self[- ]signed certificate|unable to verify the first",
            ("tls.handshake", "tls_unknown_authority", None),
        ),
        (r"FATAL:|ERROR:|password|authentication (method|failed)|SCRAM|channel binding|session is", None),
        (r"Connection reset by peer|Broken pipe", ("close", "connection_reset", "ECONNRESET")),
        (r"server closed the connection unexpectedly|SSL SYSCALL error: EOF", ("close", "eof", None)),
        (r"invalid response to|expected authentication request", ("close", "protocol_mismatch", None)),
        (r"\bSSL\b|certificate", ("tls.handshake", "tls_protocol", None)),
    )
)


def hook(patches: Patches, recorder: Recorder) -> None:
    """Listen to psycopg's logger without changing what the program's own handlers get.

    Neither level nor handlers are touched: this one logger is made to write its DEBUG records, and all that
    would not have been written otherwise end with us.
    """
    watch = _Watch(recorder)
    logger = logging.getLogger("psycopg")
    enabled = logger.isEnabledFor

    def always(_: Callable[[int], bool]) -> Callable[[int], bool]:
        return lambda level: level >= logging.DEBUG or enabled(level)

    def listening(handle: Callable[[logging.LogRecord], None]) -> Callable[[logging.LogRecord], None]:
        def listen(record: logging.LogRecord) -> None:
            recorder.guarded(lambda: watch.read(record.getMessage()))
            if enabled(record.levelno):
                handle(record)

        return listen

    patches.wrap(logger, "isEnabledFor", always)
    patches.wrap(logger, "handle", listening)


@dataclass(slots=True, eq=False)
class _Attempt:
    """What psycopg is about to try, in this thread or task."""

    target: tuple[str | None, ...]
    dial: Dial


_attempt: ContextVar[_Attempt | None] = ContextVar("repro_libpq_attempt", default=None)


def dialling() -> Dial | None:
    """The attempt that psycopg is about to hand out a connection of, in this thread or task."""
    attempt = _attempt.get()
    return None if attempt is None else attempt.dial


class _Watch:
    """Pairs the record of an attempt with the record of what became of it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def read(self, message: str) -> None:
        """Take in one message of the log."""
        match = _RECORD.match(message)
        if match is None or self._recorder.silent:
            return
        target = tuple(_value(match[name]) for name in ("host", "port", "address"))
        if match["what"] == "attempt":
            self._begin(target)
        else:
            self._end(target, match["text"] if match["what"] == "failed" else None)

    def _begin(self, target: tuple[str | None, ...]) -> None:
        earlier = _attempt.get()
        if earlier is not None:
            earlier.dial.given_up()  # cancelled: psycopg says nothing then
        host = target[0]
        dial = self._recorder.dial(_peer(*target), via="libpq", host=host)
        _attempt.set(_Attempt(target, dial))

    def _end(self, target: tuple[str | None, ...], text: str | None) -> None:
        attempt = _attempt.get()
        if attempt is None or attempt.target != target:
            return
        _attempt.set(None)
        if text is None:
            attempt.dial.succeeded()
        else:
            _failed(attempt.dial, text, self._recorder)


def _failed(dial: Dial, text: str, recorder: Recorder) -> None:
    """Say in which step an attempt failed, by libpq's text."""
    for pattern, event in _LATER_ERRORS:
        if pattern.search(text):
            dial.succeeded()
            if event is not None:
                op, failure, errno = event
                reason = {"tls__reason": _VERIFY_FAILED[1]} if _VERIFY_FAILED[0] in text else {}
                recorder.event(op, dial.t0, dial=dial, failure=failure, errno=errno, via="libpq", **reason)
            return
    verdict = _connect_failure(text)
    if verdict is None:  # the driver's error has what was said to it
        dial.succeeded()
    else:
        dial.failed(*verdict)


def _connect_failure(text: str) -> tuple[str, str | None] | None:
    """The failure of connect(2); None where it must have succeeded."""
    for words, name in _CONNECT_ERRORS:
        if words in text:
            return failure_of_errno(name), name
    if "timeout expired" in text:  # connect_timeout, kept by psycopg or libpq itself
        return "timeout", None
    # libpq asks so after connect(2) has failed, and then only (fe-connect.c, connectFailureMessage)
    if "failed: " in text and "Is the server running" not in text:
        return None
    return f"unknown_failure: {scrubbed(text)}", None


def _peer(host: str | None, port: str | None, address: str | None) -> Peer:
    number = port or os.environ.get("PGPORT") or "5432"
    if address:  # an empty one stands for none, as in libpq
        return Peer(address, int(number))
    if host and not host.startswith(("/", "@")):
        return Peer(host, int(number))  # a literal address in the place of a name
    return Peer(f"{host or ''}/.s.PGSQL.{number}")


def _value(shown: str) -> str | None:
    """What stands in the log as ``repr`` shows it: None, a number, or text between quotes."""
    return None if shown == "None" else shown.strip("'")
