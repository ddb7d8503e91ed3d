"""The gateway in front of a real Valkey, through the lab and over TLS."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import redis

from repro.lab.upstash.app import create_app

Run = Callable[..., httpx.Response]
Headers = dict[str, str]
BASE64 = {"Upstash-Encoding": "base64"}


def test_one_command(run: Run, key: str) -> None:
    response = run("SET", key, 1)
    assert (response.status_code, response.json()) == (200, {"result": "OK"})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["upstash-sync-token"]
    assert run("incr", key).json() == {"result": 2}
    assert run("get", f"{key}:absent").json() == {"result": None}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_path_style(rest: httpx.Client, key: str, method: str) -> None:
    assert rest.request(method, f"/set/{key}/a%2Fb%20%C3%A9?EX=100").json() == {"result": "OK"}
    assert rest.request(method, f"/get/{key}").json() == {"result": "a/b é"}
    assert 0 < rest.request(method, f"/ttl/{key}").json()["result"] <= 100


def test_a_body_is_appended_before_query_parameters(
    rest: httpx.Client, key: str, server: redis.Redis
) -> None:
    assert rest.post(f"/set/{key}?EX=100", content=b"\x00\xff/raw").json() == {"result": "OK"}
    assert server.get(key) == b"\x00\xff/raw"
    assert server.ttl(key) == 100


def test_head_has_no_body(rest: httpx.Client, key: str) -> None:
    response = rest.head(f"/get/{key}")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_other_methods(rest: httpx.Client, method: str) -> None:
    response = rest.request(method, "/get/x")
    assert (response.status_code, list(response.json())) == (405, ["error"])


def test_token_as_parameter(rest: httpx.Client, key: str) -> None:
    token = rest.headers["Authorization"].removeprefix("Bearer ")
    response = rest.get(f"/set/{key}/v", params={"_token": token}, headers={"Authorization": ""})
    assert response.json() == {"result": "OK"}
    assert rest.get(f"/get/{key}").json() == {"result": "v"}


@pytest.mark.parametrize("path", ["/", "/get/x", "/pipeline", "/multi-exec"])
@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer", "", "Basic eA=="])
def test_a_bad_token(rest: httpx.Client, path: str, authorization: str) -> None:
    response = rest.post(path, headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.json() == {"error": "WRONGPASS invalid or missing auth token"}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nonsense"], "ERR unknown command 'nonsense', with args beginning with: "),
        (["get"], "ERR wrong number of arguments for 'get' command"),
        (["eval", "return redis.error_reply('MINE no')", 0], "MINE no"),
        ([], "ERR empty command"),
        ([None], "ERR null args are not supported"),
    ],
)
def test_errors_are_400_in_the_words_of_the_server(run: Run, words: list[object], error: str) -> None:
    response = run(*words)
    assert (response.status_code, response.json()) == (400, {"error": error})


def test_eval(run: Run, key: str) -> None:
    script = "redis.call('rpush', KEYS[1], ARGV[1]); return {redis.call('llen', KEYS[1]), 'x', {false}}"
    assert run("EVAL", script, 1, key, "a").json() == {"result": [1, "x", [None]]}


def test_pipeline_goes_on_after_an_error(rest: httpx.Client, key: str) -> None:
    commands = [["rpush", key, "a"], ["incr", key], ["config", "get", "requirepass"], ["lrange", key, 0, -1]]
    response = rest.post("/pipeline", json=commands)
    assert response.status_code == 200
    assert response.json() == [
        {"result": 1},
        {"error": "WRONGTYPE Operation against a key holding the wrong kind of value"},
        {"error": "ERR Command is not available: 'CONFIG'"},
        {"result": ["a"]},
    ]


def test_transaction(rest: httpx.Client, key: str) -> None:
    commands = [["rpush", key, "a"], ["incr", key], ["lrange", key, 0, -1]]
    response = rest.post("/multi-exec", json=commands, headers=BASE64)
    assert response.status_code == 200
    error = {"error": "WRONGTYPE Operation against a key holding the wrong kind of value"}
    assert response.json() == [{"result": 1}, error, {"result": ["YQ=="]}]


@pytest.mark.parametrize("bad", [["get"], ["nonsense"], ["multi"], ["subscribe", "x"]])
def test_a_transaction_is_discarded_as_a_whole(rest: httpx.Client, key: str, bad: list[str]) -> None:
    response = rest.post("/multi-exec", json=[["set", key, "x"], bad])
    assert (response.status_code, list(response.json())) == (400, ["error"])
    assert rest.get(f"/exists/{key}").json() == {"result": 0}


@pytest.mark.parametrize("path", ["/pipeline", "/multi-exec"])
@pytest.mark.parametrize("content", ["", "{}", "[]", '["get","a"]', "[[]]", "[[1"])
def test_bodies_that_cannot_be_read(rest: httpx.Client, path: str, content: str) -> None:
    response = rest.post(path, content=content)
    assert (response.status_code, list(response.json())) == (400, ["error"])


def test_base64_of_bytes_that_are_no_text(run: Run, server: redis.Redis, key: str) -> None:
    server.rpush(key, b"\xff\x00", "OK", "é")
    encoded = run("lrange", key, 0, -1, headers=BASE64).json()["result"]
    assert encoded == [base64.b64encode(b"\xff\x00").decode(), "T0s=", "w6k="]


def test_many_items_come_whole(run: Run, key: str) -> None:
    words = [f"item-{number}" for number in range(20_000)]
    assert run("rpush", key, *words).json() == {"result": 20_000}
    assert run("lrange", key, 0, -1).json() == {"result": words}


def test_a_body_over_the_limit(rest: httpx.Client, key: str) -> None:
    response = rest.post(f"/set/{key}", content=b"x" * (10 * 1024 * 1024 + 1))
    assert response.status_code == 400
    assert response.json()["error"].startswith("ERR max request size exceeded")


@pytest.mark.parametrize(
    "words",
    [
        ["set", "{key}", "x"],
        ["RPUSH", "{key}", "x"],
        ["xgroup", "create", "{key}", "g", "$", "mkstream"],
        ["XGroup", "CREATE", "{key}", "g", "$", "mkstream"],
        ["eval", "return redis.call('set', KEYS[1], 'x')", 1, "{key}"],
        ["script", "flush"],
        ["flushall"],
    ],
)
def test_a_reader_cannot_write(
    rest: httpx.Client, run: Run, key: str, reading: Headers, words: list[Any]
) -> None:
    command = [key if word == "{key}" else word for word in words]
    error = {"error": f"NOPERM this user has no permissions to run the '{words[0].lower()}' command"}
    run(
        "xgroup", "nonsense", key, headers=reading
    )  # asks about the container, which says nothing of its parts
    single = run(*command, headers=reading)
    assert (single.status_code, single.json()) == (400, error)
    both = rest.post("/pipeline", json=[command, ["exists", key]], headers=reading)
    assert both.json() == [error, {"result": 0}]
    whole = rest.post("/multi-exec", json=[["get", key], command], headers=reading)
    assert (whole.status_code, whole.json()) == (400, error)


def test_a_reader_can_read(run: Run, server: redis.Redis, key: str, reading: Headers) -> None:
    server.set(key, "v")
    assert run("get", key, headers=reading).json() == {"result": "v"}
    assert run("eval_ro", "return redis.call('get', KEYS[1])", 1, key, headers=reading).json() == {
        "result": "v"
    }
    assert run("eval_ro", "return redis.call('del', KEYS[1])", 1, key, headers=reading).status_code == 400
    assert server.get(key) == b"v"


@pytest.mark.parametrize(
    "words",
    [
        *(["shutdown"], ["monitor"], ["config", "set", "save", ""], ["debug", "sleep", 0], ["acl", "list"]),
        *(["select", 1], ["auth", "x"], ["hello", 3], ["client", "reply", "off"], ["quit"], ["reset"]),
        *(["multi"], ["exec"], ["watch", "x"], ["subscribe", "x"], ["psubscribe", "x"]),
        *(["blpop", "x", 0], ["wait", 1, 0], ["xread", "BLOCK", 0, "STREAMS", "x", "$"]),
    ],
    ids=lambda words: str(words[0]),
)
def test_what_a_shared_connection_cannot_do(run: Run, words: list[Any]) -> None:
    response = run(*words)
    error = {"error": f"ERR Command is not available: '{words[0].upper()}'"}
    assert (response.status_code, response.json()) == (400, error)
    assert run("ping").json() == {"result": "PONG"}


def test_streams_are_read_without_waiting(run: Run, key: str) -> None:
    run("xadd", f"{key}:block", "1-1", "f", "v")
    assert run("xread", "streams", f"{key}:block", "0").json() == {
        "result": [[f"{key}:block", [["1-1", ["f", "v"]]]]]
    }


def test_publishing_is_allowed(run: Run) -> None:
    assert run("publish", "channel", "x").json() == {"result": 0}


def test_the_server_is_not_there() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can take the port, and it refuses
        bound.bind(("127.0.0.1", 0))
        response = asyncio.run(_get("/get/x", bound.getsockname(), "password"))
    assert (response.status_code, response.json()) == (500, {"error": "ERR the database cannot be reached"})


def test_the_server_refuses_the_password(address: tuple[str, int]) -> None:
    response = asyncio.run(_get("/get/x", address, "wrong"))
    assert response.status_code == 500
    assert response.json() == {"error": "ERR the database refused the gateway's password"}


async def _get(path: str, address: tuple[str, int], password: str) -> httpx.Response:
    app: Any = create_app(redis=address, password=password, token="t", read_only_token="r")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway.test"
    ) as client:
        return await client.get(path, params={"_token": "t"})
