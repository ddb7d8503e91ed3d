"""Which connection a handshake of anyio belongs to (httpx and httpcore, async)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder
from repro.hooks.tls import speaking_for


def hook(streams_tls: ModuleType, patches: Patches, recorder: Recorder) -> None:
    """Watch ``anyio.streams.tls.TLSStream.wrap``."""
    from anyio.abc import SocketAttribute  # noqa: PLC0415 - imported already, by the module in hand

    unbound = vars(streams_tls.TLSStream)["wrap"].__func__

    async def wrap(cls: type[Any], /, transport_stream: Any, **options: Any) -> Any:
        sock = transport_stream.extra(SocketAttribute.raw_socket, None)  # noqa: S610 - no database here
        with speaking_for(recorder.dial_of(sock)):
            return await unbound(cls, transport_stream, **options)

    patches.wrap(streams_tls.TLSStream, "wrap", lambda _: classmethod(wrap))
