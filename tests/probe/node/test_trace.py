"""What the preload tells of real sockets of Node: payload when it is sent, none that never was."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from repro.events import Event
from repro.probe.node.events import Preload
from repro.resources import probes_folder

pytestmark = pytest.mark.node

Traced = Callable[[str], list[Event]]

SERVERS = """
const fs = require('node:fs'), net = require('node:net');
const http = require('node:http'), https = require('node:https'), tls = require('node:tls');
const pem = fs.readFileSync('server.pem');
const ca = fs.readFileSync('ca.pem');
const started = (server, then) => server.listen(0, '127.0.0.1', () => then(server.address().port, server));
const say = (request, response) => response.end('well');
const ended = (server) => (response) => response.resume().on('end', () => server.close());
const closed = (server) => () => server.close();
"""


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    """Runs a program under the preload, with a certificate for 127.0.0.1 beside it; gives its events."""
    if shutil.which("node") is None:
        if os.environ.get("TXREPRO_REQUIRE_NODE") == "1":
            pytest.fail("Node is missing")
        pytest.skip("Node is missing")
    authority = trustme.CA(organization_name="An authority")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )

    def run(program: str) -> list[Event]:
        done = subprocess.run(
            ["node", "--require", str(probes_folder() / "node" / "trace.cjs"), "-e", SERVERS + program],
            cwd=tmp_path,
            env={**os.environ, "REPRO_CHANNEL": "1"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        preload = Preload(77)
        return [event for line in done.stdout.splitlines() for event in preload.events(json.loads(line))]

    return run


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses as long as the test runs: it is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def told(events: list[Event]) -> list[tuple[str, str | None]]:
    """What happened, without the ends of connections."""
    return [(event.op, event.failure) for event in events if event.op != "close"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_whose_connection_is_refused_was_never_sent(
    scheme: str, traced: Traced, refusing: int
) -> None:
    events = traced(f"{scheme}.get('{scheme}://127.0.0.1:{refusing}/').on('error', () => {{}});")
    assert told(events) == [("connect", "connection_refused")]


def test_a_request_to_a_server_that_is_not_trusted_was_never_sent(traced: Traced) -> None:
    events = traced(
        """started(https.createServer({ key: pem, cert: pem }, say), (port, server) =>
             https.get(`https://127.0.0.1:${port}/`).on('error', closed(server)));"""
    )
    assert told(events) == [("connect", None), ("tls.handshake", "tls_unknown_authority")]
    assert events[1].fields["tls.issuer"] == "An authority"


def test_a_request_that_waited_for_its_connection_is_told_when_it_is_sent(traced: Traced) -> None:
    events = traced(
        """started(http.createServer(say), (port, server) =>
             http.get(`http://127.0.0.1:${port}/`, ended(server)));"""
    )
    assert told(events) == [("connect", None), ("http.request", None), ("http.response", None)]
    connect, request = events[:2]
    assert request.t0 >= connect.t


def test_a_request_that_waited_for_its_handshake_is_told_after_it(traced: Traced) -> None:
    events = traced(
        """started(https.createServer({ key: pem, cert: pem }, say), (port, server) =>
             https.get(`https://127.0.0.1:${port}/`, { ca, agent: false }, ended(server)));"""
    )
    assert told(events) == [
        ("connect", None),
        ("tls.handshake", None),
        ("http.request", None),
        ("http.response", None),
    ]


def test_what_is_said_inside_tls_after_a_request_for_it_is_told(traced: Traced) -> None:
    """As a Postgres client does: a few bytes in clear, then TLS over the same socket."""
    events = traced(
        """const asked = Buffer.from('0000000804d2162f', 'hex');
           const inside = new tls.Server({ key: pem, cert: pem }, (end) => end.once('data', () => end.end()));
           started(net.createServer((raw) => raw.once('data', () => {
             raw.write('S');
             inside.emit('connection', raw);
           })), (port, server) => {
             const socket = net.connect(port, '127.0.0.1', () => socket.write(asked));
             socket.once('data', () => {
               const opened = tls.connect({ socket, ca, checkServerIdentity: () => undefined });
               opened.on('secureConnect', () => opened.write(Buffer.from('000000080003000000', 'hex')));
               opened.resume().on('close', closed(server));
             });
           });"""
    )
    names = [event.fields["pg.name"] for event in events if event.op == "pg.msg"]
    assert names == ["SSLRequest", "SSLResponse", "StartupMessage"]
    assert {event.failure for event in events} == {None}
    (handshake,) = [event for event in events if event.op == "tls.handshake"]
    assert handshake.fields["tls.issuer"] == "An authority"


def test_a_socket_that_is_connected_anew_tells_each_request_once(traced: Traced) -> None:
    events = traced(
        """started(http.createServer(say), (port, server) => {
             const socket = new net.Socket();
             const asked = 'GET /first HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n';
             socket.resume().once('close', () => {
               socket.once('close', closed(server)).connect(port, '127.0.0.1');
               socket.write(asked);
             }).connect(port, '127.0.0.1');
             socket.write(asked);
           });"""
    )
    assert [op for op, _ in told(events)].count("http.request") == 2
