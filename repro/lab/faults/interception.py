"""An HTTPS proxy that inspects: it answers in the place of each host, with a certificate of its own."""

from __future__ import annotations

import asyncio
import ssl

from repro.lab.faults.servers import Handler, carry, closing


def intercepting(context: ssl.SSLContext) -> Handler:
    """Take CONNECT (RFC 9110, 9.3.6), end TLS, and begin it anew to the host.

    Args:
        context: a server's, which is shown in the place of every host's.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b" ", 2)
            if method != b"CONNECT":
                return
            host, _, port = target.decode().rpartition(":")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.start_tls(context)
            inner, outer = await asyncio.open_connection(host, int(port), ssl=_unverified())
            with closing(outer):
                await asyncio.gather(carry(reader, outer), carry(inner, writer), return_exceptions=True)

    return serve


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
