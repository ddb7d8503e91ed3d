"""The client's end of a tunnel: a WebSocket seen as bytes in and bytes out."""

from __future__ import annotations

from starlette.types import Message, Receive, Send


class ClientLeft(Exception):  # noqa: N818 - reads as what it says
    """The client has closed the WebSocket, or its connection is lost."""


class TextFrame(Exception):  # noqa: N818 - reads as what it says
    """The client sent text, which the protocol does not have."""


class ClientSocket:
    """A WebSocket of binary frames; frame boundaries mean nothing.

    Args:
        receive: of the ASGI connection.
        send: of the ASGI connection.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def accept(self) -> None:
        """Complete the handshake, without a subprotocol."""
        await self._receive()
        await self._put({"type": "websocket.accept"})

    async def receive(self) -> bytes:
        """The next frame's bytes.

        Raises:
            ClientLeft: there will be no more.
            TextFrame: it is text.
        """
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise ClientLeft
        data: bytes | None = message.get("bytes")
        if data is None:
            raise TextFrame
        return data

    async def send(self, data: bytes) -> None:
        """Send bytes, none if there are none; waits while the client reads more slowly than they come.

        Raises:
            ClientLeft: nobody is there to read them.
        """
        if data:
            await self._put({"type": "websocket.send", "bytes": data})

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye.

        Raises:
            ClientLeft: nobody is there any more.
        """
        await self._put({"type": "websocket.close", "code": code, "reason": reason})

    async def _put(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:
            raise ClientLeft from error
