"""Proxies in the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import repeated
from repro.diagnose.view import Line, View, failed, is_a, over, said, says
from repro.document import Outcome

_VARIABLES = tuple(
    each
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "WSS_PROXY")
    for each in (name, name.lower())
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080

_PLAIN = frozenset({"http", "ws"})
_LOCAL = re.compile(r"localhost|127\.[\d.]+|::1|0\.0\.0\.0|host\.docker\.internal|[^.:]+")
"""Hosts that a proxy elsewhere cannot reach: this machine, and a name of one label."""

_REFUSED_BY_A_PROXY = frozenset({403, 407, *range(500, 600)})
_HTML = re.compile(r"<!doctype html|<html|Unexpected token '?<", re.IGNORECASE)
_IS_OVER_HTTP = over("http", "websocket")


@dataclass(frozen=True, slots=True)
class _Proxy:
    """A proxy of the environment."""

    scheme: str
    host: str
    port: int


def _proxies(environ: Mapping[str, str]) -> Iterator[_Proxy]:
    for name in _VARIABLES:
        text = environ.get(name)
        if not text:
            continue
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host:
            yield _Proxy(parts.scheme, host, port or _DEFAULT_PORTS.get(parts.scheme, _SOCKS_PORT))


def goes_to_a_proxy(view: View, outcome: Outcome) -> bool:
    """Whether a probe dialled proxies of the environment, and nothing else."""
    if not _IS_OVER_HTTP(outcome):
        return False
    peers = [line["peer"] for line in view.lines(outcome, "connect") if line.get("peer")]
    proxies = [each for each in _proxies(view.environ) if not _is_predicted(outcome, each)]
    lookups = view.lines(outcome, "dns")
    return bool(peers) and all(any(_is_at(peer, each, lookups) for each in proxies) for peer in peers)


def _is_predicted(outcome: Outcome, proxy: _Proxy) -> bool:
    """Whether the setting itself names the address of the proxy: then it was dialled on purpose."""
    return any(
        (endpoint["host"], endpoint["port"]) == (proxy.host, proxy.port) for endpoint in outcome["predicted"]
    )


def _is_at(peer: Mapping[str, Any], proxy: _Proxy, lookups: list[Line]) -> bool:
    answers = [
        address
        for line in lookups
        if line.get("dns.name") == proxy.host
        for address in line.get("dns.answers") or ()
    ]
    return peer["port"] == proxy.port and peer["address"] in {proxy.host, *answers}


def without_proxies(view: View, outcome: Outcome) -> Change | None:
    """The probe without the proxies of its environment; None where a token would go in clear."""
    names = [name for name in _VARIABLES if name in view.environ]
    in_clear = any(
        endpoint["protocol"] in _PLAIN and not _LOCAL.fullmatch(endpoint["host"])
        for endpoint in outcome["predicted"]
    )
    if in_clear or not names:
        return None  # its token would go in clear where it has not gone before
    return Change(
        words="no proxy in the environment",
        probe=outcome["name"],
        command=f"env {' '.join(f'-u {name}' for name in names)} {repeated(outcome['name'])}",
        environment=dict.fromkeys(_VARIABLES),
    )


def _not_reached(view: View) -> list[Outcome]:
    """The proxy refused, or was not there; or its name has no address."""
    return [
        outcome
        for outcome in view.where(_IS_OVER_HTTP)
        if (
            failed("connection_refused", "host_unreachable", "timeout")(outcome)
            and goes_to_a_proxy(view, outcome)
            and all(line.get("failure") for line in view.lines(outcome, "connect"))
        )
        or (failed("dns_nxdomain", "dns_failure")(outcome) and _looked_up_a_proxy(view, outcome))
    ]


def _looked_up_a_proxy(view: View, outcome: Outcome) -> bool:
    names = {line.get("dns.name") for line in view.lines(outcome, "dns") if line.get("failure")}
    proxies = {each.host for each in _proxies(view.environ)}
    return bool(names & proxies) and not any(
        endpoint["host"] in names & proxies for endpoint in outcome["predicted"]
    )


def _captured(view: View) -> list[Outcome]:
    """The proxy was reached, and would not, or could not, carry the request on."""
    return [
        outcome
        for outcome in view.where(_IS_OVER_HTTP)
        if goes_to_a_proxy(view, outcome) and (_says_no(view, outcome) or _loses_what_is_local(view, outcome))
    ]


def _says_no(view: View, outcome: Outcome) -> bool:
    """Whether it is the proxy that answered: to CONNECT, or in the place of a server that speaks HTTP."""
    if is_a("ProxyError", "InvalidProxyStatus", "InvalidProxyMessage")(outcome):
        return True
    plain = any(endpoint["protocol"] in _PLAIN for endpoint in outcome["predicted"])
    status = next((line.get("http.status") for line in view.lines(outcome, "http.response")[-1:]), None)
    return (
        plain
        and status in _REFUSED_BY_A_PROXY
        and outcome["error"] is not None
        and not _is_of_the_api(outcome)
    )


def _is_of_the_api(outcome: Outcome) -> bool:
    """Whether the answer was the API's own, with an error in it."""
    return outcome["error"] is not None and not says("no JSON", "HTTP status")(outcome)


def _loses_what_is_local(view: View, outcome: Outcome) -> bool:
    """Whether a connection to this machine ended at the proxy, before TLS or an answer."""
    return (
        failed("eof", "connection_reset", "timeout", "protocol_mismatch")(outcome)
        and all(_LOCAL.fullmatch(endpoint["host"]) for endpoint in outcome["predicted"])
        and not any(not line.get("failure") for line in view.lines(outcome, "tls.handshake"))
        and not view.lines(outcome, "http.response")
    )


def _socks_without_package(view: View) -> list[Outcome]:
    if not any(each.scheme.startswith("socks") for each in _proxies(view.environ)):
        return []
    return [
        outcome
        for outcome in view.where(_IS_OVER_HTTP, says("socksio", "python-socks", "python_socks"))
        if not view.lines(outcome, "connect")
    ]


def _page(view: View) -> list[Outcome]:
    """HTML came with a status of success, or with the one that captive portals have (RFC 6585, 511)."""
    return [
        outcome
        for outcome in view.where(over("http"), lambda each: _HTML.search(said(each)) is not None)
        if any(_is_success(line.get("http.status")) for line in view.lines(outcome, "http.response")[-1:])
    ]


def _is_success(status: object) -> bool:
    return isinstance(status, int) and (200 <= status < 300 or status == 511)


def _around_the_proxy(view: View, outcome: Outcome) -> Change | None:
    return without_proxies(view, outcome) if goes_to_a_proxy(view, outcome) else None


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="px-socks-extra-missing",
        layer="proxy",
        title="The environment names a SOCKS proxy, and the driver has no package for SOCKS",
        summary="ALL_PROXY, or another of the proxy variables, names socks5://…, mostly for a browser. httpx and websockets "
        "read it too, and need a package that is not installed. Nothing was dialled.",
        suspects=_socks_without_package,
        ops=(),
        symptoms={
            "httpx, upstash-redis": "ImportError: Using SOCKS proxy, but the 'socksio' package is not installed",
            "websockets": "ImportError: python-socks is required to use a SOCKS proxy",
            "psycopg, asyncpg, redis-py": "nothing: they read no proxy",
        },
        apart={"px-env-down": "nothing was dialled"},
        fix=(
            "Take the variable out of this program's environment, or name the host in NO_PROXY.",
            "Where the proxy is needed: pip install 'httpx[socks]' python-socks.",
        ),
        links=("https://www.python-httpx.org/environment_variables/",),
        change=without_proxies,
    ),
    Cause(
        id="px-env-down",
        layer="proxy",
        title="The proxy of the environment cannot be reached",
        summary="The driver dialled the address of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, and not the server's; nobody answered "
        "there. Its error names no proxy. Often a VPN or a debugging proxy has been closed.",
        suspects=_not_reached,
        ops=("connect", "dns"),
        symptoms={
            "httpx, upstash-redis": "ConnectError: [Errno 111] Connection refused",
            "websockets": "ConnectionRefusedError, with the proxy's address",
            "psycopg, asyncpg, redis-py": "nothing: they read no proxy",
        },
        apart={
            "tcp-refused": "the refused address is the proxy's, and not the one of the setting",
            "sl-localhost-443": "the refused address is the proxy's, and not a derived one",
            "dns-nxdomain": "the name without an address is not the one of the setting",
        },
        fix=(
            "Take the proxy out of the environment, or start it.",
            "Name the hosts that need none in NO_PROXY.",
        ),
        links=("https://github.com/HaujetZhao/CapsWriter-Offline/issues/314",),
        change=without_proxies,
    ),
    Cause(
        id="px-captive-html",
        layer="proxy",
        title="A web page came, with success, where the API's JSON should",
        summary="The answer has a status of success and is HTML. A proxy, a captive portal or a login page stands in between, or "
        "the setting names a website and not its API. What became of the request is not known: the API has most "
        "likely not seen it.",
        suspects=_page,
        ops=(),
        symptoms={
            "@neondatabase/serverless": "SyntaxError: Unexpected token '<', \"<html>…\" is not valid JSON",
            "@upstash/redis": "UpstashJSONParseError: Unable to parse response body: <html>…",
            "httpx, upstash-redis": "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        },
        apart={"up-html-or-closed": "the status says success: it is no error page"},
        fix=(
            "Open the URL of the setting in a browser on this network, and log in where that is asked.",
            "Name the API's host in NO_PROXY, where a proxy is in the environment.",
            "Correct the setting, where the page is that host's own.",
        ),
        links=("https://github.com/upstash/redis-js",),
        change=_around_the_proxy,
    ),
    Cause(
        id="px-env-hijacks-local",
        layer="proxy",
        title="A proxy of the environment takes the call, and does not carry it on",
        summary="HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is set, and NO_PROXY does not name the host. The driver dialled the proxy, "
        "which refused to connect, or answered in the server's place. Drivers that read no proxy get through.",
        suspects=_captured,
        ops=("http.response",),
        symptoms={
            "httpx, upstash-redis": "403 with an empty body, or ProxyError: 403 Forbidden",
            "websockets": "InvalidProxyStatus: proxy rejected connection: HTTP 403",
            "psycopg, asyncpg, pg, redis-py": "nothing: they read no proxy",
        },
        apart={
            "ws-upgrade-rejected": "it is the proxy that answered: its address was dialled",
            "up-html-or-closed": "it is the proxy that answered: its address was dialled",
            "up-401": "it is the proxy that answered: its address was dialled",
        },
        fix=(
            "NO_PROXY=localhost,127.0.0.1 and whatever else needs no proxy.",
            "Or let the client read none: trust_env=False for httpx, proxy=None for websockets.",
        ),
        links=(
            "https://github.com/HaujetZhao/CapsWriter-Offline/issues/314",
            "https://github.com/windmill-labs/windmill/pull/9324",
        ),
        change=without_proxies,
    ),
)
