"""Neon's SQL over HTTP: the whole transaction as one POST.

The protocol is that of ``@neondatabase/serverless``: statements with their parameters as text, the
connection string in a header, rows as text with the types' OIDs. Statements are collected until COMMIT;
nothing is sent before it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from repro.persistence.endpoints import neon_fetch_url
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, Transaction, Value, drive, drive_async
from repro.persistence.text_format import from_text, to_text

T = TypeVar("T")

MAX_REQUEST_BYTES = 10 * 1024 * 1024
"""What Neon's proxy takes by default; it answers more with 413."""

MAX_BODY_SHOWN = 300
"""Characters of an unexpected answer that are kept in an error."""

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


class BatchTooLargeError(ValueError):
    """The transaction is over `MAX_REQUEST_BYTES`; nothing of it was sent."""


_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    BatchTooLargeError,
)


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
    target = _target(url, endpoint)
    return NeonHttpDriver(httpx.Client(timeout=_limits(timeouts)), target)


async def connect_async(
    url: str,
    *,
    endpoint: str | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> AsyncNeonHttpDriver:
    """`connect` for the async driver."""
    target = _target(url, endpoint)
    return AsyncNeonHttpDriver(httpx.AsyncClient(timeout=_limits(timeouts)), target)


def _limits(timeouts: Timeouts) -> httpx.Timeout:
    return httpx.Timeout(timeouts.statement_s, connect=timeouts.connect_s)


@dataclass(frozen=True, slots=True)
class _Target:
    endpoint: str
    headers: dict[str, str]


def _target(url: str, endpoint: str | None) -> _Target:
    headers = {
        "Neon-Connection-String": quote(url, safe="".join(map(chr, range(0x21, 0x7F)))),
        "Neon-Raw-Text-Output": "true",
        "Neon-Array-Mode": "true",
        "Neon-Batch-Isolation-Level": "ReadCommitted",
        "Content-Type": "application/json",
    }
    return _Target(endpoint_of(url, endpoint), headers)


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
        raise NeonError("the answer is no result of a batch", status=response.status_code) from error
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
    body = _json(response)
    if response.status_code != httpx.codes.BAD_REQUEST or not isinstance(body, dict):
        text = " ".join(response.text.split())[:MAX_BODY_SHOWN]
        return NeonError(
            f"Server error (HTTP status {response.status_code}): {text}", status=response.status_code
        )
    return NeonError(
        str(body.get("message") or body.get("msg") or "no message"),
        status=response.status_code,
        sqlstate=body.get("code") or None,
        severity=body.get("severity") or None,
        detail=body.get("detail") or None,
    )


def _json(response: httpx.Response) -> object:
    try:
        body: object = response.json()
    except ValueError:
        return None
    return body


class NeonHttpDriver:
    """Runs transactions as batches; `NeonError` and httpx's errors come from COMMIT.

    Args:
        client: closed with the driver.
        target: where to, and with which headers.
    """

    interactive = False
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT

    def __init__(self, client: httpx.Client, target: _Target) -> None:
        self._client = client
        self._target = target
        self._batch = _Batch()

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
                target, body = self._target, self._batch.body()
                self._batch.fill(self._client.post(target.endpoint, content=body, headers=target.headers))
        return Rows(())

    def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        self._client.close()


class AsyncNeonHttpDriver:
    """A `NeonHttpDriver` that is awaited."""

    interactive = False
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT

    def __init__(self, client: httpx.AsyncClient, target: _Target) -> None:
        self._client = client
        self._target = target
        self._batch = _Batch()

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
                target, body = self._target, self._batch.body()
                response = await self._client.post(target.endpoint, content=body, headers=target.headers)
                self._batch.fill(response)
        return Rows(())

    async def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        await self._client.aclose()
