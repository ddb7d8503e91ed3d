"""Neon over HTTP: what is sent, what is refused before sending, and what its errors become."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from repro.persistence.drivers import neon_http
from repro.persistence.drivers.neon_http import (
    MAX_REQUEST_BYTES,
    BatchTooLargeError,
    NeonError,
    NeonHttpDriver,
    NeonRefusedError,
)
from repro.persistence.http import HttpClient
from repro.persistence.settings import Settings, Timeouts
from repro.persistence.steps import Execute
from repro.persistence.transaction import single
from tests.persistence.dripping import Dripping

URL = "postgresql://user:pässwörd@localhost:5432/db"

HEADERS = (b"HTTP/1.1 200 OK\r\n", b"X-Drip: drop\r\n")
BODY = (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x")
"""How a server begins an answer, and what it drips."""


def answered(response: httpx.Response, seen: list[httpx.Request] | None = None) -> NeonHttpDriver:
    """A driver whose server gives this answer."""

    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return response

    limits = neon_http._limits(URL, Timeouts())
    client = HttpClient(**limits, transport=httpx.MockTransport(handle))
    return NeonHttpDriver(client, "https://localhost:1/sql")


def result(rows: list[list[str | None]], oid: int = 25) -> dict[str, Any]:
    return {
        "fields": [{"name": "x", "dataTypeID": oid}],
        "rows": rows,
        "command": "SELECT",
        "rowCount": len(rows),
    }


def test_a_transaction_of_one_statement_goes_as_a_batch_too() -> None:
    seen: list[httpx.Request] = []
    with closing(answered(httpx.Response(200, json={"results": [result([["7"]], 20)]}), seen)) as driver:
        rows = driver.run(single(Execute("SELECT $1::int", (["a", '"'],))))
    assert list(rows) == [(7,)]
    (request,) = seen
    assert json.loads(request.content) == {
        "queries": [{"query": "SELECT $1::int", "params": ['{"a","\\""}']}]
    }
    assert request.headers["Neon-Batch-Isolation-Level"] == "ReadCommitted"
    assert request.headers["Neon-Raw-Text-Output"] == request.headers["Neon-Array-Mode"] == "true"
    assert (
        request.headers["Neon-Connection-String"] == "postgresql://user:p%C3%A4ssw%C3%B6rd@localhost:5432/db"
    )


def failed(response: httpx.Response) -> NeonError:
    with closing(answered(response)) as driver, pytest.raises(NeonError) as caught:
        driver.run(single(Execute("SELECT 1")))
    assert caught.value.status == response.status_code
    return caught.value


def test_an_error_of_the_database() -> None:
    body = {"message": "duplicate key", "code": "23505", "severity": "ERROR", "detail": "Key exists."}
    error = failed(httpx.Response(400, json=body))
    assert (str(error), error.sqlstate, error.severity, error.detail) == (
        "duplicate key",
        "23505",
        "ERROR",
        "Key exists.",
    )


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(400, json={"message": "no password", "code": "", "severity": ""}), "no password"),
        (httpx.Response(400, json={"msg": "console says no"}), "console says no"),
        (
            httpx.Response(400, json="query is not supported"),
            r"HTTP status 400\): \"query is not supported\"",
        ),
        (httpx.Response(502, html="<h1>Bad  Gateway</h1>"), r"HTTP status 502\): <h1>Bad Gateway</h1>"),
        (httpx.Response(413, json={"message": "request is too large"}), "HTTP status 413"),
        (httpx.Response(500, text="x" * 10_000), "HTTP status 500"),
        (httpx.Response(200, text="<html>"), "no result of a batch"),
        (httpx.Response(200, json={"results": [{}]}), "no result of a batch"),
        (httpx.Response(200, json={"results": [result([["a", "b"]])]}), "no result of a batch"),
        (httpx.Response(200, json={"results": []}), "not one result for each"),
    ],
)
def test_other_answers_are_errors_without_a_sqlstate(response: httpx.Response, message: str) -> None:
    error = failed(response)
    assert error.sqlstate is None
    with pytest.raises(NeonError, match=message):
        raise error
    assert len(str(error)) < 500


def test_a_batch_over_the_limit_is_refused_before_it_is_sent() -> None:
    seen: list[httpx.Request] = []
    with closing(answered(httpx.Response(500), seen)) as driver, pytest.raises(BatchTooLargeError) as caught:
        driver.run(single(Execute("SELECT $1::text", ("x" * MAX_REQUEST_BYTES,))))
    assert isinstance(caught.value, driver.not_sent)
    assert seen == []


def test_a_wrong_password_is_the_database_s_answer(settings: Settings) -> None:
    url = settings.require_database().replace("@", "x@")
    driver = neon_http.connect(url, endpoint=settings.neon_fetch_endpoint)
    with closing(driver), pytest.raises(NeonError, match="password authentication failed") as caught:
        driver.run(single(Execute("SELECT 1")))
    assert caught.value.status == 400


def test_a_refused_endpoint_is_known_not_to_have_got_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"https://127.0.0.1:{listener.getsockname()[1]}/sql"
    with closing(neon_http.connect(URL, endpoint=endpoint)) as driver, pytest.raises(driver.not_sent):
        driver.run(single(Execute("SELECT 1", (str(uuid.uuid4()),))))


@pytest.mark.parametrize("status", [401, 403, 404, 405, 413, 414, 431, 451])
def test_a_refusal_of_the_proxy_proves_that_nothing_was_executed(status: int) -> None:
    error = failed(httpx.Response(status, json={"message": "no"}))
    assert isinstance(error, NeonRefusedError)
    assert isinstance(error, NeonHttpDriver.not_sent)


@pytest.mark.parametrize(
    "response",
    [
        *(httpx.Response(status, text="no") for status in (408, 409, 425, 429, 499, 500, 502, 503, 504)),
        httpx.Response(302, headers={"Location": "https://elsewhere.test/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(400, json={"message": "out of memory", "code": "53200"}),
    ],
    ids=lambda response: str(response.status_code),
)
def test_any_other_answer_proves_nothing(response: httpx.Response) -> None:
    assert not isinstance(failed(response), NeonHttpDriver.not_sent)


@pytest.mark.parametrize("code", ["", None, 400, "BAD_REQUEST", "2350"])
def test_a_code_that_is_no_sqlstate_is_not_the_database_s(code: object) -> None:
    error = failed(httpx.Response(400, json={"message": "no", "code": code}))
    assert not isinstance(error, NeonHttpDriver.not_sent), "Neon says so too where the answer was lost"
    assert error.sqlstate is None


def committed(endpoint: str, timeouts: Timeouts) -> object:
    with closing(neon_http.connect(URL, endpoint=endpoint, timeouts=timeouts)) as driver:
        return driver.run(single(Execute("SELECT 1")))


def committed_async(endpoint: str, timeouts: Timeouts) -> object:
    async def scenario() -> object:
        driver = await neon_http.connect_async(URL, endpoint=endpoint, timeouts=timeouts)
        try:
            return await driver.run(single(Execute("SELECT 1")))
        finally:
            await driver.close()

    return asyncio.run(scenario())


@pytest.mark.parametrize("way", [committed, committed_async])
@pytest.mark.parametrize("drip", [HEADERS, BODY], ids=["headers", "body"])
def test_an_answer_that_drips_is_ended(
    way: Callable[[str, Timeouts], object], drip: tuple[bytes, bytes]
) -> None:
    with closing(Dripping(*drip)) as server:
        with pytest.raises(TimeoutError, match=r"no answer within 0.4 s; the connection was ended") as caught:
            way(f"http://127.0.0.1:{server.port}/sql", Timeouts(connect_s=0.1, statement_s=0.3))
        assert not isinstance(caught.value, NeonHttpDriver.not_sent)
        assert server.left.wait(20)
