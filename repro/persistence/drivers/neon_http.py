"""Neon's SQL over HTTP: the whole transaction as one POST.

The protocol is that of ``@neondatabase/serverless``: statements with their parameters as text, the
connection string in a header, rows as text with the types' OIDs. Statements are collected until COMMIT;
nothing is sent before it.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from repro.persistence.carrier import DATABASE
from repro.persistence.endpoints import neon_fetch_url
from repro.persistence.http import NOT_REACHED, NOT_SENT, AsyncHttpClient, HttpClient, json_of, text_of
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, Transaction, Value, drive, drive_async
from repro.persistence.text_format import from_text, to_text

T = TypeVar("T")

MAX_REQUEST_BYTES = 10 * 1024 * 1024
"""What Neon's proxy takes by default; it answers more with 413."""

endpoint_of = neon_fetch_url


class NeonError(Exception):
    """What Neon, or the database behind it, answered instead of rows.

    Args:
        message: its own words.
        status: of HTTP.
        sqlstate: five characters; None if the error is not the database's.
        severity: such as ``ERROR``.
        detail: the database's detail line.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        sqlstate: str | None = None,
        severity: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.sqlstate = sqlstate
        self.severity = severity
        self.detail = detail


class NeonRefusedError(NeonError):
    """Neon's proxy refused the request, and said nothing of the database: nothing was executed."""


class BatchTooLargeError(ValueError):
    """The transaction is over `MAX_REQUEST_BYTES`; nothing of it was sent."""


_NOT_SENT = (*NOT_SENT, BatchTooLargeError, NeonRefusedError)

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")

_NO_REFUSAL = frozenset({408, 409, 425, 429, 499})
"""Statuses of 400 to 499 that say nothing of whether it was executed: others send some of them."""


def connect(
    url: str,
    *,
    endpoint: str | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> NeonHttpDriver:
    """Make a driver; it dials with its first COMMIT.

    Args:
        url: the database's URL; it goes to the endpoint in a header, with its password.
        endpoint: the full URL of the endpoint, if it is not the derived one.
        timeouts: for the connection and for each batch.

    Raises:
        MalformedUrl: if the URL cannot be read.
    """
    return NeonHttpDriver(HttpClient(**_limits(url, timeouts)), endpoint_of(url, endpoint))


async def connect_async(
    url: str,
    *,
    endpoint: str | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> AsyncNeonHttpDriver:
    """`connect` for the async driver."""
    return AsyncNeonHttpDriver(AsyncHttpClient(**_limits(url, timeouts)), endpoint_of(url, endpoint))


def _limits(url: str, timeouts: Timeouts) -> dict[str, Any]:
    headers = {
        "Neon-Connection-String": quote(url, safe="".join(map(chr, range(0x21, 0x7F)))),
        "Neon-Raw-Text-Output": "true",
        "Neon-Array-Mode": "true",
        "Neon-Batch-Isolation-Level": "ReadCommitted",
        "Content-Type": "application/json",
    }
    return {"connect_s": timeouts.connect_s, "answer_s": timeouts.statement_s, "headers": headers}


class _Batch:
    """The statements of one transaction, and the rows that wait for its answer."""

    def __init__(self) -> None:
        self._statements: list[tuple[Execute, Rows]] = []

    def add(self, step: Execute) -> Rows:
        rows = Rows()
        self._statements.append((step, rows))
        return rows

    def body(self) -> bytes:
        queries = [
            {"query": step.sql, "params": [to_text(each) for each in step.params]}
            for step, _ in self._statements
        ]
        body = json.dumps({"queries": queries}, ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) > MAX_REQUEST_BYTES:
            raise BatchTooLargeError(
                f"the transaction is {len(body)} bytes as one request, and {MAX_REQUEST_BYTES} is the limit"
            )
        return body

    def fill(self, response: httpx.Response) -> None:
        for (_, rows), result in zip(
            self._statements, _results(response, len(self._statements)), strict=True
        ):
            rows.fill(result)


def _results(response: httpx.Response, expected: int) -> list[list[tuple[Value, ...]]]:
    if response.status_code != httpx.codes.OK:
        raise _error_of(response)
    try:
        results = [_rows(result) for result in response.json()["results"]]
    except (ValueError, KeyError, TypeError) as error:
        other = "" if json_of(response) is not None else f", and no JSON: {text_of(response, 60)}"
        raise NeonError(f"the answer is no result of a batch{other}", status=response.status_code) from error
    if len(results) != expected:
        raise NeonError("the answer has not one result for each statement", status=response.status_code)
    return results


def _rows(result: dict[str, Any]) -> list[tuple[Value, ...]]:
    types = [field["dataTypeID"] for field in result["fields"]]
    return [
        tuple(from_text(value, oid) for value, oid in zip(row, types, strict=True)) for row in result["rows"]
    ]


def _error_of(response: httpx.Response) -> NeonError:
    """The error of an answer. Only 400 carries the database's fields; other statuses may carry anything."""
    body = json_of(response)
    refused = response.is_client_error and response.status_code not in _NO_REFUSAL
    kind = NeonRefusedError if refused else NeonError
    if response.status_code != httpx.codes.BAD_REQUEST or not isinstance(body, dict):
        text = f"Server error (HTTP status {response.status_code}): {text_of(response)}"
        return kind(text, status=response.status_code)
    sqlstate = _sqlstate_in(body)
    return NeonError(  # also without an SQLSTATE: Neon's proxy says so where the answer to COMMIT was lost
        str(body.get("message") or body.get("msg") or "no message"),
        status=response.status_code,
        sqlstate=sqlstate,
        severity=body.get("severity") or None,
        detail=body.get("detail") or None,
    )


def _sqlstate_in(body: dict[str, Any]) -> str | None:
    """The database's code; others who answer with 400 have codes of their own kind, or an empty one."""
    code = body.get("code")
    return code if isinstance(code, str) and _SQLSTATE.fullmatch(code) else None


class NeonHttpDriver:
    """Runs transactions as batches; `NeonError` and httpx's errors come from COMMIT.

    Args:
        client: closed with the driver.
        endpoint: where to.
    """

    interactive = False
    server = DATABASE
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT
    not_reached: tuple[type[BaseException], ...] = NOT_REACHED

    def __init__(self, client: HttpClient, endpoint: str) -> None:
        self._client = client
        self._endpoint = endpoint
        self._batch = _Batch()

    @property
    def usable(self) -> bool:
        """Whether it was not closed: it keeps no state between two requests."""
        return self._client.usable

    def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction. One that is left by an exception before COMMIT has sent nothing."""
        return drive(transaction, self._carry_out)

    def _carry_out(self, step: Step) -> Rows:
        match step:
            case Begin():
                self._batch = _Batch()
            case Execute():
                return self._batch.add(step)
            case Commit():
                self._batch.fill(self._client.post(self._endpoint, self._batch.body()))
        return Rows(())

    def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        self._client.close()


class AsyncNeonHttpDriver:
    """A `NeonHttpDriver` that is awaited."""

    interactive = False
    server = DATABASE
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT
    not_reached: tuple[type[BaseException], ...] = NOT_REACHED

    def __init__(self, client: AsyncHttpClient, endpoint: str) -> None:
        self._client = client
        self._endpoint = endpoint
        self._batch = _Batch()

    @property
    def usable(self) -> bool:
        """Whether it was not closed: it keeps no state between two requests."""
        return self._client.usable

    async def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction. One that is left by an exception before COMMIT has sent nothing."""
        return await drive_async(transaction, self._carry_out)

    async def _carry_out(self, step: Step) -> Rows:
        match step:
            case Begin():
                self._batch = _Batch()
            case Execute():
                return self._batch.add(step)
            case Commit():
                self._batch.fill(await self._client.post(self._endpoint, self._batch.body()))
        return Rows(())

    async def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        await self._client.close()
