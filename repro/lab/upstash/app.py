"""The Upstash gateway as one ASGI app: one command, a pipeline, or a transaction a request.

Neither bodies nor tokens are ever logged, and errors repeat neither.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from repro.lab.upstash.commands import CommandTable
from repro.lab.upstash.pool import Command, Pool, ServerUnreachable
from repro.lab.upstash.replies import as_object
from repro.lab.upstash.requests import (
    BadRequest,
    command_in_body,
    command_in_path,
    commands_in_body,
    token_in,
)
from repro.lab.upstash.resp import ErrorReply, Reply

_METHODS = ("GET", "HEAD", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan allows; the errors are worded as in Upstash's documentation (redis/troubleshooting).

    Args:
        body_bytes: of one request.
        requests: in all, as long as the gateway runs; None for any number.
    """

    body_bytes: int = 10 * (1 << 20)
    requests: int | None = None


def create_app(
    *,
    redis: tuple[str, int],
    password: str,
    token: str,
    read_only_token: str,
    limits: Limits = Limits(),
) -> Starlette:
    """The gateway in front of one Valkey or Redis.

    Args:
        redis: host and port of the server. It is dialled without TLS, so it must be on this machine.
        password: of the server's default user.
        token: the bearer token that may do everything.
        read_only_token: the one that may not write.
        limits: of the plan.
    """
    pool = Pool(redis, password)
    endpoint = _Endpoint(pool, limits, token=token, read_only_token=read_only_token)
    application = Starlette(routes=[Route("/{path:path}", endpoint)])
    application.state.pool = pool  # whoever ends the application closes its connections
    return application


class _Refused(Exception):  # noqa: N818 - reads as what it says
    """The whole request is answered with one error.

    Args:
        status: of the HTTP response.
        message: the error's text.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Endpoint:
    """Every path of the API."""

    def __init__(self, pool: Pool, limits: Limits, *, token: str, read_only_token: str) -> None:
        self._pool = pool
        self._limits = limits
        self._used = 0
        self._table = CommandTable(pool)
        self._token = token.encode()
        self._read_only_token = read_only_token.encode()
        self._writer = secrets.token_hex(4)
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body = 200, await self._answer(Request(scope, receive))
        except BadRequest as error:
            status, body = 400, {"error": str(error)}
        except _Refused as error:
            status, body = error.status, {"error": str(error)}
        except ServerUnreachable as error:
            status, body = 500, {"error": f"ERR {error}"}
        except ClientDisconnect:
            return
        await JSONResponse(body, status, self._headers())(scope, receive, send)

    def _headers(self) -> dict[str, str]:
        """An opaque mark of how far this server has come, which clients send back with later requests."""
        return {"Upstash-Sync-Token": f"{self._writer}={next(self._count)}"}

    async def _answer(self, request: Request) -> Any:
        if request.method not in _METHODS:
            raise _Refused(405, "ERR Method Not Allowed")
        read_only = self._is_read_only(request)
        encoded = request.headers.get("upstash-encoding", "").lower() == "base64"
        self._spend()
        body = await _body(request, self._limits.body_bytes)
        match request.url.path:
            case "/pipeline":
                commands = commands_in_body(body, what="pipeline request")
                replies = await self._pipeline(commands, read_only=read_only)
            case "/multi-exec":
                commands = commands_in_body(body, what="transaction request")
                replies = await self._transaction(commands, read_only=read_only)
            case _:
                return as_object(await self._single(request, body, read_only=read_only), encoded=encoded)
        return [as_object(reply, encoded=encoded) for reply in replies]

    def _spend(self) -> None:
        """Count a request of somebody who is known, whatever it asks for."""
        self._used += 1
        limit = self._limits.requests
        if limit is not None and self._used > limit:
            raise BadRequest(f"ERR max daily request limit exceeded. Limit: {limit}, Usage: {self._used}.")

    def _is_read_only(self, request: Request) -> bool:
        given = token_in(request.headers.get("authorization"), request.url.query).encode()
        if secrets.compare_digest(given, self._token):
            return False
        if secrets.compare_digest(given, self._read_only_token):
            return True
        raise _Refused(401, "WRONGPASS invalid or missing auth token")

    async def _single(self, request: Request, body: bytes, *, read_only: bool) -> Reply:
        command = _command(request, body)
        if refusal := await self._table.refusal(command, read_only=read_only):
            raise BadRequest(refusal)
        (reply,) = await self._pool.exchange([command])
        if isinstance(reply, ErrorReply):
            raise BadRequest(reply.message)
        return reply

    async def _pipeline(self, commands: Sequence[Command], *, read_only: bool) -> list[Reply]:
        """Run what may be run, in order; a refused command is an error in its place."""
        refusals = [await self._table.refusal(command, read_only=read_only) for command in commands]
        allowed = [command for command, refusal in zip(commands, refusals, strict=True) if refusal is None]
        replies = iter(await self._pool.exchange(allowed) if allowed else [])
        return [next(replies) if refusal is None else ErrorReply(refusal) for refusal in refusals]

    async def _transaction(self, commands: Sequence[Command], *, read_only: bool) -> list[Reply]:
        """Run all or nothing: one command that is refused discards the transaction."""
        for command in commands:
            if refusal := await self._table.refusal(command, read_only=read_only):
                raise BadRequest(refusal)
        *_, result = await self._pool.exchange([[b"MULTI"], *commands, [b"EXEC"]])
        if isinstance(result, list):
            return result
        raise BadRequest(result.message if isinstance(result, ErrorReply) else "ERR transaction aborted")


def _command(request: Request, body: bytes) -> Command:
    """The one command of a request."""
    path: bytes = request.scope["raw_path"]
    command = command_in_path(path, request.url.query, body) if path.strip(b"/") else command_in_body(body)
    if not command:
        raise BadRequest("ERR empty command")
    return command


async def _body(request: Request, most: int) -> bytes:
    """The whole body; one that is too long is read to its end, so that the client hears why it is refused."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            body += chunk
    if size > most:
        raise BadRequest(f"ERR max request size exceeded. Limit: {most} bytes, Actual: {size}")
    return bytes(body)
