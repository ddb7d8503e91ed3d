"""Neon's WebSocket."""

from __future__ import annotations

import re
from collections.abc import Sequence

from repro.diagnose.cause import Cause, Change
from repro.diagnose.causes.serverless_http import at_another_gateway
from repro.diagnose.view import View, failed, is_of_the_database, over, said, says
from repro.document import Outcome

_STATUS = re.compile(r"(?:server response: |HTTP )(\d{3})\b")
_AS_ANY_OTHER = frozenset({*range(200, 400), 404, 405, 501})
"""The answers of a server that does not know of WebSocket at that path."""

_NEVER_SENT = 1006
"""What a client says of an end without a close frame (RFC 6455, 7.4.1)."""

_TOO_BIG = 1009
_OVER_ITS_LIMIT = ("sent 1009 (message too big)", "Max payload size exceeded")
"""What websockets and ws say of their own limit."""

_NO_CLOSE_FRAME = (
    "no close frame received",
    "Connection terminated unexpectedly",
    "server closed the connection",
)


def _status(view: View, outcome: Outcome) -> int | None:
    """The status of the answer to the upgrade; where no answer was seen, as the driver says it."""
    seen = [line["http.status"] for line in view.lines(outcome, "http.response") if line.get("http.status")]
    told = _STATUS.search(said(outcome))
    return seen[-1] if seen else int(told[1]) if told else None


def _refused_upgrade(view: View) -> Sequence[Outcome]:
    return view.where(is_of_the_database, over("websocket"), failed("ws_handshake"))


def _rejected(view: View) -> list[Outcome]:
    statuses = [(outcome, _status(view, outcome)) for outcome in _refused_upgrade(view)]
    return [each for each, status in statuses if status and status >= 400 and status not in _AS_ANY_OTHER]


def _not_upgraded(view: View) -> list[Outcome]:
    return [each for each in _refused_upgrade(view) if _status(view, each) in _AS_ANY_OTHER]


def _ended_without_a_close_frame(view: View) -> list[Outcome]:
    """After the upgrade and before COMMIT, by the end of the stream alone."""

    def was_cut(outcome: Outcome) -> bool:
        upgraded = any(not line.get("failure") for line in view.lines(outcome, "http.upgrade"))
        closes = view.lines(outcome, "ws.close")
        polite = any(line.get("ws.close_code") not in {None, _NEVER_SENT} for line in closes)
        at_commit = outcome["error"] is not None and outcome["error"]["operation"] == "commit"
        refused = any(line.get("pg.name") == "ErrorResponse" for line in view.lines(outcome, "pg.msg"))
        return upgraded and not polite and not at_commit and not refused

    lost = view.where(is_of_the_database, over("websocket"), failed("ws_closed", "eof", "connection_reset"))
    return [each for each in lost if was_cut(each) and says(*_NO_CLOSE_FRAME)(each)]


def _too_big(view: View) -> list[Outcome]:
    """The first close frame says so, whoever sent it; its echo says no more.

    A client that gives up may end before its frame leaves, and has then only said why.
    """

    def says_so(outcome: Outcome) -> bool:
        frames = [line for line in view.lines(outcome, "ws.close") if line.get("sender")]
        return frames[0].get("ws.close_code") == _TOO_BIG if frames else says(*_OVER_ITS_LIMIT)(outcome)

    return view.where(is_of_the_database, over("websocket"), says_so)


def _without_a_constructor(view: View) -> list[Outcome]:
    """Nothing was dialled: the package says the same where a WebSocket was there and its server was not."""
    return [
        outcome
        for outcome in view.where(
            is_of_the_database, over("websocket"), says("All attempts to open a WebSocket")
        )
        if not view.lines(outcome, "connect") and not view.lines(outcome, "dns")
    ]


def _with_a_constructor(_view: View, outcome: Outcome) -> Change | None:
    if outcome["driver"]["name"] != "@neondatabase/serverless":
        return None
    return Change(
        words="neonConfig.webSocketConstructor = ws, as node.neon-ws has it",
        probe="node.neon-ws",
        command="repro run --node --only node.neon-ws",
    )


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="ws-no-constructor",
        layer="websocket",
        title="Neon's package has no WebSocket to take: this Node has none, and none was given",
        summary="Before version 22 Node has no WebSocket of its own. The package then tries an upgrade by fetch, as some edge "
        "runtimes have it, which Node's fetch refuses.",
        suspects=_without_a_constructor,
        symptoms={
            "@neondatabase/serverless": "All attempts to open a WebSocket to connect to the database failed. … fetch failed",
            "its early versions": "InvalidArgumentError: invalid upgrade header",
        },
        apart={
            "ws-opaque-errorevent": "it is an Error with a text, and nothing was dialled",
            "sl-localhost-443": "nothing was refused: nothing was dialled",
        },
        fix=("import ws from 'ws'; neonConfig.webSocketConstructor = ws.", "Or Node 22, which has one."),
        links=(
            "https://github.com/neondatabase/serverless/blob/main/CONFIG.md",
            "https://github.com/neondatabase/serverless/issues/17",
        ),
        ops=("http.upgrade", "connect"),
        change=_with_a_constructor,
    ),
    Cause(
        id="ws-bad-accept",
        layer="websocket",
        title="The answer to the WebSocket's upgrade is not for this request",
        summary="The answer was 101, and its Sec-WebSocket-Accept is not what this request's key demands: a cache or a broken "
        "proxy on the way answered.",
        suspects=lambda view: view.where(
            is_of_the_database, over("websocket"), failed("ws_handshake"), says("Sec-WebSocket-Accept")
        ),
        symptoms={
            "websockets": "invalid Sec-WebSocket-Accept header",
            "ws": "Invalid Sec-WebSocket-Accept header",
        },
        apart={"ws-upgrade-rejected": "the status is 101: the upgrade was not refused"},
        fix=("Go around the proxy, or have it not cache and not change answers to an upgrade.",),
        links=("https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2",),
        ops=("http.upgrade", "http.response"),
        change=at_another_gateway,
    ),
    Cause(
        id="ws-not-upgraded",
        layer="websocket",
        title="The server does not speak WebSocket at this path",
        summary="The request for an upgrade was answered like any other request, with a page, a redirect or not found, and not "
        "with 101: a plain web server, another path, or a proxy that does not hand the upgrade on.",
        suspects=_not_upgraded,
        symptoms={
            "websockets": "server rejected WebSocket connection: HTTP 200",
            "ws": "Unexpected server response: 200, as an ErrorEvent",
        },
        apart={
            "ws-upgrade-rejected": "the status is none of a refusal",
            "px-captive-html": "no proxy of the environment was dialled",
        },
        fix=(
            "Behind nginx: proxy_http_version 1.1, and the headers Upgrade and Connection.",
            "Correct the path: Neon's is /v2, wsproxy's /v1; neonConfig.wsProxy gives it.",
        ),
        links=("https://nginx.org/en/docs/http/websocket.html",),
        ops=("http.upgrade", "http.response"),
        change=at_another_gateway,
    ),
    Cause(
        id="ws-upgrade-rejected",
        layer="websocket",
        title="The server refuses the WebSocket's upgrade",
        summary="The request for an upgrade was answered with a status of refusal (401, 403, 426, 429, 5xx): an allow-list of "
        "wsproxy, a login of a reverse proxy, a firewall for the web, or nothing behind it.",
        suspects=_rejected,
        symptoms={
            "websockets": "server rejected WebSocket connection: HTTP 403",
            "ws": "Unexpected server response: 403, as an ErrorEvent",
        },
        apart={
            "ws-not-upgraded": "the status is one of refusal",
            "px-env-hijacks-local": "no proxy of the environment was dialled",
        },
        fix=(
            "wsproxy: ALLOW_ADDR_REGEX must match host:port of the database.",
            "502 and 504: look what is behind the proxy.",
        ),
        links=("https://github.com/neondatabase/wsproxy",),
        ops=("http.upgrade", "http.response"),
        change=at_another_gateway,
    ),
    Cause(
        id="ws-message-too-big",
        layer="websocket",
        title="A message is larger than one end of the WebSocket takes",
        summary="One end closed with 1009. Who sent that takes messages up to a limit only (1 MiB by default in Python's websockets, "
        "100 MiB in ws), and the other end may join many rows, or many statements, to one message.",
        suspects=_too_big,
        symptoms={
            "websockets, its own limit": "sent 1009 (message too big)",
            "websockets, the proxy's limit": "received 1009 (message too big)",
            "ws, its own limit": "RangeError: Max payload size exceeded",
            "@neondatabase/serverless, the proxy's limit": "Connection terminated unexpectedly",
        },
        apart={"ws-abnormal-1006": "a close frame came, and said why"},
        fix=(
            "Where the client sent it: max_size=None for websockets, maxPayload for ws.",
            "Where the proxy sent it: raise its limit, or send fewer rows in a statement.",
        ),
        links=("https://websockets.readthedocs.io/en/stable/topics/memory.html",),
        ops=("ws.close",),
        change=at_another_gateway,
    ),
    Cause(
        id="ws-abnormal-1006",
        layer="websocket",
        title="The tunnel was cut in the middle of the work, without a close frame",
        summary="The upgrade had succeeded; then the stream ended, and no Close frame came: not the server ended it, but something "
        "on the way, or the proxy crashed. The code 1006 that drivers show stands for just that and is never sent.",
        suspects=_ended_without_a_close_frame,
        symptoms={
            "@neondatabase/serverless": "Connection terminated unexpectedly",
            "websockets": "no close frame received or sent",
        },
        apart={
            "ca-commit-ack-lost": "COMMIT was not sent yet: nothing was applied",
            "ws-message-too-big": "nobody said that a message was too big",
        },
        fix=(
            "Run the transaction again: its COMMIT was not sent.",
            "Look for limits of idle time or duration in the load balancer before the proxy.",
        ),
        links=("https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5",),
        ops=("ws.close", "close"),
        change=at_another_gateway,
    ),
    Cause(
        id="ws-opaque-errorevent",
        layer="websocket",
        title="The driver rejects with an ErrorEvent, which says nothing when it is printed",
        summary="Drivers on ws reject with the event itself and not with its error. Where the host has two addresses, its message is "
        "empty. It hides a cause and is none: this tool reads the errors within, and names what they say.",
        suspects=lambda _view: [],
        symptoms={"@neondatabase/serverless, @vercel/postgres": "ErrorEvent { type: 'error', message: '' }"},
        apart={"sl-localhost-443": "that is mostly what is within"},
        fix=("Print event.error, and the errors of an AggregateError.",),
        links=("https://github.com/neondatabase/serverless/issues/126",),
    ),
    Cause(
        id="ws-async-crash",
        layer="websocket",
        title="An error outside the awaited call ends the process",
        summary="A client or pool without a listener for errors throws where nobody awaits, and Node ends the process, although the "
        "awaited call was rejected as well. The probes listen, so that it is explained here and never claimed.",
        suspects=lambda _view: [],
        symptoms={"@neondatabase/serverless, pg": "Uncaught Error: Connection terminated unexpectedly"},
        apart={"tx-stale-pooled-connection": "the process ended; no later statement failed"},
        fix=("pool.on('error', …), and client.on('error', …) for a client taken from it.",),
        links=("https://github.com/neondatabase/serverless/issues/140",),
    ),
)
