"""``POST /sql`` against a real Postgres: the lab over TLS, and in this process where time matters."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest

from repro.lab.neon.app import create_app
from repro.lab.neon.limits import Limits
from repro.lab.process import Lab

Post = Callable[..., httpx.Response]
Database = psycopg.Connection[Any]

ERROR_FIELDS = {
    *(
        "message",
        "code",
        "detail",
        "hint",
        "position",
        "internalPosition",
        "internalQuery",
        "severity",
        "where",
    ),
    *("table", "column", "schema", "dataType", "constraint", "file", "line", "routine"),
}


def names(database: Database, table: str) -> list[str]:
    return [name for (name,) in database.execute(f"select name from {table} order by id")]


def test_single_query(post: Post) -> None:
    response = post({"query": "select $1::int as a, $2::text as b", "params": ["7", None]})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert len(response.headers["neon-request-id"]) == 36
    assert response.json() == {
        "rowAsArray": True,
        "fields": [
            {
                "name": name,
                "dataTypeID": oid,
                "tableID": 0,
                "columnID": 0,
                "dataTypeSize": size,
                "dataTypeModifier": -1,
                "format": "text",
            }
            for name, oid, size in (("a", 23, 4), ("b", 25, -1))
        ],
        "rows": [["7", None]],
        "command": "SELECT",
        "rowCount": 1,
    }


def test_without_the_driver_headers_rows_are_objects_of_json_values(post: Post) -> None:
    response = post(
        {"query": "select 1::int2 a, true b, '{1,2}'::int[] c, 1::int8 d, '{\"x\":1}'::json e"},
        {"Neon-Raw-Text-Output": "false", "Neon-Array-Mode": "no"},
    )
    assert response.json()["rows"] == [{"a": 1, "b": True, "c": [1, 2], "d": "1", "e": {"x": 1}}]


def test_insert_counts_and_says_where_columns_come_from(post: Post, table: str) -> None:
    result = post(
        {"query": f"insert into {table} (name) values ($1), ($2) returning id", "params": ["a", "b"]}
    ).json()
    assert (result["command"], result["rowCount"], result["rows"]) == ("INSERT", 2, [["1"], ["2"]])
    assert result["fields"][0]["tableID"] > 0
    assert result["fields"][0]["columnID"] == 1


def test_one_session_a_request(post: Post, table: str, database: Database) -> None:
    for query in ("begin", f"insert into {table} (name) values ('survives')", "rollback"):
        assert post({"query": query}).status_code == 200
    assert names(database, table) == ["survives"]


def test_application_name_reaches_postgres(post: Post, lab: Lab) -> None:
    url = lab.environment["DATABASE_URL"] + "?application_name=pkg%3Anpm%2Fx&sslmode=require"
    result = post({"query": "show application_name"}, {"Neon-Connection-String": url})
    assert result.json()["rows"] == [["pkg:npm/x"]]


def test_host_and_port_of_the_header_are_not_dialled(post: Post, lab: Lab) -> None:
    url = urlsplit(lab.environment["DATABASE_URL"])
    elsewhere = f"postgres://{url.username}:{url.password}@db.invalid:1{url.path}"
    assert post({"query": "select 1"}, {"Neon-Connection-String": elsewhere}).json()["rows"] == [["1"]]


def test_batch_is_one_transaction(post: Post, table: str, database: Database) -> None:
    query = {"query": "select pg_backend_pid(), pg_current_xact_id()"}
    response = post({"queries": [query, {"query": f"insert into {table} (name) values ('a')"}, query]})
    first, insert, last = response.json()["results"]
    assert first["rows"] == last["rows"]
    assert insert["rowCount"] == 1
    assert names(database, table) == ["a"]
    assert not [name for name in response.headers if name.startswith("neon-batch")]


def test_batch_rolls_back_whole(post: Post, table: str, database: Database) -> None:
    insert = {"query": f"insert into {table} (name) values ('dupe')"}
    response = post({"queries": [insert, insert]})
    body = response.json()
    assert response.status_code == 400
    assert set(body) == ERROR_FIELDS
    assert (body["code"], body["severity"], body["constraint"]) == ("23505", "ERROR", "jobs_name_key")
    assert body["detail"] == "Key (name)=(dupe) already exists."
    assert body["hint"] is None
    assert isinstance(body["line"], str)
    assert names(database, table) == []


def test_batch_of_nothing(post: Post) -> None:
    assert post({"queries": []}).json() == {"results": []}


def test_batch_options_hold_and_are_echoed(post: Post, table: str) -> None:
    headers = {
        "Neon-Batch-Isolation-Level": "Serializable",
        "Neon-Batch-Read-Only": "true",
        "Neon-Batch-Deferrable": "true",
    }
    show = [{"query": f"show transaction_{name}"} for name in ("isolation", "read_only", "deferrable")]
    response = post({"queries": show}, headers)
    assert [result["rows"] for result in response.json()["results"]] == [
        [["serializable"]],
        [["on"]],
        [["on"]],
    ]
    assert {name: response.headers[name] for name in headers} == headers
    refused = post({"queries": [{"query": f"insert into {table} (name) values ('x')"}]}, headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "25006")


def test_array_mode_of_each_query(post: Post) -> None:
    queries = [{"query": "select 1 as a", "arrayMode": False}, {"query": "select 1 as a"}]
    first, second = post({"queries": queries}).json()["results"]
    assert (first["rowAsArray"], first["rows"]) == (False, [{"a": "1"}])
    assert (second["rowAsArray"], second["rows"]) == (True, [["1"]])


def test_a_deferred_constraint_fails_at_commit(post: Post, table: str, database: Database) -> None:
    database.execute(
        f"alter table {table} add constraint late unique (name, id) deferrable initially deferred"
    )
    insert = {"query": f"insert into {table} (id, name) values (1, $1)", "params": ["a"]}
    database.execute(f"alter table {table} drop constraint jobs_pkey, drop constraint jobs_name_key")
    response = post({"queries": [insert, insert]})
    assert (response.status_code, response.json()["constraint"]) == (400, "late")
    assert names(database, table) == []


@pytest.mark.parametrize(
    ("query", "code", "position"),
    [("select nope", "42703", "8"), ("select 1; select 2", "42601", None), ("selekt", "42601", "1")],
)
def test_errors_of_the_database(post: Post, query: str, code: str, position: str | None) -> None:
    response = post({"query": query})
    body = response.json()
    assert (response.status_code, body["code"], body["position"]) == (400, code, position)
    assert set(body) == ERROR_FIELDS


def test_an_error_inside_a_function_has_an_internal_position(post: Post) -> None:
    body = post({"query": "do $$ begin execute 'select nope'; end $$"}).json()
    assert (body["position"], body["internalPosition"], body["internalQuery"]) == (None, "8", "select nope")
    assert "PL/pgSQL" in body["where"]


def test_copy_cannot_be_done_over_http(post: Post) -> None:
    response = post({"query": "copy (select 1) to stdout"})
    assert (response.status_code, response.json()["message"]) == (400, "unexpected message from server")


def test_a_session_that_is_ended_reports_the_fatal_error(post: Post) -> None:
    response = post({"query": "select pg_terminate_backend(pg_backend_pid())"})
    assert (response.status_code, response.json()["code"]) == (400, "57P01")


@pytest.mark.parametrize("part", ["password", "user"])
def test_wrong_credentials(post: Post, lab: Lab, part: str) -> None:
    url = urlsplit(lab.environment["DATABASE_URL"])
    user, password = (url.username, "wrong-password") if part == "password" else ("nobody-here", url.password)
    response = post(
        {"query": "select 1"}, {"Neon-Connection-String": f"postgres://{user}:{password}@localhost/x"}
    )
    body = response.json()
    assert (response.status_code, body["code"], body["severity"]) == (400, "28P01", "FATAL")
    assert body["message"] == f'password authentication failed for user "{user}"'


def test_an_awkward_password(awkward: tuple[dict[str, str], str]) -> None:
    environment, password = awkward
    url = urlsplit(environment["DATABASE_URL"])
    string = f"postgres://{url.username}:{quote(password, safe='')}@localhost{url.path}"
    context = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
    response = httpx.post(
        environment["NEON_FETCH_ENDPOINT"],
        json={"query": "select current_user as who"},
        headers={"Neon-Connection-String": string},
        verify=context,
        trust_env=False,
    )
    assert response.json()["rows"] == [{"who": url.username}]


def test_unknown_database(post: Post, lab: Lab) -> None:
    url = urlsplit(lab.environment["DATABASE_URL"])
    string = f"postgres://{url.username}:{url.password}@localhost/no-such"
    response = post({"query": "select 1"}, {"Neon-Connection-String": string})
    assert (response.status_code, response.json()["code"]) == (400, "3D000")


def test_missing_connection_string(lab: Lab, client: httpx.Client) -> None:
    response = client.post(lab.environment["NEON_FETCH_ENDPOINT"], content='{"query":"select 1"}')
    assert response.status_code == 400
    assert response.json()["message"] == "invalid header: neon-connection-string"
    assert set(response.json()) == ERROR_FIELDS


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/sql"), ("POST", "/"), ("PUT", "/sql"), ("POST", "/sql/x")]
)
def test_what_is_not_served(lab: Lab, client: httpx.Client, method: str, path: str) -> None:
    url = lab.environment["NEON_FETCH_ENDPOINT"].removesuffix("/sql") + path
    response = client.request(method, url)
    assert (response.status_code, response.json()) == (400, "query is not supported")
    assert response.headers["neon-request-id"]


def test_preflight(lab: Lab, client: httpx.Client) -> None:
    response = client.options(lab.environment["NEON_FETCH_ENDPOINT"])
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["allow"] == "OPTIONS, POST"
    assert "Neon-Connection-String" in response.headers["access-control-allow-headers"]
    assert response.headers["access-control-max-age"] == "86400"


def test_request_of_exactly_the_limit_and_one_byte_more(post: Post) -> None:
    limit = 10 * 1024 * 1024
    frame = len(json.dumps({"query": "select length($1)", "params": [""]}, separators=(",", ":")))
    accepted = post({"query": "select length($1)", "params": ["x" * (limit - frame)]})
    assert accepted.json()["rows"] == [[str(limit - frame)]]
    refused = post({"query": "select length($1)", "params": ["x" * (limit - frame + 1)]})
    assert (refused.status_code, refused.json()["message"]) == (
        413,
        f"request is too large (max is {limit} bytes)",
    )


@pytest.mark.parametrize(
    "query", ["select repeat('x', 11000000)", "select repeat('x', 1000) from generate_series(1, 11000)"]
)
def test_response_over_the_limit(post: Post, query: str) -> None:
    response = post({"query": query})
    assert response.status_code == 507
    assert response.json()["message"] == "response is too large (max is 10485760 bytes)"


def test_a_batch_that_is_too_large_is_rolled_back(post: Post, table: str, database: Database) -> None:
    insert = {"query": f"insert into {table} (name) values ('x')"}
    assert post({"queries": [insert, {"query": "select repeat('x', 11000000)"}]}).status_code == 507
    assert names(database, table) == []


def test_postgres_is_not_there(post_to: Post) -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can take the port, and it refuses
        bound.bind(("127.0.0.1", 0))
        app = create_app(postgres=bound.getsockname())
        response = post_to(app, "postgres://u:p@h/d", {"query": "select 1"})
    assert (response.status_code, response.json()["message"]) == (500, "Couldn't connect to compute node")


def test_a_query_beyond_the_deadline_is_cancelled(
    post_to: Post, lab: Lab, postgres: tuple[str, int], database: Database
) -> None:
    mark = f"deadline {secrets.token_hex(4)}"
    app = create_app(postgres=postgres, limits=Limits(request_s=0.5))
    response = post_to(app, lab.environment["DATABASE_URL"], {"query": f"select pg_sleep(600) /* {mark} */"})
    assert response.status_code == 400
    assert response.json() == {"message": "Query cancelled, connection was terminated", "code": "08P01"}
    assert running(database, mark) == 0


def test_a_client_that_leaves_stops_its_query(
    lab: Lab, postgres: tuple[str, int], database: Database
) -> None:
    mark = f"departure {secrets.token_hex(4)}"
    body = json.dumps({"queries": [{"query": f"select pg_sleep(600) /* {mark} */"}]}).encode()
    headers = [(b"neon-connection-string", lab.environment["DATABASE_URL"].encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/sql",
        "raw_path": b"/sql",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }
    inbox = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if inbox:
            return inbox.pop()
        while not running(database, mark):
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pytest.fail(f"a client that left was sent {message['type']}")

    app: Any = create_app(postgres=postgres)
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 60))
    assert running(database, mark) == 0


def running(database: Database, mark: str) -> int:
    row = database.execute(
        "select count(*) from pg_stat_activity"
        " where state = 'active' and query like %s and pid <> pg_backend_pid()",
        [f"%{mark}%"],
    ).fetchone()
    assert row is not None
    count: int = row[0]
    return count
