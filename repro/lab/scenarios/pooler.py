"""A pooler between the driver and Postgres: a real PgBouncer, where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit

from repro.lab.faults.servers import closing, fatal, serving
from repro.lab.pooler import Pooler, Pooling, lacks_pooler, pooler
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import DATABASE, of_the_lab, url

_PLAIN = ("tcp.raw", "tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-psycopg")


_PAUSE_S = 0.02
_DEFAULTS = Pooling()

Guests = Callable[[str], contextlib.AbstractContextManager[None]]
"""Other clients of the pooler, given its URL, who are there as long as the block."""


def behind_a_pooler(
    pooling: Pooling = _DEFAULTS,
    guests: Guests | None = None,
    *,
    known: Mapping[str, str] = MappingProxyType({}),
    **changes: str,
) -> Stage:
    """The lab behind a pooler, and the direct URL beside it.

    Args:
        pooling: how it pools.
        guests: who else is there.
        known: what the pooler knows otherwise than Postgres does, as `url` is told it.
        changes: to the URL, as `url` makes them.
    """

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        direct = lab.environment["DATABASE_URL"]
        known_by_it = url(direct, **known)  # type: ignore[arg-type]
        with pooler(known_by_it, pooling) as running, contextlib.ExitStack() as others:
            plain = _through(running, direct)
            if guests is not None:
                others.enter_context(guests(plain))
            yield of_the_lab(
                lab,
                *DATABASE,
                DATABASE_URL=url(plain, **changes),  # type: ignore[arg-type]
                POSTGRES_URL_NON_POOLING=direct,
            )

    return stage


def _through(running: Pooler, direct: str) -> str:
    return url(direct, host="127.0.0.1", port=running.port)


@contextlib.contextmanager
def sitting(text: str, statements: Sequence[str] = (), clients: int = 1) -> Iterator[None]:
    """Clients that have said something, and stay.

    Args:
        text: the pooler's URL.
        statements: what each says first.
        clients: how many.
    """
    import psycopg  # noqa: PLC0415 - slow to load

    with contextlib.ExitStack() as open_ones:
        for _ in range(clients):
            client = open_ones.enter_context(
                contextlib.closing(
                    psycopg.connect(text, autocommit=True, prepare_threshold=None, connect_timeout=5)
                )
            )
            for statement in statements:
                client.execute(statement)
        yield


@contextlib.contextmanager
def repeating(text: str, statement: str) -> Iterator[None]:
    """A client that says the same again and again, so that it holds for a new server connection too."""
    import psycopg  # noqa: PLC0415 - slow to load

    over = threading.Event()

    def repeat() -> None:
        while not over.wait(_PAUSE_S):
            with contextlib.suppress(psycopg.Error):
                client.execute(statement)

    with contextlib.closing(
        psycopg.connect(text, autocommit=True, prepare_threshold=None, connect_timeout=5)
    ) as client:
        client.execute(statement)
        thread = threading.Thread(target=repeat)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


_OPTIONS = "options=-c%20statement_timeout%3D5000"


@contextlib.contextmanager
def reading_options(lab: Lab) -> Iterator[Scene]:
    """A pooler that looks into options: a PgBouncer 1.20 or later, or what says the same in its place."""
    if lacks_pooler(since=(1, 20)) is None:
        stage = behind_a_pooler(Pooling(ignore_startup_parameters=("options",)), query=_OPTIONS)
        with stage(lab) as scene:
            yield scene
        return
    direct = lab.environment["DATABASE_URL"]
    with serving(partial(_reading_options, urlsplit(direct).port or 0)) as port:
        yield of_the_lab(
            lab, *DATABASE, DATABASE_URL=url(direct, host="127.0.0.1", port=port, query=_OPTIONS)
        )


async def _reading_options(server: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Refuse a first message with options in it, in the words of 1.20; lead every other one to Postgres."""
    with closing(writer):
        length, first = await _first_message(reader)
        while first.startswith(_SSL_REQUEST):
            writer.write(b"N")
            length, first = await _first_message(reader)
        if b"\0options\0" in first:
            writer.write(fatal("08P01", "unsupported startup parameter in options: statement_timeout"))
            await writer.drain()
            return
        inner, outer = await asyncio.open_connection("127.0.0.1", server)
        with closing(outer):
            outer.write(length + first)
            await asyncio.gather(_pump(reader, outer), _pump(inner, writer))


_SSL_REQUEST = struct.pack("!I", 80877103)


async def _first_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    length = await reader.readexactly(4)
    return length, await reader.readexactly(struct.unpack("!I", length)[0] - 4)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


_ONE = Pooling(default_pool_size=1)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="vr-pgbouncer-options",
        cause="vr-pgbouncer-options",
        title="the pooler looks into options, and refuses what it finds",
        stage=reading_options,
        only=("tcp.psycopg", "tcp.asyncpg"),
        proof="confirmed",
    ),
    Scenario(
        name="pool-startup-param",
        cause="pool-startup-param",
        title="the URL sets a search path, and the pooler takes no options",
        stage=behind_a_pooler(query="options=-c%20search_path%3Dapp"),
        only=("tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-psycopg"),
        proof="confirmed",
        lacks=partial(lacks_pooler, before=(1, 20)),
    ),
    Scenario(
        name="pool-startup-param-setting",
        cause="pool-startup-param",
        title="asyncpg sends a setting of the URL with its login, and the pooler refuses it",
        stage=behind_a_pooler(query="statement_timeout=5000"),
        only=("tcp.raw", "tcp.asyncpg"),
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-max-client-conn",
        cause="pool-max-client-conn",
        title="the pooler has all the clients that it may have",
        stage=behind_a_pooler(Pooling(max_client_conn=2), partial(sitting, clients=2)),
        only=_PLAIN,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-query-wait-timeout",
        cause="pool-query-wait-timeout",
        title="an idle transaction holds the pooler's only server connection",
        stage=behind_a_pooler(
            Pooling(default_pool_size=1, query_wait_timeout=1),
            partial(sitting, statements=("BEGIN", "SELECT 1")),
        ),
        only=_PLAIN,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-08p01-masks",
        cause="pool-08p01-masks",
        title="the pooler knows an older password than Postgres",
        stage=behind_a_pooler(known={"password": "of-last-year"}),
        only=_PLAIN,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-08p01-masks-plain",
        cause="pool-08p01-masks",
        title="the password is wrong, and the pooler asks for it in plain text",
        stage=behind_a_pooler(Pooling(auth_type="plain"), password="not-this-one"),  # noqa: S106 - it is none
        only=_PLAIN,
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-08p01-masks-database",
        cause="pool-08p01-masks",
        title="the pooler has no such database, and Postgres has",
        stage=behind_a_pooler(known={"path": "/another"}),
        only=_PLAIN,
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-session-state",
        cause="pool-session-state",
        title="an earlier client made its session read-only, and the pooler hands it on",
        stage=behind_a_pooler(_ONE, partial(repeating, statement="SET default_transaction_read_only = on")),
        only=_PLAIN,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-prepared-duplicate",
        cause="pool-prepared-duplicate",
        title="asyncpg with its statement cache, after another process with the same",
        stage=behind_a_pooler(_ONE),
        only=("specimen.asyncpg-prepared", "tcp.asyncpg"),
        commit=True,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-prepared-missing",
        cause="pool-prepared-missing",
        title="asyncpg with its statement cache, whose statements another client takes back",
        stage=behind_a_pooler(_ONE),
        only=("specimen.asyncpg-deallocated", "tcp.asyncpg"),
        commit=True,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-wrong-plan",
        cause="pool-wrong-plan",
        title="asyncpg with its statement cache, whose names another process has taken meanwhile",
        stage=behind_a_pooler(_ONE),
        only=("specimen.asyncpg-replaced", "tcp.asyncpg"),
        commit=True,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
    Scenario(
        name="pool-sa-cache-flag-incomplete",
        cause="pool-sa-cache-flag-incomplete",
        title="SQLAlchemy over asyncpg with prepared_statement_cache_size=0 and no more",
        stage=behind_a_pooler(_ONE, query="prepared_statement_cache_size=0"),
        only=("specimen.sqlalchemy-cache-flag", "orm.sqlalchemy-asyncpg"),
        commit=True,
        proof="confirmed",
        lacks=lacks_pooler,
    ),
)
