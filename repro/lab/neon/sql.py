"""``POST /sql``: SQL over HTTP, one login and one connection a request, as the documented protocol has it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from repro.lab.neon import messages
from repro.lab.neon.answers import error_answer, json_answer, not_supported, preflight
from repro.lab.neon.authentication import LoginImpossible
from repro.lab.neon.connection_string import Credentials, parse_connection_string
from repro.lab.neon.errors import SqlEndpointError, cancelled_error, login_error, own_error, too_large
from repro.lab.neon.execution import run
from repro.lab.neon.limits import Limits
from repro.lab.neon.link import LoginRefused, PostgresClosed, PostgresUnreachable, open_link
from repro.lab.neon.racing import first_of
from repro.lab.neon.results import ResponseTooLarge
from repro.lab.neon.sql_request import Options, Payload, parse_options, parse_payload


class SqlEndpoint:
    """The ASGI app behind ``/sql``.

    Args:
        postgres: host and port of the server that every request is run on.
        limits: sizes and times.
    """

    def __init__(self, postgres: tuple[str, int], limits: Limits) -> None:
        self._postgres = postgres
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that has left is not answered."""
        response = await self._respond(Request(scope, receive), receive)
        if response is not None:
            await response(scope, receive, send)

    async def _respond(self, request: Request, receive: Receive) -> Response | None:
        if request.method == "OPTIONS":
            return preflight()
        if request.method != "POST":
            return not_supported()
        try:
            async with asyncio.timeout(self._limits.request_s):
                return await self._answer(request, receive)
        except SqlEndpointError as error:
            return error_answer(error)
        except ClientDisconnect:
            return None
        except TimeoutError:
            return error_answer(cancelled_error())

    async def _answer(self, request: Request, receive: Receive) -> Response | None:
        credentials = parse_connection_string(request.headers.get("neon-connection-string"))
        options = parse_options(request.headers)
        payload = parse_payload(await read_body(request, limit=self._limits.request_bytes))
        result = await first_of(self._run(credentials, payload, options), _departure(receive))
        if result is None:
            return None
        return json_answer(result, headers=_echo(payload, options))

    async def _run(self, credentials: Credentials, payload: Payload, options: Options) -> str:
        """Run the request; whatever ends it, no query of it goes on."""
        limit = self._limits.response_bytes
        try:
            return await self._run_on_link(credentials, payload, options)
        except PostgresUnreachable as error:
            raise own_error(500, str(error)) from error
        except LoginRefused as error:
            raise login_error(error.response) from error
        except LoginImpossible as error:
            raise own_error(500, str(error)) from error
        except PostgresClosed as error:
            raise own_error(400, str(error)) from error
        except (ResponseTooLarge, messages.MessageTooLarge) as error:
            raise too_large(limit) from error
        except ValueError as error:
            raise own_error(500, "could not parse postgres response") from error

    async def _run_on_link(self, credentials: Credentials, payload: Payload, options: Options) -> str:
        limit = self._limits.response_bytes
        link = await open_link(self._postgres, deadline_s=self._limits.connect_s)
        try:
            startup = messages.startup(credentials.startup_parameters)
            await link.log_in(startup, credentials.user, credentials.get_password)
            link.buffer.limit = max(limit, link.buffer.limit)
            return await run(link, payload, options, response_bytes=limit)
        finally:
            await link.close()


async def read_body(request: Request, *, limit: int) -> bytes:
    """The whole body.

    A body that is too long is read to its end all the same: a client that is still sending would otherwise
    meet a reset connection instead of the answer.

    Raises:
        SqlEndpointError: 413, it is longer than ``limit`` bytes.
        ClientDisconnect: the client left while it was sending.
    """
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            body += chunk
    if size > limit:
        raise own_error(413, f"request is too large (max is {limit} bytes)")
    return bytes(body)


async def _departure(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _echo(payload: Payload, options: Options) -> Mapping[str, str]:
    return options.echoed if payload.is_batch else {}
