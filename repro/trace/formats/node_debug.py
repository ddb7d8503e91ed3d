"""A trace in the style of ``NODE_DEBUG=net,tls,http``: for maintainers who ask for exactly that.

The wording is that of Node 20's ``lib/net.js``, ``lib/_tls_wrap.js`` and ``lib/_http_client.js``, where the
events know the fact. Two things differ: an errno stands by its name, not by libuv's number, which differs
between systems; and where Node says nothing (a single attempt that failed, the method and the status of
HTTP) the fact is added. Database messages have no line: Node prints none for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from repro.trace.formats import fields
from repro.trace.formats.fields import Line
from repro.trace.formats.printable import printable

_Attempts = dict[int | None, set[str]]
"""For each process the addresses of its last lookup that gave several."""


def node_debug(lines: Iterable[Line]) -> Iterator[str]:
    """The trace as Node would have told it, as far as its events go; lines without their ends."""
    several: _Attempts = {}
    for line in lines:
        op = fields.operation(line)
        if op == "dns":
            yield from _lookup(line, several)
        elif op == "connect":
            yield from _connect(line, several)
        elif op in _SAID:
            yield from _SAID[op](line)


def _lookup(line: Line, several: _Attempts) -> Iterator[str]:
    yield _net(line, f"connect: find host {_shown(line, 'dns.name')}")
    answers = fields.texts(line, "dns.answers")
    several[fields.whole(line, "pid")] = set(answers) if len(answers) > 1 else set()
    failed = fields.reason(line)
    if failed is not None:
        code = fields.text(line, "dns.error") or failed
        yield _net(line, f"connect: lookup of {_shown(line, 'dns.name')} failed with {printable(code)}")
    elif len(answers) == 1:
        yield _net(line, "connect/multiple: only one address found, switching back to single connection")
    elif answers:
        each = ", ".join(
            f"{{ address: '{printable(answer)}', family: {_family(answer)} }}" for answer in answers
        )
        yield _net(line, f"connect/multiple: will try the following addresses [ {each} ]")


def _connect(line: Line, several: _Attempts) -> Iterator[str]:
    peer = fields.peer(line)
    if peer is None:
        return
    if peer.port is None:
        yield _net(line, f"connect: attempting to connect to {printable(peer.address)} (addressType: -1)")
        yield from _single(line, printable(peer.address))
        return
    where = f"{printable(peer.address)}:{peer.port}"
    multiple = peer.address in several.get(fields.whole(line, "pid"), ())
    manner = "connect/multiple" if multiple else "connect"
    yield _net(line, f"{manner}: attempting to connect to {where} (addressType: {_family(peer.address)})")
    yield from (_multiple if multiple else _single)(line, where)


def _single(line: Line, where: str) -> Iterator[str]:
    if fields.hidden(line) or fields.unresolved(line):
        return
    failed = fields.reason(line)
    if failed is None:
        yield _net(line, "afterConnect")
    else:
        status = printable(failed)
        yield _net(line, f"connect: connection attempt to {where} completed with status {status}")


def _multiple(line: Line, where: str) -> Iterator[str]:
    if fields.hidden(line) or fields.unresolved(line):
        return
    if fields.given_up(line) and fields.errno(line) is None:
        yield _net(line, f"connect/multiple: connection to {where} timed out")
        return
    failed = fields.reason(line)
    status = "0" if failed is None else printable(failed)
    yield _net(line, f"connect/multiple: connection attempt to {where} completed with status {status}")
    if failed is None:
        yield _net(line, "afterConnect")


def _handshake(line: Line) -> Iterator[str]:
    failed = fields.reason(line)
    if failed is not None:
        yield _tls(line, f"client onerror {printable(failed)} had? false")
        return
    yield _tls(line, "client onhandshakedone")
    alpn = _shown(line, "tls.alpn", "false")
    name = _shown(line, "tls.sni", "")
    yield _tls(line, f"client _finishInit handle? true alpn {alpn} servername {name}".rstrip())


def _request(line: Line) -> Iterator[str]:
    what = f"{_shown(line, 'http.method', '')} {_shown(line, 'http.path', '')}".strip()
    yield _http(line, f"outgoing message end. {what}".rstrip())


def _response(line: Line) -> Iterator[str]:
    status = fields.whole(line, "http.status")
    yield _http(line, f"AGENT incoming response! {'' if status is None else status}".rstrip())


def _upgrade(line: Line) -> Iterator[str]:
    yield from (_request if fields.sender(line) == "client" else _response)(line)


def _close(line: Line) -> Iterator[str]:
    failed = fields.reason(line)
    yield _net(line, "destroy" if failed is None else f"destroy {printable(failed)}")
    yield _net(line, "close")


_SAID: dict[str, Callable[[Line], Iterator[str]]] = {
    "tls.handshake": _handshake,
    "http.request": _request,
    "http.response": _response,
    "http.upgrade": _upgrade,
    "close": _close,
}


def _family(address: str) -> int:
    return 6 if ":" in address else 4


def _shown(line: Line, name: str, otherwise: str = "undefined") -> str:
    value = fields.text(line, name)
    return otherwise if value is None else printable(value)


def _net(line: Line, words: str) -> str:
    return _said("NET", line, words)


def _tls(line: Line, words: str) -> str:
    return _said("TLS", line, words)


def _http(line: Line, words: str) -> str:
    return _said("HTTP", line, words)


def _said(section: str, line: Line, words: str) -> str:
    return f"{section} {fields.whole(line, 'pid') or 0}: {words}"
