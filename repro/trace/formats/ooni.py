"""A trace in the data formats of OONI, so that its tools can read what a driver did.

Source: https://github.com/ooni/spec/tree/master/data-formats, df-002-dnst, df-005-tcpconnect,
df-006-tlshandshake, df-007-errors and df-008-netevents.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from repro.events import Peer
from repro.trace.formats import fields
from repro.trace.formats.fields import Line

_FAILURES = {
    "connection_refused": "connection_refused",
    "connection_reset": "connection_reset",
    "eof": "eof_error",
    "timeout": "generic_timeout_error",
    "dns_nxdomain": "dns_nxdomain_error",
    "dns_failure": "dns_server_misbehaving",
    "host_unreachable": "host_unreachable",
    "tls_unknown_authority": "ssl_unknown_authority",
    "tls_hostname_mismatch": "ssl_invalid_hostname",
    "tls_expired": "ssl_invalid_certificate",
    "tls_protocol": "ssl_failed_handshake",
    "http_status": "http_request_failed",
}
_FAILURES_BY_NUMBER = {
    "ECONNABORTED": "connection_aborted",
    "ENETDOWN": "network_down",
    "ENETRESET": "network_reset",
    "ENETUNREACH": "network_unreachable",
}
_FAILURES_OF_LOOKUP = {
    "EAI_AGAIN": "dns_temporary_failure",
    "EAI_FAIL": "dns_non_recoverable_failure",
    "EAI_NODATA": "dns_no_answer",
}
"""df-007: what OONI tells apart by number, and we only by class."""

_SPANS = {"dns": "resolve", "tls.handshake": "tls_handshake"}
"""Operations that df-008 tells by their start and by their end."""


def netevents(lines: Iterable[Line]) -> dict[str, list[dict[str, Any]]]:
    """The ``test_keys`` that OONI's test templates would have written.

    Args:
        lines: the trace; times in seconds since the run's start stand for ``measurement_start_time``.

    Returns:
        ``network_events``, ``queries``, ``tcp_connect`` and ``tls_handshakes``. ``transaction_id`` is the
        number of the connection. ``num_bytes`` are those of decoded messages, inside TLS where there is any;
        messages that travelled inside WebSocket frames count once, as the frames.
    """
    known = list(lines)
    tunnels = fields.framed(known)
    counted = [
        line for line in known if fields.operation(line) != "pg.msg" or fields.connection(line) not in tunnels
    ]
    return {
        "network_events": [event for line in counted for event in _events(line)],
        "queries": [_query(line) for line in known if _is_answered_lookup(line)],
        "tcp_connect": [_dial(line, peer) for line, peer in _dials(known)],
        "tls_handshakes": [_handshake(line) for line in known if fields.operation(line) == "tls.handshake"],
    }


def failure_of(line: Line) -> str | None:
    """The failure in OONI's words; ``unknown_failure: …`` where it has none; None for success."""
    failed = fields.failure(line)
    if failed is None:
        return None
    lookup = _FAILURES_OF_LOOKUP.get(fields.text(line, "dns.error") or "")
    number = _FAILURES_BY_NUMBER.get(fields.errno(line) or "")
    if lookup or number:
        return lookup or number
    unknown = failed if failed.startswith("unknown_failure") else f"unknown_failure: {failed}"
    return _FAILURES.get(failed, unknown)


def _events(line: Line) -> list[dict[str, Any]]:
    op = fields.operation(line)
    peer = fields.peer(line)
    if op in _SPANS:
        start = _event(line, f"{_SPANS[op]}_start", fields.seconds(line, "t0")) | {"failure": None}
        if fields.hidden(line):
            return [start]
        return [start, _event(line, f"{_SPANS[op]}_done", fields.seconds(line, "t"))]
    if op == "connect" and peer is not None and peer.port is not None:
        return [_event(line, "connect", fields.seconds(line, "t"))]
    if op == "close":
        return [_event(line, "close", fields.seconds(line, "t"))]
    sender = fields.sender(line)
    if sender is None:
        return []
    moved = _event(line, "write" if sender == "client" else "read", fields.seconds(line, "t"))
    # A message may say that something failed; that it was moved did not.
    return [moved | {"failure": None, "num_bytes": fields.whole(line, "len") or 0}]


def _event(line: Line, name: str, moment_s: float) -> dict[str, Any]:
    peer = fields.peer(line)
    return {
        "address": "" if peer is None or peer.port is None else str(peer),
        "failure": failure_of(line),
        "operation": name,
        "proto": "udp" if fields.operation(line) == "dns" else "tcp",
        "t0": fields.seconds(line, "t0"),
        "t": moment_s,
        **_origin(line),
    }


def _is_answered_lookup(line: Line) -> bool:
    """The kernel sees what a resolver asks for, and not what came back: that is no finished query."""
    return fields.operation(line) == "dns" and not fields.hidden(line)


def _dials(lines: list[Line]) -> list[tuple[Line, Peer]]:
    dials = ((line, fields.peer(line)) for line in lines if fields.operation(line) == "connect")
    return [(line, peer) for line, peer in dials if peer is not None and peer.port is not None]


def _dial(line: Line, peer: Peer) -> dict[str, Any]:
    failed = failure_of(line)
    success = None if fields.hidden(line) else failed is None
    return {
        "ip": peer.address,
        "port": peer.port,
        "status": {"failure": failed, "success": success},
        "t0": fields.seconds(line, "t0"),
        "t": fields.seconds(line, "t"),
        **_origin(line),
    }


def _query(line: Line) -> dict[str, Any]:
    peer = fields.peer(line)
    asked = fields.text(line, "dns.type")
    return {
        "answers": [_answer(answer) for answer in fields.texts(line, "dns.answers")],
        "engine": "udp" if asked else "getaddrinfo",
        "failure": failure_of(line),
        "hostname": fields.text(line, "dns.name") or "",
        "query_type": asked or "ANY",  # df-002: one getaddrinfo is one ANY query
        "resolver_hostname": None,
        "resolver_port": None,
        "resolver_address": "" if peer is None else str(peer),
        "t0": fields.seconds(line, "t0"),
        "t": fields.seconds(line, "t"),
        **_origin(line),
    }


def _answer(answer: str) -> dict[str, Any]:
    address = fields.literal(answer)
    if address is None:
        return {"answer_type": "CNAME", "hostname": answer, "ttl": None}
    if address.version == 6:
        return {"answer_type": "AAAA", "ipv6": answer, "ttl": None}
    return {"answer_type": "A", "ipv4": answer, "ttl": None}


def _handshake(line: Line) -> dict[str, Any]:
    peer = fields.peer(line)
    return {
        "network": "tcp",
        "address": "" if peer is None else str(peer),
        "cipher_suite": fields.text(line, "tls.cipher") or "",
        "failure": failure_of(line),
        "negotiated_protocol": fields.text(line, "tls.alpn") or "",
        "no_tls_verify": None,  # no event knows
        "peer_certificates": [],
        "server_name": fields.text(line, "tls.sni") or "",
        "t0": fields.seconds(line, "t0"),
        "t": fields.seconds(line, "t"),
        "tls_version": fields.text(line, "tls.version") or "",
        **_origin(line),
    }


def _origin(line: Line) -> dict[str, Any]:
    number = fields.whole(line, "conn")
    known = {} if not number else {"transaction_id": number}  # a zero stands for unknown there
    return {"tags": [fields.source(line)], **known}
