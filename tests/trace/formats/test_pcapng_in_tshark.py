"""What Wireshark's own dissectors make of the files: the same messages, in the same order."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from repro.events import Peer
from repro.trace.formats.pcapng import pcapng
from tests.trace.formats.tracing import Trace, postgres_transaction

TSHARK = shutil.which("tshark")

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")


def dissected(
    lines: list[dict[str, object]], folder: Path, *fields: str, port: int, protocol: str
) -> list[list[str]]:
    """For each packet in which one of the fields is, the values of them."""
    path = folder / "trace.pcapng"
    path.write_bytes(b"".join(pcapng(lines, wall_offset_s=1_700_000_000.0)))
    asked = [word for field in fields for word in ("-e", field)]
    tcp = ["-o", "tcp.check_checksum:TRUE", "-d", f"tcp.port=={port},{protocol}"]
    command = [str(TSHARK), "-r", str(path), *tcp, "-T", "fields", "-E", "separator=|", *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    rows = [row.split("|") for row in done.stdout.splitlines()]
    return [row for row in rows if any(row)]


def complaints(lines: list[dict[str, object]], folder: Path, *, port: int, protocol: str) -> list[list[str]]:
    fields = ("_ws.malformed", "_ws.expert.message")
    return [
        row
        for row in dissected(lines, folder, *fields, port=port, protocol=protocol)
        if row[0]
        or any(word in row[1] for word in ("alformed", "hecksum", "segment", "etransmission", "verlap"))
    ]


POSTGRES = [
    "SSL request", "Startup message", "Authentication request", "SASLInitialResponse message",
    "Authentication request", "SASLResponse message", "Authentication request", "Authentication request",
    "Parameter status", "Backend key data", "Ready for query", "Simple query", "Command completion",
    "Ready for query", "Parse", "Describe", "Bind", "Execute", "Sync", "Parse completion",
    "Row description", "Bind completion", "Data row", "Command completion", "Ready for query",
    "Simple query", "Error", "Ready for query", "Simple query", "Command completion", "Ready for query",
    "Termination",
]  # fmt: skip


def test_a_postgres_transaction(tmp_path: Path) -> None:
    lines = postgres_transaction()
    rows = dissected(lines, tmp_path, "pgsql.type", "pgsql.query", "pgsql.code", port=5999, protocol="pgsql")

    assert [row[0] for row in rows] == POSTGRES
    assert [row[1].rstrip() for row in rows if row[1]] == [
        "BEGIN",
        "INSERT INTO jobs (id) VALUES ($1)",
        "INSERT INTO jobs (id) VALUES (?)",
        "ROLLBACK",
    ]
    assert [row[2] for row in rows if row[2]] == ["23505"]
    assert complaints(lines, tmp_path, port=5999, protocol="pgsql") == []


def test_commands_and_replies_of_redis(tmp_path: Path) -> None:
    trace = Trace(peer=Peer("::1", 7001)).add("connect")
    trace.client("redis.cmd", 31, redis__cmd="SET", redis__argc=3).server(
        "redis.reply", 5, redis__reply_type="simple"
    )
    trace.client("redis.cmd", 20, redis__cmd="GET", redis__argc=2).server(
        "redis.reply", 11, redis__reply_type="bulk"
    )
    trace.server("redis.reply", 40, redis__reply_type="error", redis__error="WRONGTYPE not a list")
    trace.server("redis.reply", 5, redis__reply_type="integer").add("close")
    names = ("resp.array.length", "resp.string", "resp.error", "resp.bulk_string.length", "resp.integer")

    rows = dissected(trace.lines, tmp_path, *names, port=7001, protocol="resp")

    assert [row[0] for row in rows] == ["3", "", "2", "", "", ""]
    assert rows[1][1] == "OK"
    assert rows[3][3] == "5"
    assert rows[4][2].startswith("WRONGTYPE not a list")
    assert rows[5][4]
    assert complaints(trace.lines, tmp_path, port=7001, protocol="resp") == []


def test_http_and_its_upgrade_to_websocket(tmp_path: Path) -> None:
    trace = Trace(peer=Peer("127.0.0.1", 8008)).add("connect")
    trace.client(
        "http.request", 200, http__method="POST", http__path="/sql", http__headers=["host", "content-length"]
    )
    trace.server("http.response", 300, http__status=400, http__headers=["content-type", "transfer-encoding"])
    handshake = ["host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"]
    trace.client("http.request", 180, http__method="GET", http__path="/v2", http__headers=handshake)
    trace.server("http.upgrade", 120, http__status=101, http__headers=["upgrade", "connection"])
    trace.client("ws.frame", 47, ws__len=41, ws__opcode="BINARY").server(
        "ws.frame", 204, ws__len=200, ws__opcode=2
    )
    trace.client("ws.frame", 26, ws__len=20, ws__opcode="text", ws__deflate=True)
    trace.server("ws.close", 4, ws__close_code=1000).add("close")
    names = (
        "http.request.method",
        "http.response.code",
        "websocket.opcode",
        "websocket.payload.close.status_code",
    )

    rows = dissected(trace.lines, tmp_path, *names, port=8008, protocol="http")

    assert [row[0] for row in rows] == ["POST", "", "GET", "", "", "", "", ""]
    assert [row[1] for row in rows] == ["", "400", "", "101", "", "", "", ""]
    assert [row[2] for row in rows] == ["", "", "", "", "2", "2", "1", "8"]
    assert rows[-1][3] == "1000"
    assert complaints(trace.lines, tmp_path, port=8008, protocol="http") == []


def test_tls_in_the_clear(tmp_path: Path) -> None:
    trace = Trace(peer=Peer("127.0.0.1", 9443)).add("connect")
    trace.client(
        "tls.client_hello", 517, tls__sni="db.lab", tls__alpn=["h2", "http/1.1"], tls__versions=["TLSv1.3"]
    )
    trace.server("tls.server_hello", 127, tls__version="TLSv1.3", tls__cipher="TLS_AES_256_GCM_SHA384")
    trace.client("tls.alert", 7, tls__alert="unknown_ca")
    names = (
        "tls.handshake.extensions_server_name",
        "tls.handshake.extensions_alpn_str",
        "tls.handshake.ciphersuite",
    )

    rows = dissected(trace.lines, tmp_path, *names, "tls.alert_message.desc", port=9443, protocol="tls")

    assert rows[0][:2] == ["db.lab", "h2,http/1.1"]
    assert rows[1][2] == "0x1302"
    assert rows[2][3] == "48"
    assert complaints(trace.lines, tmp_path, port=9443, protocol="tls") == []


def test_a_lookup_and_a_refused_connect(tmp_path: Path) -> None:
    trace = Trace(conn=None, peer=None).add("dns", dns__name="db.lab", dns__answers=["127.0.0.1"])
    trace.add(
        "connect", conn=1, peer=Peer("127.0.0.1", 5432), failure="connection_refused", errno="ECONNREFUSED"
    )
    names = ("dns.qry.name", "dns.a", "tcp.flags.str", "frame.comment")

    rows = dissected(trace.lines, tmp_path, *names, port=5432, protocol="pgsql")

    assert [row[:2] for row in rows[:2]] == [["db.lab", ""], ["db.lab", "127.0.0.1"]]
    assert ["S" in rows[2][2], "R" in rows[3][2]] == [True, True]
    assert rows[3][3].startswith("event 2 (tap); connect; failed: ECONNREFUSED")
