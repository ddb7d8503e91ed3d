from __future__ import annotations

import asyncio
import signal
import socket
import ssl

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from repro.lab.asgi import AsgiServer
from repro.lab.certificates import TlsFiles
from repro.lab.listeners import Port


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"hello {request.url.scheme}")


async def echo(socket_: WebSocket) -> None:
    await socket_.accept()
    await socket_.send_bytes(await socket_.receive_bytes())
    await socket_.receive()


APPLICATION = Starlette(routes=[Route("/", hello), WebSocketRoute("/ws", echo)])


def test_several_servers_share_a_loop_and_leave_signals_alone(
    tls_files: TlsFiles, trusting: ssl.SSLContext
) -> None:
    async def run() -> None:
        ports = [Port.reserve(["127.0.0.1"]) for _ in range(2)]
        before = signal.getsignal(signal.SIGINT)
        plain, secure = (
            AsgiServer(APPLICATION, port.listen(), tls=tls)
            for port, tls in zip(ports, (None, tls_files), strict=True)
        )
        await plain.start()
        await secure.start()
        assert signal.getsignal(signal.SIGINT) is before
        async with httpx.AsyncClient(verify=trusting, trust_env=False) as client:
            answers = [
                await client.get(f"{scheme}://localhost:{port.number}/")
                for scheme, port in zip(("http", "https"), ports, strict=True)
            ]
        assert [answer.text for answer in answers] == ["hello http", "hello https"]
        assert "server" not in answers[0].headers
        await asyncio.gather(plain.stop(), secure.stop())
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(ports[0].endpoint, timeout=5)
        for port in ports:
            port.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_web_sockets_work_and_do_not_hold_up_the_end(tls_files: TlsFiles, trusting: ssl.SSLContext) -> None:
    async def run() -> None:
        port = Port.reserve(["127.0.0.1"])
        server = AsgiServer(APPLICATION, port.listen(), tls=tls_files)
        await server.start()
        async with connect(f"wss://localhost:{port.number}/ws", ssl=trusting, proxy=None) as client:
            await client.send(b"\x00bytes")
            assert await client.recv() == b"\x00bytes"
            await server.stop()
        port.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_server_that_was_never_started_closes_its_sockets() -> None:
    async def run() -> None:
        port = Port.reserve(["127.0.0.1"])
        (listening,) = port.listen()
        await AsgiServer(APPLICATION, [listening]).stop()
        assert listening.fileno() == -1
        port.close()

    asyncio.run(run())
