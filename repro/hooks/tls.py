"""TLS handshakes of clients, over sockets and in memory (asyncio, uvloop, anyio).

An `ssl.SSLObject` does not know its connection. Whoever drives one says, with `speaking_for`, which
connection the handshakes that begin within it belong to.
"""

from __future__ import annotations

import ssl
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from repro.hooks import deadlines
from repro.hooks.dial import Dial
from repro.hooks.failures import failure_of, given_up
from repro.hooks.issuer import issuer_of
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder


class Handshake:
    """A client's handshake that has begun. It ends once."""

    def __init__(self, recorder: Recorder, dial: Dial | None, sni: str | None) -> None:
        self._recorder = recorder
        self._dial = dial
        self._sni = sni
        self._t0 = time.monotonic()
        self._expired = deadlines.watch()
        self._ended = False

    def succeeded(self, tls: ssl.SSLSocket | ssl.SSLObject) -> None:
        """Both ends agree, and the server's certificate was accepted."""
        cipher = tls.cipher()
        self._end(
            None,
            None,
            tls__version=tls.version(),
            tls__cipher=cipher and cipher[0],
            tls__alpn=tls.selected_alpn_protocol(),
            **_vouched(tls),
        )

    def failed(self, error: BaseException, tls: ssl.SSLSocket | ssl.SSLObject | None = None) -> None:
        """It was broken off, by either end; the object knows whose certificate was shown."""
        failure, errno = failure_of(error, self._expired)
        self._end(failure, errno, **_facts(error), **_vouched(tls))

    def ended_with(self, error: BaseException | None) -> None:
        """The connection is gone. Changes nothing where the handshake had succeeded.

        asyncio says `ConnectionResetError` without a number for an orderly end of the stream in a handshake,
        and `ConnectionAbortedError` for its own time limit.
        """
        if error is None:
            self._end(given_up(self._expired), None)
        elif isinstance(error, ConnectionResetError) and error.errno is None:
            self._end("eof", None)
        elif isinstance(error, ConnectionAbortedError) and error.errno is None:
            self._end("timeout", None)
        else:
            self.failed(error)

    def _end(self, failure: str | None, errno: str | None, **facts: Any) -> None:
        if self._ended:
            return
        self._ended = True
        self._recorder.event(
            "tls.handshake",
            self._t0,
            dial=self._dial,
            failure=failure,
            errno=errno,
            tls__sni=self._sni,
            **facts,
        )


_speaker: ContextVar[Dial | None] = ContextVar("repro_speaker", default=None)


@contextmanager
def speaking_for(dial: Dial | None) -> Iterator[None]:
    """Handshakes that begin within belong to this connection; also those in callbacks made within."""
    token = _speaker.set(dial)
    try:
        yield
    except BaseException as error:
        if dial is not None:
            dial.lost(error)
        raise
    finally:
        _speaker.reset(token)


def hook(patches: Patches, recorder: Recorder) -> None:
    """Watch the handshakes of the standard library."""
    watch = _Watch(recorder)
    patches.wrap(ssl.SSLSocket, "do_handshake", watch.do_handshake)
    patches.wrap(ssl.SSLObject, "do_handshake", watch.do_handshake)


class _Watch:
    """The handshakes that have begun, by their object."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._begun: weakref.WeakKeyDictionary[Any, Handshake] = weakref.WeakKeyDictionary()

    def do_handshake(self, original: Callable[..., None]) -> Callable[..., None]:
        def do_handshake(tls: Any, *block: Any) -> None:
            handshake = self._handshake(tls)
            if handshake is None:
                return original(tls, *block)
            try:
                original(tls, *block)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise  # to be called again
            except BaseException as error:
                handshake.failed(error, tls)
                raise
            return handshake.succeeded(tls)

        return do_handshake

    def _handshake(self, tls: Any) -> Handshake | None:
        """The handshake of an object, which begins with the first call; None for a server's."""
        if tls.server_side or self._recorder.silent:
            return None
        handshake = self._begun.get(tls)
        if handshake is None:
            handshake = self._begun[tls] = self._begin(tls)
        return handshake

    def _begin(self, tls: Any) -> Handshake:
        if isinstance(tls, ssl.SSLSocket):
            return Handshake(self._recorder, self._recorder.dial_of(tls), tls.server_hostname)
        dial = _speaker.get()
        if dial is not None:
            dial.succeeded()  # it speaks, so it is connected
        handshake = Handshake(self._recorder, dial, tls.server_hostname)
        if dial is not None:
            self._recorder.speaks_for(tls, dial)
            dial.on_lost = handshake.ended_with
        return handshake


def _vouched(tls: ssl.SSLSocket | ssl.SSLObject | None) -> dict[str, Any]:
    """Who vouches for the server's certificate, where one was shown."""
    issuer = None if tls is None else issuer_of(tls)
    return {} if issuer is None else {"tls__issuer": issuer}


def _facts(error: BaseException) -> dict[str, Any]:
    """What OpenSSL says about a failed handshake."""
    facts: dict[str, Any] = {}
    if isinstance(error, ssl.SSLError):
        facts["tls__reason"] = error.reason
    if isinstance(error, ssl.SSLCertVerificationError):
        facts["tls__verify_code"] = error.verify_code
        facts["tls__verify"] = error.verify_message
    return facts
