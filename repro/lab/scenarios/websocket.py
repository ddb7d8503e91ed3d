"""WebSockets that are refused, answered by others, or cut."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

from repro.lab.faults import Cut, Fault, FaultRelay, Replace, WebSocketPayload
from repro.lab.faults.authority import signed
from repro.lab.faults.fault import Action
from repro.lab.faults.fronts import tls_before
from repro.lab.faults.servers import Handler, accepting_wrongly, answering, serving, without_extensions
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import DATABASE, of_the_lab

_CLIENTS = ("ws.neon", "node.neon-ws", "node.drizzle-vercel-pool")
_FIRST_NODE_WITH_WEBSOCKET = 22


@contextlib.contextmanager
def _proxy_at(lab: Lab, port: int) -> Iterator[Scene]:
    """The lab's Postgres, and for its WebSocket whoever is at a port, with TLS before it."""
    with signed("localhost") as shown, tls_before("tls", ("127.0.0.1", port), shown.context) as front:
        scene = of_the_lab(lab, *DATABASE, "POSTGRES_URL", NEON_WS_PROXY=f"localhost:{front}/v2")
        trust = {"SSL_CERT_FILE": str(shown.ca), "NODE_EXTRA_CA_CERTS": str(shown.ca)}
        yield Scene(scene.variables, {**scene.environment, **trust})


def _proxy_served_by(handler: Handler) -> Stage:
    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with serving(handler) as port, _proxy_at(lab, port) as scene:
            yield scene

    return stage


def _tunnel_behind(fault: Fault) -> Stage:
    """The lab's own tunnel behind a relay with a fault in it, which can read no compressed frames."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        tunnel = urlsplit(lab.plain["NEON_WS_PROXY"]).port or 0
        with (
            FaultRelay(("127.0.0.1", tunnel), fault) as relay,
            serving(without_extensions(relay.port)) as port,
            _proxy_at(lab, port) as scene,
        ):
            yield scene

    return stage


@contextlib.contextmanager
def as_it_is(lab: Lab) -> Iterator[Scene]:
    """The lab, with nothing wrong in it: the mistake is the specimen's."""
    yield of_the_lab(lab, *DATABASE, "POSTGRES_URL")


def _lacks_a_node_without_websocket() -> str | None:
    try:
        told = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None  # said elsewhere
    newer = int(told.stdout.removeprefix("v").partition(".")[0]) >= _FIRST_NODE_WITH_WEBSOCKET
    return f"Node {told.stdout.strip()} has a WebSocket of its own" if newer else None


def _at_the_first_insert(action: Action) -> Stage:
    return _tunnel_behind(Fault(lambda: WebSocketPayload("client", b"INSERT"), action, None))


_CLOSE_TOO_BIG = b"\x88\x02\x03\xf1"
"""A close frame with the code 1009 (RFC 6455, 5.5.1)."""

_A_GIGABYTE_BEGINS = b"\x82\x7f" + (1 << 30).to_bytes(8, "big")
"""The header of a binary frame, after which a client that has a limit does not wait for the rest."""

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="ws-no-constructor",
        cause="ws-no-constructor",
        title="nobody told Neon's package which WebSocket to take, and this Node has none",
        stage=as_it_is,
        only=("specimen.node-neon-no-constructor",),
        proof="confirmed",
        lacks=_lacks_a_node_without_websocket,
    ),
    Scenario(
        name="ws-bad-accept",
        cause="ws-bad-accept",
        title="101 comes with the accept of another request",
        stage=_proxy_served_by(accepting_wrongly),
        only=_CLIENTS,
        proof="confirmed",
    ),
    Scenario(
        name="ws-not-upgraded",
        cause="ws-not-upgraded",
        title="a web server answers the upgrade with a page",
        stage=_proxy_served_by(answering("200 OK", "<html><body>It works!</body></html>")),
        only=_CLIENTS,
        proof="confirmed",
    ),
    Scenario(
        name="ws-not-upgraded-path",
        cause="ws-not-upgraded",
        title="no WebSocket is at this path",
        stage=_proxy_served_by(answering("404 Not Found", "no such path", "text/plain")),
        only=("ws.neon", "node.neon-ws"),
        proof="confirmed",
    ),
    Scenario(
        name="ws-upgrade-rejected",
        cause="ws-upgrade-rejected",
        title="the upgrade is answered with 403",
        stage=_proxy_served_by(answering("403 Forbidden", "not allowed", "text/plain")),
        only=_CLIENTS,
        proof="confirmed",
    ),
    Scenario(
        name="ws-upgrade-rejected-gateway",
        cause="ws-upgrade-rejected",
        title="the upgrade is answered with 502",
        stage=_proxy_served_by(answering("502 Bad Gateway", "<html>bad gateway</html>")),
        only=("ws.neon", "node.neon-ws"),
        proof="confirmed",
    ),
    Scenario(
        name="ws-abnormal-1006",
        cause="ws-abnormal-1006",
        title="the tunnel is cut at the first INSERT",
        stage=_at_the_first_insert(Cut()),
        only=_CLIENTS,
        proof="confirmed",
    ),
    Scenario(
        name="ws-abnormal-1006-reset",
        cause="ws-abnormal-1006",
        title="the tunnel is reset at the first INSERT",
        stage=_at_the_first_insert(Cut(reset=True)),
        only=("ws.neon", "node.neon-ws"),
        proof="confirmed",
    ),
    Scenario(
        name="ws-message-too-big",
        cause="ws-message-too-big",
        title="a message is larger than the client takes",
        stage=_at_the_first_insert(Replace(_A_GIGABYTE_BEGINS)),
        only=("node.neon-ws", "node.drizzle-vercel-pool"),
        proof="confirmed",
    ),
    Scenario(
        name="ws-message-too-big-proxy",
        cause="ws-message-too-big",
        title="a message is larger than the proxy takes",
        stage=_at_the_first_insert(Replace(_CLOSE_TOO_BIG)),
        only=_CLIENTS,
        proof="confirmed",
    ),
)
