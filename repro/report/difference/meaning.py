"""What a text or an event means, whatever run it is of: without times, ids, and ports that a system chose."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from repro.document import RunDocument
from repro.events import Peer
from repro.redaction import ANY_TOKEN
from repro.report.difference.model import Line
from repro.trace.formats import fields

Key = tuple[tuple[str, str], ...]
"""What is left of an event: its fields by name, those that tell nothing left out."""

EPHEMERAL: Final = 32768
"""Ports from here on are given out by the system (Linux: ``net.ipv4.ip_local_port_range``)."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_POINTER = re.compile(r"\b0x[0-9a-f]{6,}\b", re.IGNORECASE)
_MEASURED = re.compile(r"\b\d+\.\d{2,} ?(?:ms|s|seconds)\b")
_PORT = re.compile(r"(?<![\w.])\d{2,5}(?![\w.])")
_SCHEMA = re.compile(r'"?\b(?:pg_temp|txrepro_[\w<>]+)"?')
_NUMBER = re.compile(r"\d+")

_UNTOLD: Final = frozenset(
    {
        "seq", "t0", "t", "pid", "conn", "peer", "local", "len", "src", "via", "seen_by", "claimed",
        "confirmed", "observer", "tap", "connects", "failure", "errno", "net.family", "pg.len", "pg.pid",
        "pg.dir", "pg.truncated", "ws.len", "http.body", "tls.cipher", "dns.port", "dns.answers",
    }
)  # fmt: skip
"""Fields that vary from run to run, that only say who saw the event, or that are read in another way here."""

_OF_THE_SERVER: Final = frozenset({"http.headers"})
"""Fields that tell what software answers, and not how the answer went."""


class Meaning:
    """Takes out of a run's texts what belongs to that run alone.

    Args:
        document: the run.
    """

    def __init__(self, document: RunDocument) -> None:
        run = document["run_id"]
        self._ids = re.compile("|".join(map(re.escape, (run, re.sub("[^0-9A-Za-z]", "_", run)))))
        self._on_lab = document["target"].get("kind") == "lab"
        self._ports: dict[int, str] = {}
        self._hosts: dict[str, str] = {}
        for role, url in _urls(document["target"]):
            self._learn(role, url)
        self._known: dict[str, str] = {}

    def _learn(self, role: str, url: str) -> None:
        host = _host(url)
        with contextlib.suppress(ValueError):
            # A token's brackets would be taken for those of an address.
            parts = urlsplit(url.replace(host, "token") if host else url)
            if parts.port is not None:
                self._ports.setdefault(parts.port, f"<port of {role}>")
            if parts.hostname:
                self._hosts.setdefault(host or parts.hostname, f"<host of {role}>")

    def of_fact(self, text: str) -> str:
        """A text of the run document. A port of the lab is the system's choice, one of a target is a fact."""
        told = self._without_ids(text)
        return _PORT.sub(lambda found: self._port(int(found[0])), told) if self._on_lab else told

    def of_event(self, line: Line) -> Key:
        """A trace line. Hosts and ports of the target count as the parts that they play in it."""
        found = {
            "op": fields.operation(line),
            "peer": self._peer(fields.peer(line)),
            "failure": self._in_event(fields.failure(line) or ""),
            "errno": fields.errno(line) or "",
            "answers": ",".join(dict.fromkeys(map(_family, fields.texts(line, "dns.answers")))),
        }
        answered = fields.sender(line) == "server"
        for name, value in line.items():
            if name not in _UNTOLD and value is not None and not (answered and name in _OF_THE_SERVER):
                found[name] = self._field(name, value)
        return tuple(sorted(found.items()))

    def _field(self, name: str, value: Any) -> str:
        if isinstance(value, str):
            if value in self._hosts:
                return self._hosts[value]
            told = self._in_event(value)
            return _NUMBER.sub("#", told) if name == "pg.statement" else told  # drivers count them
        return self._in_event(json.dumps(value, ensure_ascii=False, sort_keys=True))

    def _in_event(self, text: str) -> str:
        if text not in self._known:
            told = self._without_ids(text)
            self._known[text] = _PORT.sub(lambda found: self._port(int(found[0])), told)
        return self._known[text]

    def _without_ids(self, text: str) -> str:
        told = _SCHEMA.sub("<schema>", self._ids.sub("<run>", text))
        told = ANY_TOKEN.sub(r"<\g<kind>>", _UUID.sub("<uuid>", told))
        return _MEASURED.sub("<time>", _POINTER.sub("<pointer>", told))

    def _peer(self, peer: Peer | None) -> str:
        if peer is None:
            return ""
        return (
            _family(peer.address) if peer.port is None else f"{_family(peer.address)} {self._port(peer.port)}"
        )

    def _port(self, port: int) -> str:
        if port in self._ports:
            return self._ports[port]
        return "<port>" if EPHEMERAL <= port <= 0xFFFF else str(port)


def _urls(target: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The URLs of a target, each with the part that it plays."""
    for name, value in target.items():
        if isinstance(value, Mapping):
            yield from _urls(value)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and "://" in each:
                yield ("database" if name == "endpoints" else name), each


def _host(url: str) -> str:
    """The host of a URL as it is written, where a token stands in it; else nothing."""
    found = re.match(rf"[^/]*//(?:[^/]*@)?(?![^/]*@)(?P<host>[^/]*?{ANY_TOKEN.pattern}[^/:@]*)", url)
    return "" if found is None else found["host"]


def _family(address: str) -> str:
    """``IPv4``, ``IPv6``, or ``path`` for what is no address."""
    if token := ANY_TOKEN.match(address):
        return {"ipv4": "IPv4", "ipv6": "IPv6"}.get(token["kind"], "path")
    try:
        return f"IPv{ipaddress.ip_address(address.partition('%')[0]).version}"
    except ValueError:
        return "path"
