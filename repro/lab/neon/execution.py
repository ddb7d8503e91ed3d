"""Running the queries of one request on one connection, and rendering what they give."""

from __future__ import annotations

from contextlib import suppress

from repro.lab.neon import messages
from repro.lab.neon.errors import SqlEndpointError, database_error, own_error
from repro.lab.neon.link import Link, PostgresClosed
from repro.lab.neon.results import Budget, Result
from repro.lab.neon.sql_request import Options, Payload, Query

_COPY = (b"G", b"H", b"W")
"""CopyInResponse, CopyOutResponse, CopyBothResponse: there is no way to copy over HTTP."""


async def run(link: Link, payload: Payload, options: Options, *, response_bytes: int) -> str:
    """Run a request's queries, a batch as one transaction.

    Args:
        link: logged in and idle.
        payload: what to run.
        options: how, and how to show it.
        response_bytes: most that the rows may take.

    Returns:
        The JSON text of the response.

    Raises:
        SqlEndpointError: Postgres refused a query, or COPY was asked for.
        ResponseTooLarge: the rows are more than allowed; the query still runs.
        PostgresClosed: the connection is gone.
        ValueError: a value cannot be shown.
    """
    budget = Budget(response_bytes)
    if payload.is_batch:
        return await _run_batch(link, payload.queries, options, budget)
    return await _run_query(link, payload.queries[0], options, budget)


async def _run_batch(link: Link, queries: list[Query], options: Options, budget: Budget) -> str:
    await _collect(link, messages.query(options.begin))
    try:
        results = [await _run_query(link, query, options, budget) for query in queries]
        await _collect(link, messages.query(b"COMMIT"))
    except SqlEndpointError:
        await _roll_back(link)
        raise
    return f'{{"results":[{",".join(results)}]}}'


async def _run_query(link: Link, query: Query, options: Options, budget: Budget) -> str:
    array_mode = options.array_mode if query.array_mode is None else query.array_mode
    result = Result(array_mode=array_mode, raw_text=options.raw_text, budget=budget)
    await _collect(link, query.message, result)
    return result.as_json()


async def _collect(link: Link, request: bytes, result: Result | None = None) -> None:
    """Send a request and take in what it gives, until the server is ready again."""
    await link.execute(request)
    while (message := await link.message()).kind != b"Z":
        if message.kind == b"E":
            await _settle(link)
            raise database_error(message)
        if message.kind in _COPY:
            raise own_error(400, "unexpected message from server")
        if result is not None:
            result.add(message)


async def _settle(link: Link) -> None:
    """After an error, read on until the server is ready; after a fatal one it closes instead."""
    with suppress(PostgresClosed):
        while (await link.message()).kind != b"Z":
            pass


async def _roll_back(link: Link) -> None:
    """Roll back before the client is told, so that its next request meets no lock of this one."""
    if link.is_idle:
        with suppress(SqlEndpointError, PostgresClosed):
            await _collect(link, messages.query(b"ROLLBACK"))
