"""What is dialled for a URL, said beforehand; and how URLs are taken apart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.persistence import endpoints
from repro.persistence.drivers import neon_http, neon_websocket
from repro.persistence.dsn import HostPort, MalformedUrl, parse_url
from repro.persistence.endpoints import (
    Endpoint,
    http_endpoint,
    redis_endpoint,
    rest_endpoint,
    tcp_endpoints,
    websocket_endpoint,
)

ORIGIN = "postgresql://user:password@localhost:55432/db?sslmode=require"


def tcp(host: str, port: int, shown: str | None = None) -> Endpoint:
    return Endpoint(f"postgresql://{shown or host}:{port}", host, port, "postgresql")


def test_the_serverless_drivers_keep_the_host_and_drop_the_port() -> None:
    assert tcp_endpoints(ORIGIN, {}) == [tcp("localhost", 55432)]
    assert websocket_endpoint(ORIGIN) == Endpoint("wss://localhost/v2", "localhost", 443, "wss")
    assert http_endpoint(ORIGIN) == Endpoint("https://localhost/sql", "localhost", 443, "https")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "https://localhost/sql"),
        ("ep-cool-1.eu.test", "https://api.eu.test/sql"),
        ("127.0.0.1", "https://api.0.0.1/sql"),
        ("[::1]", "https://[::1]/sql"),
    ],
)
def test_the_fetch_endpoint_replaces_the_first_label(host: str, url: str) -> None:
    assert neon_http.endpoint_of(f"postgresql://u:p@{host}:5432/db", None) == url


def test_overrides() -> None:
    assert neon_http.endpoint_of(ORIGIN, "https://localhost:1/sql") == "https://localhost:1/sql"
    assert (
        neon_websocket.endpoint_of(ORIGIN, "localhost:1/v2") == "wss://localhost:1/v2?address=localhost:55432"
    )
    assert neon_websocket.endpoint_of(ORIGIN, "ws://localhost:1/v2").startswith(
        "ws://localhost:1/v2?address="
    )
    assert neon_websocket.endpoint_of("postgresql://db.test/x", "proxy.test").endswith(
        "?address=db.test:5432"
    )
    assert websocket_endpoint(ORIGIN, "ws://localhost:1/v2") == Endpoint(
        "ws://localhost:1/v2", "localhost", 1, "ws"
    )


def test_what_is_shown_holds_no_user_and_no_query() -> None:
    override = "https://user:password@host.test:1/sql?token=secret"
    assert http_endpoint(ORIGIN, override) == Endpoint("https://host.test:1/sql", "host.test", 1, "https")


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("postgresql://a.test/db", {}, [tcp("a.test", 5432)]),
        ("postgresql://a.test/db", {"PGPORT": "6000", "PGHOST": "b.test"}, [tcp("a.test", 6000)]),
        ("postgresql:///db", {"PGHOST": "b.test"}, [tcp("b.test", 5432)]),
        ("postgresql:///db", {}, [tcp("localhost", 5432)]),
        ("postgresql://a.test:1,b.test:2/db", {}, [tcp("a.test", 1), tcp("b.test", 2)]),
        ("postgresql://a.test,b.test/db?port=7", {}, [tcp("a.test", 7), tcp("b.test", 7)]),
        ("postgresql://a.test/db?host=c.test&port=9", {}, [tcp("c.test", 9)]),
        ("postgresql://a.test/db", {"PGHOSTADDR": "192.0.2.1"}, [tcp("192.0.2.1", 5432)]),
        ("postgresql://[::1]:5433/db", {}, [tcp("::1", 5433, "[::1]")]),
        ("postgresql:///db?host=/run/pg", {}, [tcp("/run/pg", 5432, "%2Frun%2Fpg")]),
    ],
)
def test_the_hosts_of_a_database_url(url: str, environ: dict[str, str], expected: list[Endpoint]) -> None:
    assert tcp_endpoints(url, environ) == expected


def test_a_plus_sign_is_a_plus_sign() -> None:
    assert parse_url("postgresql://h/db?a=1+1&b&c=%20").query == {"a": "1+1", "b": "", "c": " "}


def test_ports_must_match_hosts() -> None:
    with pytest.raises(MalformedUrl, match="as many ports as hosts"):
        tcp_endpoints("postgresql://a,b,c/db?port=1,2", {})


def test_the_queue_s_endpoints() -> None:
    assert redis_endpoint("rediss://:pw@q.test:1/0") == Endpoint("rediss://q.test:1", "q.test", 1, "rediss")
    assert redis_endpoint("redis://q.test") == Endpoint("redis://q.test:6379", "q.test", 6379, "redis")
    assert rest_endpoint("https://q.test") == Endpoint("https://q.test", "q.test", 443, "https")
    assert rest_endpoint("http://q.test:80") == Endpoint("http://q.test:80", "q.test", 80, "http")


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(user=WORDS, password=WORDS, name=WORDS, value=WORDS, port=st.integers(1, 65535))
def test_what_is_encoded_comes_back(user: str, password: str, name: str, value: str, port: int) -> None:
    user_text, password_text, name_text, value_text = (
        quote(each, safe="") for each in (user, password, name, value)
    )
    url = parse_url(f"scheme://{user_text}:{password_text}@[::1]:{port},host/{name_text}?key={value_text}")
    assert (url.user, url.password, url.path, url.query) == (user, password, name, {"key": value})
    assert url.written_password == password_text
    assert url.hosts == (HostPort("::1", port), HostPort("host", None))


@given(st.text() | st.from_regex(r"\w+://[^ ]*"))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(MalformedUrl):
        parse_url(text)


def test_asyncpg_follows_no_hostaddr() -> None:
    url = "postgresql://db.test:1/d?hostaddr=127.0.0.9"

    (endpoint,) = endpoints.asyncpg_endpoints(url, {"PGHOSTADDR": "127.0.0.8"})

    assert (endpoint.host, endpoint.port) == ("db.test", 1)


@pytest.mark.parametrize("derive", [endpoints.neon_fetch_url, endpoints.neon_websocket_url])
def test_a_url_without_a_host_leads_nowhere(derive: Callable[[str], str]) -> None:
    with pytest.raises(MalformedUrl, match="names no host"):
        derive("postgresql:///db?host=/tmp")
