"""What a driver really dials for a URL, said before any packet is sent.

The serverless drivers keep the host of a Postgres URL, drop its port, and dial 443: whoever sees that
written down beforehand does not look for the fault in the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from repro.persistence.dsn import HostPort, MalformedUrl, Url, parse_port, parse_url

DEFAULT_PORTS = {
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address that will be dialled.

    Args:
        url: without user, password and query.
        host: a name, an address, or a folder with a Unix socket.
        port: 1 to 65535.
        protocol: ``postgresql``, ``redis``, ``rediss``, ``http``, ``https``, ``ws`` or ``wss``.
    """

    url: str
    host: str
    port: int
    protocol: str


def tcp_endpoints(url: str, environ: Mapping[str, str]) -> list[Endpoint]:
    """What a driver dials that speaks Postgres's own protocol: each host of the URL, in order.

    Args:
        url: the database's URL; libpq's ``host``, ``hostaddr`` and ``port`` parameters in its query are
            followed.
        environ: where ``PGHOST``, ``PGHOSTADDR`` and ``PGPORT`` are looked up, for what the URL leaves out.

    Raises:
        MalformedUrl: if the URL or a port cannot be read.
    """
    return _endpoints(parse_url(url), environ)


def _endpoints(url: Url, environ: Mapping[str, str]) -> list[Endpoint]:
    return [
        Endpoint(f"postgresql://{_host_in_url(each.host)}:{port}", each.host, port, "postgresql")
        for each in postgres_hosts(url, environ)
        for port in [each.port or DEFAULT_PORTS["postgresql"]]
    ]


def asyncpg_endpoints(url: str, environ: Mapping[str, str]) -> list[Endpoint]:
    """What asyncpg dials: as `tcp_endpoints`, but it follows no ``hostaddr`` and no ``PGHOSTADDR``."""
    parts = parse_url(url)
    query = {name: value for name, value in parts.query.items() if name != "hostaddr"}
    known = {name: value for name, value in environ.items() if name != "PGHOSTADDR"}
    return _endpoints(replace(parts, query=query), known)


def postgres_hosts(url: Url, environ: Mapping[str, str]) -> list[HostPort]:
    """The hosts that libpq would try for a URL, in order; ``localhost`` where nothing names one.

    Raises:
        MalformedUrl: if a port is none, or there are neither one nor as many ports as hosts.
    """
    written = [each.host for each in url.hosts]
    names = _first_list(
        # libpq dials hostaddr wherever it comes from, whatever the host is called
        url.query.get("hostaddr"), environ.get("PGHOSTADDR"),
        url.query.get("host"), ",".join(written).strip(","), environ.get("PGHOST"),
    ) or ["localhost"]  # fmt: skip
    ports = [each.port for each in url.hosts]
    if "port" in url.query or not any(ports):
        texts = _first_list(url.query.get("port"), environ.get("PGPORT"))
        ports = [parse_port(text) for text in texts] or [None]
    if len(ports) == 1:
        ports *= len(names)
    if len(ports) != len(names):
        raise MalformedUrl("it has not as many ports as hosts")
    return [HostPort(name or "localhost", port) for name, port in zip(names, ports, strict=True)]


def _first_list(*candidates: str | None) -> list[str]:
    return next((candidate.split(",") for candidate in candidates if candidate), [])


def neon_fetch_url(url: str, override: str | None = None) -> str:
    """Where Neon's SQL over HTTP is asked for a database's URL.

    The rule is that of ``@neondatabase/serverless``: the first label of the host becomes ``api.``, a host
    without a dot stays, the port is dropped.

    Args:
        url: the database's URL.
        override: the full URL to use instead (``NEON_FETCH_ENDPOINT``).

    Raises:
        MalformedUrl: if the database's URL cannot be read.
    """
    if override:
        return override
    host = _named_host(parse_url(url))
    return f"https://{_host_in_url(re.sub(r'^[^.]+[.]', 'api.', host))}/sql"


def neon_websocket_url(url: str, override: str | None = None) -> str:
    """Where Neon's WebSocket is dialled for a database's URL.

    The rule is that of ``@neondatabase/serverless``: the host is kept and the port is dropped, and only a
    proxy that is given as a text learns the database's address, from ``?address=``.

    Args:
        url: the database's URL.
        override: ``host:port/path`` of another proxy (``NEON_WS_PROXY``), with or without ``ws://`` or ``wss://``.

    Raises:
        MalformedUrl: if the database's URL cannot be read.
    """
    parts = parse_url(url)
    host = _host_in_url(_named_host(parts))
    if not override:
        return f"wss://{host}/v2"
    proxy = override if override.startswith(("ws://", "wss://")) else f"wss://{override}"
    return f"{proxy}?address={host}:{parts.port or DEFAULT_PORTS['postgresql']}"


def http_endpoint(url: str, override: str | None = None) -> Endpoint:
    """What the Neon HTTP driver dials. Arguments and errors are those of `neon_fetch_url`."""
    return _web_endpoint(neon_fetch_url(url, override))


def websocket_endpoint(url: str, override: str | None = None) -> Endpoint:
    """What the Neon WebSocket driver dials. Arguments and errors are those of `neon_websocket_url`."""
    return _web_endpoint(neon_websocket_url(url, override))


def redis_endpoint(url: str) -> Endpoint:
    """What a Redis client dials.

    Args:
        url: ``redis://`` or ``rediss://``.

    Raises:
        MalformedUrl: if the URL cannot be read.
    """
    parts = parse_url(url)
    host, port = parts.host or "localhost", parts.port or DEFAULT_PORTS["redis"]
    return Endpoint(f"{parts.scheme}://{_host_in_url(host)}:{port}", host, port, parts.scheme)


def rest_endpoint(url: str) -> Endpoint:
    """What the Upstash REST client dials.

    Args:
        url: ``https://`` or ``http://``.

    Raises:
        MalformedUrl: if the URL cannot be read.
    """
    return _web_endpoint(url)


def _web_endpoint(url: str) -> Endpoint:
    parts = parse_url(url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 443)
    shown = f":{parts.port}" if parts.port else ""
    path = f"/{quote(parts.path)}" if parts.path else ""
    return Endpoint(
        f"{parts.scheme}://{_host_in_url(parts.host)}{shown}{path}", parts.host, port, parts.scheme
    )


def _named_host(url: Url) -> str:
    if not url.host:
        raise MalformedUrl("it names no host")
    return url.host


def _host_in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else quote(host, safe="")
