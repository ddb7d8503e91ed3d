"""The messages of libpq, which speaks in C and out of sight: it writes them down itself (``PQtrace``).

From the end of the login on: psycopg hands out a connection no earlier. They are written into a file that is
in memory only, and read when the process rests.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from repro.hooks import libpq
from repro.hooks.dial import Dial
from repro.hooks.patches import Patches
from repro.hooks.payload import Payload, in_memory, seal
from repro.hooks.recorder import Recorder
from repro.wire.pqtrace import traced

MOST_WRITTEN = 16 << 20
"""Bytes that one connection may write between two rests; its trace then ends, and that is said."""


def hook(psycopg: ModuleType, patches: Patches, recorder: Recorder, *, payload: Payload) -> None:
    """Watch every connection of psycopg; Linux, where libpq's trace can be had."""
    if not sys.platform.startswith("linux"):
        return
    watch = _Watch(recorder, payload)
    patches.wrap(psycopg.BaseConnection, "__init__", watch.made)
    payload.also(watch.tell)
    patches.on_undo(watch.end)


class _Trace:
    """What one connection writes."""

    def __init__(self, pgconn: Any, dial: Dial | None) -> None:
        self.pgconn = weakref.ref(pgconn)
        self.dial = dial
        self.descriptor = in_memory("pqtrace")
        self.rest = ""
        self._size = 0
        pgconn.trace(self.descriptor)

    def rests(self) -> bool:
        """Whether nothing was written since it was asked last."""
        size = os.fstat(self.descriptor).st_size
        before, self._size = self._size, size
        return size == before

    @property
    def overflows(self) -> bool:
        """Whether more was written than is kept."""
        return self._size > MOST_WRITTEN

    def read(self) -> str:
        """The whole lines written since the last time."""
        size = os.fstat(self.descriptor).st_size
        data = os.pread(self.descriptor, size, 0)
        os.ftruncate(self.descriptor, 0)
        self._size = 0
        whole, newline, self.rest = (self.rest + data.decode("utf-8", "replace")).rpartition("\n")
        return whole + newline

    def end(self) -> None:
        """Write no more, and close: the descriptor's number may soon be another file's."""
        pgconn = self.pgconn()
        if pgconn is not None:
            pgconn.untrace()
        os.close(self.descriptor)

    def stop(self) -> None:
        """Write no more, from any thread: ``PQuntrace`` while libpq is at work would end the process."""
        seal(self.descriptor)


class _Watch:
    def __init__(self, recorder: Recorder, payload: Payload) -> None:
        self._recorder = recorder
        self._payload = payload
        self._traces: list[_Trace] = []

    def made(self, original: Callable[..., None]) -> Callable[..., None]:
        def init(connection: Any, pgconn: Any, *more: Any, **options: Any) -> None:
            original(connection, pgconn, *more, **options)
            if not self._recorder.silent:
                self._recorder.guarded(lambda: self._begin(pgconn))

        return init

    def tell(self, *, last: bool) -> None:
        """Hand on what was written on connections that rest."""
        offset = time.time() - time.monotonic()
        for trace in self._traces:
            rests = trace.rests()
            if trace.overflows:
                trace.stop()
                self._recorder.note("libpq wrote over 16 MB at once: the later messages are not in the trace")
            elif not (last or rests):
                continue
            for each in traced(trace.read()):
                self._payload.emit(each.at - offset, each.message, trace.dial, "pqtrace")

    def end(self) -> None:
        """Give everything back."""
        while self._traces:
            self._traces.pop().end()

    def _begin(self, pgconn: Any) -> None:
        self._traces.append(_Trace(pgconn, libpq.dialling()))
