"""Redis's own protocol over TCP or TLS, with redis-py: sync and async.

redis-py sends a command again when its answer is lost, ten times by default, and each time the server
carries it out. So every retry is off: what the loss of an answer means is for the caller to say.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import closing
from typing import Any, TypeVar

import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

from repro.persistence.carrier import Server
from repro.persistence.deadline import Watchdog, overdue
from repro.persistence.queue import Command, Conversation, Reply, code_in
from repro.persistence.settings import Timeouts
from repro.persistence.steps import drive, drive_async

T = TypeVar("T")

_REFUSALS = (redis.ResponseError, redis.AuthenticationError, redis.BusyLoadingError)
"""What the server itself refused. A lost connection says nothing of what was done before."""

_NOT_SENT = (*_REFUSALS, redis.DataError)

_KEPT = (redis.ResponseError, redis.DataError)
"""After these the connection goes on; after any other error its state is not known."""

_LEFT = frozenset({"READONLY", "MASTERDOWN", "LOADING"})
"""Codes of a server that is not, or not yet, the one to write to: its name may lead to another one by now."""

_CODES: dict[type[redis.RedisError], str] = {
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.ReadOnlyError: "READONLY",
    redis.exceptions.NoScriptError: "NOSCRIPT",
    redis.exceptions.ExecAbortError: "EXECABORT",
    redis.BusyLoadingError: "LOADING",
    redis.AuthenticationError: "WRONGPASS",
}
"""redis-py takes the code off the message where it has a class for it."""

_NO_PASSWORD = "Authentication required"  # noqa: S105 - what servers say with NOAUTH


def code_of(error: BaseException) -> str | None:
    """The code of an error of Redis, such as ``NOPERM``; None for any other one."""
    if not isinstance(error, _REFUSALS):
        return None
    said: str | None = getattr(error, "status_code", None)  # since redis-py 7
    if said not in {None, "ERR"}:
        return said
    message = str(error) if said is None else f"{said} {error}"
    return _taken(error) or code_in(message) or "ERR"


def _taken(error: BaseException) -> str | None:
    """The code that redis-py has made a class of."""
    if isinstance(error, redis.AuthenticationError) and str(error).startswith(_NO_PASSWORD):
        return "NOAUTH"
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), None)


SERVER = Server("the queue", code_of)


def _goes_on(error: BaseException) -> bool:
    """Whether the connection can and should be used after an error."""
    return isinstance(error, _KEPT) and code_of(error) not in _LEFT


def connect(url: str, *, timeouts: Timeouts = Timeouts()) -> RedisTransport:  # noqa: B008 - it is frozen
    """Connect and log in.

    Args:
        url: ``redis://`` or ``rediss://``.
        timeouts: for the connection, and for each command.

    Raises:
        redis.RedisError: if that fails.
        TimeoutError: if the answers to the login are overdue.
    """
    pool = _Pool.from_url(url, retry=Retry(NoBackoff(), 0), **_options(timeouts))
    with closing(Watchdog(_login_s(timeouts), pool.fileno)) as watchdog, watchdog:
        client = redis.Redis(connection_pool=pool, single_connection_client=True)
    client.auto_close_connection_pool = True
    return RedisTransport(client, command_s=timeouts.command_s)


async def connect_async(url: str, *, timeouts: Timeouts = Timeouts()) -> AsyncRedisTransport:  # noqa: B008
    """`connect` for the async client."""
    retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
    client = redis.asyncio.Redis.from_url(
        url, retry=retry, single_connection_client=True, **_options(timeouts)
    )
    try:
        async with asyncio.timeout(_login_s(timeouts)):
            await client.initialize()
    except TimeoutError as error:
        await client.aclose()
        raise overdue(_login_s(timeouts)) from error
    except BaseException:
        await client.aclose()
        raise
    return AsyncRedisTransport(client, command_s=timeouts.command_s)


def _login_s(timeouts: Timeouts) -> float:
    """Seconds for a connection and for all answers to its login."""
    return timeouts.connect_s + timeouts.command_s


def _fileno_of(connection: Any) -> int:
    return int(connection._sock.fileno())  # noqa: SLF001 - redis-py has no public way to it


class _Pool(redis.ConnectionPool):
    """Knows its one connection from the beginning, so that a login can be ended too.

    A client with a single connection dials when it is made, so that a refused connection is known as one.
    """

    _made: Any = None

    def make_connection(self) -> Any:
        """Make the connection; it dials later."""
        self._made = super().make_connection()
        return self._made

    def fileno(self) -> int:
        """The descriptor of the connection's socket; any error where there is none yet, or no more."""
        return _fileno_of(self._made)


def _options(timeouts: Timeouts) -> dict[str, Any]:
    return {
        "socket_connect_timeout": timeouts.connect_s,
        "socket_timeout": timeouts.command_s,
        "decode_responses": True,
        "protocol": 2,  # no HELLO, which some proxies do not know
        **_no_client_info(),
    }


def _no_client_info() -> dict[str, None]:
    """What keeps redis-py from sending CLIENT SETINFO; the option's name is another since its version 7."""
    names = inspect.signature(redis.Redis).parameters
    if "driver_info" in names:
        return {"driver_info": None}
    return {name: None for name in ("lib_name", "lib_version") if name in names}


class RedisTransport:
    """Carries out conversations on one connection.

    Args:
        client: with retries off, and a single connection; it is closed with the transport.
        command_s: seconds for a whole answer; redis-py's own limit is one for each read.
    """

    server = SERVER
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT
    not_reached: tuple[type[BaseException], ...] = ()

    def __init__(self, client: redis.Redis, *, command_s: float) -> None:
        self._client = client
        self._watchdog = Watchdog(command_s, self._fileno)
        self.usable = True

    def _fileno(self) -> int:
        return _fileno_of(self._client.connection)

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation; redis-py's errors come from the command that failed."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        try:
            with self._watchdog:
                reply: Reply = self._client.execute_command(*command.args)  # type: ignore[no-untyped-call]
        except BaseException as error:
            self.usable = self.usable and _goes_on(error)
            raise
        return reply

    def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self.usable = False
        self._watchdog.close()
        self._client.close()


class AsyncRedisTransport:
    """A `RedisTransport` that is awaited."""

    server = SERVER
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT
    not_reached: tuple[type[BaseException], ...] = ()

    def __init__(self, client: redis.asyncio.Redis, *, command_s: float) -> None:
        self._client = client
        self._command_s = command_s
        self.usable = True

    async def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation; redis-py's errors come from the command that failed."""
        return await drive_async(conversation, self._carry_out)

    async def _carry_out(self, command: Command) -> Reply:
        try:
            async with asyncio.timeout(self._command_s):
                reply: Reply = await self._client.execute_command(*command.args)  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            self.usable = False
            raise overdue(self._command_s) from error
        except BaseException as error:
            self.usable = self.usable and _goes_on(error)
            raise
        return reply

    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""
        self.usable = False
        await self._client.aclose()
