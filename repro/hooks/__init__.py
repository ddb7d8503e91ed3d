"""What runs inside a probe's process and sees its network: lookups, attempts, TLS, HTTP, WebSocket.

It only looks on. The program gets the same answers, the same errors and the same log as without it. Of what
it sends and receives a copy is kept in memory, and decoded while it rests. The standard library's classes are
patched at once; a driver is patched when it is imported, or at once where it already is. No driver is
imported from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from repro.events import Emit, Event, Peer
from repro.hooks import (
    anyio,
    eventloop,
    httpcore,
    libpq,
    lookups,
    payload,
    pqtrace,
    sockets,
    tls,
    uvloop,
    websockets,
)
from repro.hooks.imports import Hook, OnImport
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder

__all__ = ["install", "tell"]

_STANDARD_LIBRARY = (lookups.hook, sockets.hook, tls.hook, libpq.hook)

_ON_IMPORT: Mapping[str, Hook] = {
    "anyio.streams.tls": anyio.hook,
    "asyncio": eventloop.hook,
    "httpcore": httpcore.hook,
    "uvloop": uvloop.hook,
    "websockets.asyncio.client": websockets.hook_asyncio,
    "websockets.sync.client": websockets.hook_sync,
}

_installed: list[Recorder] = []


def install(emit: Emit, *, ignore: Callable[[Peer], bool] | None = None) -> Callable[[], None]:
    """Report every lookup, connect attempt, handshake and HTTP exchange of this process from now on.

    Args:
        emit: is given each event as it ends, in whichever thread that is, never two levels deep in one
            thread. What it raises is swallowed and counted: a ``note`` event with ``events.lost`` follows the
            next event that gets through.
        ignore: true for a peer that is no attempt of the program's, such as the inner hop of a tunnel. Its
            connections give no event at all. A Unix socket is a `Peer` with its path and no port.

    Returns:
        A function that puts back every original object. Safe to call again.

    Raises:
        RuntimeError: when the hooks are installed already.
    """
    if _installed:
        raise RuntimeError("the hooks are installed already")
    recorder = Recorder(emit, ignore)
    patches = Patches()
    kept = payload.Payload(recorder)
    with_libpq: dict[str, Hook] = {"psycopg": partial(pqtrace.hook, payload=kept)}
    on_import = OnImport({**_ON_IMPORT, **with_libpq}, patches, recorder)
    _installed.append(recorder)
    for hook in _STANDARD_LIBRARY:
        hook(patches, recorder)
    payload.hook(patches, recorder, kept)
    on_import.start()

    def uninstall() -> None:
        if recorder not in _installed:
            return
        on_import.stop()
        kept.end()
        recorder.close()
        patches.undo()
        _installed.remove(recorder)

    return uninstall


def tell(event: Event) -> None:
    """Hand on an event that another process has seen, such as a driver's in another language.

    Its field ``pid`` says which. Nothing happens where the hooks are not installed.
    """
    for recorder in _installed:
        recorder.emit(event)
