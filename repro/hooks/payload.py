"""What a process says and is told, inside TLS too: kept while it is busy, and decoded when it rests.

Decoding at once would cost a driver more than the network does on one machine. What is kept stays in memory
and never leaves it but as decoded messages, without values.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from repro.events import Event
from repro.hooks.dial import Dial
from repro.hooks.flood import Floods
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder
from repro.wire.conversation import Conversation
from repro.wire.message import Message, Sender

MOST_KEPT = 8 << 20
"""Bytes kept; what comes beyond is not decoded, and that is said."""

_REST_S = 0.2
"""A process that said nothing for so long is at rest: perhaps it hangs, and this is what one wants to see."""


class Stream:
    """The bytes of one connection, above or below TLS.

    Args:
        dial: the connection; None where it was not seen to begin.
        mute: true once nothing more of it is kept: it was too much, or is encrypted and seen in clear above.
    """

    __slots__ = ("__weakref__", "conversation", "dial", "mute")

    def __init__(self, dial: Dial | None) -> None:
        self.dial = dial
        self.conversation = Conversation(None if dial is None else dial.peer.port)
        self.mute = False


class Source(Protocol):
    """Another source of messages."""

    def __call__(self, *, last: bool) -> None:
        """Tell what there is, if it rests itself or this is the last time."""


class Payload:
    """Keeps bytes and makes events of them.

    Args:
        recorder: where the events go.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._kept: deque[tuple[float, Stream, Sender, bytes]] = deque()
        self._size = 0
        self._last = 0.0
        self._decoding = threading.Lock()
        self._over = threading.Event()
        self._overflow = False
        self._floods = Floods()
        self._sources: list[Source] = []
        self._thread: threading.Thread | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is kept any more."""
        return self._over.is_set()

    def also(self, source: Source) -> None:
        """Another source that is to tell what it has when the process rests, and at the end."""
        self._sources.append(source)
        self._watch()

    def keep(self, stream: Stream, sender: Sender, data: bytes) -> None:
        """Keep what was said."""
        now = self._last = time.monotonic()
        self._size += len(data)
        if self._size > MOST_KEPT:
            self._size -= len(data)
            stream.mute = self._overflow = True
            return
        self._kept.append((now, stream, sender, data))
        if self._thread is None:
            self._watch()

    def emit(self, moment: float, message: Message, dial: Dial | None, src: str = "hook") -> None:
        """Hand on a message as an event, unless it is one of a flood."""
        wanted, words = self._floods.takes(message, dial, src)
        if words is not None:
            self._note(moment, words, dial)
        if not wanted:
            return
        shown = None if dial is None or dial.ignored else dial
        fields = {"sender": message.sender, "len": message.length, **message.fields}
        self._recorder.emit(
            Event(
                message.op,
                moment,
                moment,
                src,
                None if shown is None else shown.conn,
                None if shown is None else shown.peer,
                message.failure,
                fields=fields,
            )
        )

    def _note(self, moment: float, text: str, dial: Dial | None) -> None:
        shown = None if dial is None or dial.ignored else dial
        conn, peer = (None, None) if shown is None else (shown.conn, shown.peer)
        self._recorder.emit(Event("note", moment, moment, "hook", conn, peer, fields={"text": text}))

    def tell(self, *, last: bool = False) -> None:
        """Decode what is kept, and hand it on.

        Args:
            last: nothing more will come.
        """
        with self._decoding:
            while self._kept:
                moment, stream, sender, data = self._kept.popleft()
                self._size -= len(data)
                for message in stream.conversation.feed(sender, data):
                    self.emit(moment, message, stream.dial)
            for source in self._sources:
                self._recorder.guarded(partial(source, last=last))
            for dial, words in self._floods.end() if last else ():
                self._note(time.monotonic(), words, dial)
            if last and self._overflow:
                self._recorder.note(
                    f"over {MOST_KEPT >> 20} MB at once: the later messages are not in the trace"
                )

    def end(self) -> None:
        """Hand on the rest; nothing is watched any more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.tell(last=True)

    def _watch(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._tell_at_rest, name="payload", daemon=True)
            self._thread.start()

    def _tell_at_rest(self) -> None:
        while not self._over.wait(_REST_S):
            if time.monotonic() - self._last >= _REST_S:
                self.tell()


def hook(patches: Patches, recorder: Recorder, payload: Payload) -> None:
    """Watch what Python's sockets and TLS objects send and receive."""
    watch = _Watch(recorder, payload)
    patches.wrap(socket.socket, "send", watch.send)
    patches.wrap(socket.socket, "sendall", watch.sendall)
    patches.wrap(socket.socket, "recv", watch.recv)
    patches.wrap(socket.socket, "recv_into", watch.recv_into)
    if hasattr(socket.socket, "sendmsg"):
        patches.wrap(socket.socket, "sendmsg", watch.sendmsg)
    patches.wrap(ssl.SSLSocket, "send", watch.tls_send)
    patches.wrap(ssl.SSLSocket, "read", watch.tls_read)
    patches.wrap(ssl.SSLObject, "write", watch.tls_write)
    patches.wrap(ssl.SSLObject, "read", watch.tls_read)


class _Watch:
    """The methods that carry bytes, and the stream that each object's bytes belong to."""

    def __init__(self, recorder: Recorder, payload: Payload) -> None:
        self._recorder = recorder
        self._payload = payload
        self._below: weakref.WeakKeyDictionary[Any, Stream | None] = weakref.WeakKeyDictionary()
        self._above: weakref.WeakKeyDictionary[Any, Stream | None] = weakref.WeakKeyDictionary()

    def send(self, original: Callable[..., int]) -> Callable[..., int]:
        def send(sock: socket.socket, data: Any, /, *flags: int) -> int:
            sent = original(sock, data, *flags)
            self._said(self._of_socket(sock), "client", data, sent)
            return sent

        return send

    def sendall(self, original: Callable[..., None]) -> Callable[..., None]:
        def sendall(sock: socket.socket, data: Any, /, *flags: int) -> None:
            original(sock, data, *flags)
            self._said(self._of_socket(sock), "client", data)

        return sendall

    def sendmsg(self, original: Callable[..., int]) -> Callable[..., int]:
        def sendmsg(sock: socket.socket, buffers: Iterable[Any], /, *more: Any) -> int:
            whole = list(buffers)
            sent = original(sock, whole, *more)
            stream = self._of_socket(sock)
            if stream is not None:
                self._said(stream, "client", b"".join(whole), sent)
            return sent

        return sendmsg

    def recv(self, original: Callable[..., bytes]) -> Callable[..., bytes]:
        def recv(sock: socket.socket, size: int, /, flags: int = 0) -> bytes:
            data = original(sock, size, flags)
            if not flags & socket.MSG_PEEK:
                self._said(self._of_socket(sock), "server", data)
            return data

        return recv

    def recv_into(self, original: Callable[..., int]) -> Callable[..., int]:
        def recv_into(sock: socket.socket, buffer: Any, *more: int, **named: int) -> int:
            count = original(sock, buffer, *more, **named)
            self._said(self._of_socket(sock), "server", buffer, count)
            return count

        return recv_into

    def tls_send(self, original: Callable[..., int]) -> Callable[..., int]:
        def send(tls: ssl.SSLSocket, data: Any, flags: int = 0) -> int:
            sent = original(tls, data, flags)
            if tls.version() is not None:  # before the handshake the socket's own method was called
                self._said(self._of_tls(tls), "client", data, sent)
            return sent

        return send

    def tls_write(self, original: Callable[..., int]) -> Callable[..., int]:
        def write(tls: ssl.SSLObject, data: Any) -> int:
            written = original(tls, data)
            self._said(self._of_tls(tls), "client", data, written)
            return written

        return write

    def tls_read(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def read(tls: Any, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - ssl's own name
            if buffer is None:
                data = original(tls, len)
                self._said(self._of_tls(tls), "server", data)
                return data
            count = original(tls, len, buffer)
            self._said(self._of_tls(tls), "server", buffer, count)
            return count

        return read

    def _of_socket(self, sock: socket.socket) -> Stream | None:
        try:
            return self._below[sock]
        except KeyError:
            pass
        stream: Stream | None = None
        if not self._recorder.silent:
            dial = self._recorder.dial_of(sock)
            stream = None if dial is None or dial.ignored else Stream(dial)
            self._below[sock] = stream
        return stream

    def _of_tls(self, tls: Any) -> Stream | None:
        try:
            return self._above[tls]
        except KeyError:
            pass
        dial = self._recorder.dial_of(tls) if isinstance(tls, ssl.SSLSocket) else self._recorder.speaker(tls)
        stream = None if tls.server_side or (dial is not None and dial.ignored) else Stream(dial)
        self._above[tls] = stream
        for below in self._below.values():
            if below is not None and below.dial is dial:
                below.mute = True
        return stream

    def _said(self, stream: Stream | None, sender: Sender, data: Any, count: int | None = None) -> None:
        if stream is None or stream.mute or self._payload.over:
            return
        try:
            kept = bytes(data) if count is None else bytes(memoryview(data)[:count])
        except Exception:  # noqa: BLE001 - a buffer of another shape; the program must not see it
            stream.mute = True
        else:
            self._payload.keep(stream, sender, kept)


def in_memory(name: str) -> int:
    """A file that is in memory only, written at its end; Linux."""
    import fcntl  # noqa: PLC0415 - there is none on Windows

    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)
    return descriptor


def seal(descriptor: int) -> None:
    """Let a file of `in_memory` grow no more: writes to it fail from now on, and it can still be emptied.

    Args:
        descriptor: its.
    """
    import fcntl  # noqa: PLC0415 - there is none on Windows

    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
