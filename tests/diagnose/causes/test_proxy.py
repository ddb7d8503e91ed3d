"""Faults of proxies, and their look-alikes."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID, proxy
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import connect, outcome

PROXY = {"HTTPS_PROXY": "http://127.0.0.1:8888", "HTTP_PROXY": "http://127.0.0.1:8888"}
NAMED = {"https_proxy": "proxy.corp:8888"}
PAGE = "no JSON: <!DOCTYPE html><html>"


def rest(failure: str, *, protocol: str = "https", host: str = "localhost", **error: Any) -> Outcome:
    return outcome(
        "push.upstash-rest",
        port=443,
        protocol=protocol,
        transport="http",
        host=host,
        failure=failure,
        **error,
    )


def response(status: int) -> dict[str, Any]:
    return {"seq": 2, "op": "http.response", "peer": None, "http.status": status, "failure": None}


def lookup(name: str, *answers: str) -> dict[str, Any]:
    return {
        "seq": 1, "op": "dns", "peer": None, "dns.name": name, "dns.answers": list(answers),
        "failure": None if answers else "dns_nxdomain",
    }  # fmt: skip


REFUSED = rest("connection_refused")
TO_PROXY, TO_SERVER = connect(8888), connect(443)
SECURED = {"seq": 2, "op": "tls.handshake", "peer": None, "failure": None}
DENIED = rest("http_status", type="httpx.ProxyError", message="403 Forbidden")
NO_SOCKS = rest("unsupported", operation="connect", message="No module named 'socksio'")


@pytest.mark.parametrize(
    ("failing", "events", "environ", "cause"),
    [
        (REFUSED, [connect(8888, "ECONNREFUSED")], PROXY, "px-env-down"),
        (REFUSED, [connect(443, "ECONNREFUSED")], PROXY, None),
        (REFUSED, [connect(8888, "ECONNREFUSED")], {}, None),
        (REFUSED, [lookup("proxy.corp", "10.0.0.8"), connect(8888, "ECONNREFUSED", "10.0.0.8")], NAMED,
         "px-env-down"),
        (REFUSED, [lookup("proxy.corp", "10.0.0.8"), connect(8888, "ECONNREFUSED", "10.0.0.9")], NAMED, None),
        (rest("dns_nxdomain", operation="resolve"), [lookup("proxy.corp")], NAMED, "px-env-down"),
        (rest("dns_nxdomain", operation="resolve"), [lookup("other.corp")], NAMED, None),
        (outcome("tcp.raw", failure="connection_refused"), [connect(8888, "ECONNREFUSED")], PROXY, None),
        (DENIED, [TO_PROXY, response(403)], PROXY, "px-env-hijacks-local"),
        (DENIED, [TO_SERVER, response(403)], PROXY, None),
        (rest("auth_failed", protocol="http", message="HTTP status 403, no JSON result: "),
         [TO_PROXY, response(403)], PROXY, "px-env-hijacks-local"),
        (rest("auth_failed", protocol="http", message="HTTP status 401, no JSON result: "),
         [TO_PROXY, response(401)], PROXY, None),
        (rest("auth_failed", message="HTTP status 403, no JSON result: "),
         [TO_PROXY, response(403)], PROXY, None),
        (rest("eof"), [TO_PROXY], PROXY, "px-env-hijacks-local"),
        (rest("eof", host="eu.upstash.io"), [TO_PROXY], PROXY, None),
        (rest("eof"), [TO_PROXY, SECURED], PROXY, None),
        (rest("tls_unknown_authority", operation="tls"), [TO_PROXY], PROXY, None),
        (NO_SOCKS, [], {"ALL_PROXY": "socks5://127.0.0.1:1080"}, "px-socks-extra-missing"),
        (NO_SOCKS, [], PROXY, None),
        (rest("protocol_mismatch", message=PAGE), [TO_PROXY, response(200)], PROXY, "px-captive-html"),
        (rest("protocol_mismatch", message=PAGE), [TO_SERVER, response(200)], {}, "px-captive-html"),
        (rest("http_status", message=PAGE), [TO_SERVER, response(502)], {}, None),
        (rest("protocol_mismatch", message="no JSON: pong"), [TO_SERVER, response(200)], {}, None),
    ],
)  # fmt: skip
def test_proxies_by_their_evidence(failing: Outcome, events: Any, environ: Any, cause: str | None) -> None:
    view = View([failing], {failing["name"]: events}, {}, environ)
    known = {each.id for each in proxy.CAUSES}
    assert {each["cause"] for each in engine.findings(view)} & known == ({cause} if cause else set())


def test_the_experiment_takes_the_proxies_away_and_no_token_goes_in_clear() -> None:
    near = BY_ID["px-env-down"].change(View([REFUSED], {}, {}, PROXY), REFUSED)
    assert near is not None
    assert {"HTTPS_PROXY", "https_proxy"} <= near.environment.keys()
    assert set(near.environment.values()) == {None}
    far = rest("connection_refused", protocol="http", host="redis.example.com")
    assert BY_ID["px-env-down"].change(View([far], {}, {}, PROXY), far) is None
    direct = rest("protocol_mismatch", message=PAGE)
    assert BY_ID["px-captive-html"].change(View([direct], {}, {}, PROXY), direct) is None
