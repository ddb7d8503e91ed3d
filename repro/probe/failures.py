"""Which failure an exception is, in the closed vocabulary.

The deepest link that says something decides, never the outermost message. Types are recognised by name, so
that no driver has to be imported and any version of it will do; texts are a last resort, for errors of C
libraries that carry nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from repro.hooks.failures import by_number, scrubbed
from repro.probe.chain import sqlstate_of, walk

_BY_TYPE_NAME = {
    # websockets
    "EOFError": "eof",
    "InvalidMessage": "protocol_mismatch",
    "InvalidStatus": "ws_handshake",
    "InvalidHandshake": "ws_handshake",
    "InvalidUpgrade": "ws_handshake",
    "InvalidHeader": "ws_handshake",
    "ConnectionClosed": "ws_closed",
    "ConnectionClosedError": "ws_closed",
    "ConnectionClosedOK": "ws_closed",
    # httpx and httpcore
    "TimeoutError": "timeout",
    "ConnectTimeout": "timeout",
    "ReadTimeout": "timeout",
    "WriteTimeout": "timeout",
    "PoolTimeout": "pool_exhausted",
    "HTTPStatusError": "http_status",
    "UnsupportedProtocol": "config_invalid",
    "InvalidURL": "config_invalid",
    "ProxyError": "http_status",
    "InvalidProxyStatus": "http_status",
    # SQLAlchemy, asyncpg, redis-py, psycopg
    "NoSuchModuleError": "config_invalid",
    "ArgumentError": "config_invalid",
    "ClientConfigurationError": "config_invalid",
    "AuthenticationError": "auth_failed",
    "BusyLoadingError": "redis_error",
    "InvalidResponse": "protocol_mismatch",
    "ConnectionTimeout": "timeout",
    "PoolTimeoutError": "pool_exhausted",
    "ModuleNotFoundError": "unsupported",
    # ioredis, @upstash/redis, @vercel/postgres
    "ReplyError": "redis_error",
    "SimpleError": "redis_error",  # of ioredis 6
    "BlobError": "redis_error",
    "UpstashError": "redis_error",
    "UpstashJSONParseError": "protocol_mismatch",
    "VercelPostgresError": "config_invalid",
    "NodeEnded": "driver_crash",
    # ours
    "InteractiveTransactionRequired": "unsupported",
    "MalformedUrl": "config_invalid",
}

_BY_TEXT = (
    # libpq, asyncpg, redis-py and httpcore say these things in words only; the first that fits counts
    ("auth_failed", ("password authentication failed", "no password supplied", "WRONGPASS", "NOAUTH")),
    ("auth_failed", ('FATAL:  role "', "no pg_hba.conf entry", "pg_hba.conf rejects")),
    ("auth_failed", ("channel binding required", "channel binding is required")),
    ("auth_failed", ("client password must be a",)),  # pg
    ("tls_expired", ("certificate has expired",)),
    ("tls_hostname_mismatch", ("does not match host name", "Hostname mismatch", "is not valid for")),
    ("tls_hostname_mismatch", ("does not match certificate's altnames",)),
    ("tls_unknown_authority", ("local issuer", "self-signed", "self signed", "verify the first certificate")),
    ("tls_protocol", ("does not support SSL", "rejected SSL upgrade", "SSL error", "wrong version number")),
    # libpq 18 gives no reason with it: an expired certificate reads the same as an unknown authority
    ("tls_protocol", ("certificate verify failed",)),
    ("protocol_mismatch", ("response to SSL negotiation", "expected authentication request")),
    ("protocol_mismatch", ("invalid authentication request", "does not speak Postgres's protocol")),
    ("protocol_mismatch", ("unsupported frontend protocol", "illegal status line", "valid HTTP")),
    ("protocol_mismatch", ("lost synchronization with server", "expected message ")),
    ("protocol_mismatch", ("the server answered ",)),  # ours, of a reply of the wrong kind
    ("connection_refused", ("Connection refused",)),
    ("timeout", ("timeout expired", "timed out")),
    # psycopg and libpq put the same words before each reason of the resolver's
    ("dns_failure", ("Temporary failure in name resolution", "Non-recoverable failure in name resolution")),
    ("dns_nxdomain", ("could not translate host name", "failed to resolve host", "not known")),
    ("host_unreachable", ("No route to host", "Network is unreachable")),
    ("connection_reset", ("Connection reset by peer",)),
    ("eof", ("server closed the connection unexpectedly", "closed in the middle of operation")),
    ("eof", ("Connection closed by server", "Server disconnected without sending", "EOF occurred")),
    ("eof", ("unexpected connection_lost", "connection is closed", "Connection terminated")),
    ("ws_handshake", ("Unexpected server response", "Invalid Sec-WebSocket-Accept")),  # ws
    ("ws_handshake", ("All attempts to open a WebSocket",)),  # @neondatabase/serverless
    ("eof", ("other side closed",)),  # Node's fetch
    ("eof", ("Connection is closed",)),  # ioredis
    ("eof", ("encountered a connection error and is not queryable",)),  # pg
    ("unsupported", ("attached to a different loop", "Event loop is closed")),
    ("unsupported", ("another operation is in progress", "greenlet_spawn has not been called")),
    ("unsupported", ("can now be called only as a tagged-template",)),  # @neondatabase/serverless
    ("unsupported", ("is not spoken here", "GSSAPI continuation error")),
    ("config_invalid", ("root certificate file",)),
    ("config_invalid", ("Failed to parse URL", "Invalid URL")),  # Node's fetch
    ("config_invalid", ("invalid connection option", "invalid URI query parameter", "invalid sslmode")),
    ("config_invalid", ('missing "="', "connect() got an unexpected keyword argument")),
    ("sql_error", ("FATAL:  ", "ERROR:  ")),  # the latter from Neon's proxy
    ("http_status", ("Server error (HTTP status",)),  # @neondatabase/serverless
)


@dataclass(frozen=True, slots=True)
class Classified:
    """The failure class of an exception, and the SQLSTATE of the link that decided it."""

    failure: str
    sqlstate: str | None


def classify(error: BaseException) -> Classified:
    """The failure of an exception, judged by its whole chain.

    Returns:
        One of `repro.events.FAILURES`, or ``unknown_failure: <scrubbed text>`` when no link is known; and the
        SQLSTATE of the deciding link, or else of the deepest one that has any.
    """
    chain = list(walk(error))
    deepest = next(filter(None, map(sqlstate_of, reversed(chain))), None)
    for rule in _RULES:
        for link in reversed(chain):
            failure = rule(link)
            if failure is not None:
                return Classified(failure, sqlstate_of(link) or deepest)
    last = chain[-1]
    return Classified(f"unknown_failure: {type(last).__name__} {scrubbed(str(last))}".strip(), deepest)


def failure_of(error: BaseException) -> str:
    """The failure class alone; see `classify`."""
    return classify(error).failure


def _by_facts(error: BaseException) -> str | None:
    """What carries a number or a state of its own is believed first."""
    verdict = by_number(error)
    if verdict is not None:
        return verdict[0]
    return _by_sqlstate(error) or _by_http_status(error)


def _by_sqlstate(error: BaseException) -> str | None:
    sqlstate = sqlstate_of(error)
    if sqlstate is None:
        return None
    if sqlstate.startswith("28"):
        return "auth_failed"
    # 08003 and 08006 are made by drivers, for a connection that ended under them
    return "eof" if sqlstate in {"08003", "08006"} else "sql_error"


def _by_http_status(error: BaseException) -> str | None:
    """An answer of one of our HTTP drivers that was no success and names no SQLSTATE."""
    status = getattr(error, "status", None)
    if not isinstance(status, int) or isinstance(status, bool):
        return None
    if status in {401, 403}:
        return "auth_failed"
    if type(error).__name__ == "UpstashRefusedError":
        return "redis_error"
    return "protocol_mismatch" if 200 <= status < 300 else "http_status"


def _by_type(error: BaseException) -> str | None:
    if str(error).startswith(("WRONGPASS", "NOAUTH")):
        return "auth_failed"
    if type(error).__name__ == "TimeoutError" and type(error).__module__.startswith("sqlalchemy"):
        return "pool_exhausted"  # its own TimeoutError is the pool's
    for kind in type(error).__mro__:
        known = _BY_TYPE_NAME.get(kind.__name__)
        if known is not None:
            return known
    return None


def _by_text(error: BaseException) -> str | None:
    text = str(error)
    return next((failure for failure, phrases in _BY_TEXT if any(each in text for each in phrases)), None)


def _by_family(error: BaseException) -> str | None:
    """The broadest statement, when nothing finer is known."""
    if isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutException":
        return "timeout"
    if isinstance(error, EOFError):
        return "eof"
    if type(error).__name__ == "RemoteProtocolError":  # of httpx and httpcore, for whatever is no HTTP
        return "protocol_mismatch"
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if any(name.startswith("redis.") and name.endswith("ResponseError") for name in names):
        return "redis_error"
    if isinstance(error, ConnectionError):
        return "connection_reset"
    return None


Rule = Callable[[BaseException], str | None]
_RULES: Iterable[Rule] = (_by_facts, _by_type, _by_text, _by_family)
