"""The queue over Redis TCP."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import in_the_lab, repeated, with_marks
from repro.diagnose.urls import with_parameter
from repro.diagnose.view import Line, View, failed, is_a, is_of_the_queue, over, said, says
from repro.document import Outcome
from repro.persistence.dsn import MalformedUrl, Url, parse_url

_VARIABLE = "UPSTASH_REDIS_URL"
_OTHER_SERVERS = frozenset({"postgres", "http", "ssh", "smtp", "mysql"})
_CERTIFICATE = ("tls_unknown_authority", "tls_hostname_mismatch", "tls_expired")
_LOST = ("eof", "connection_reset", "timeout")
_BUSY_WORDS = ("max number of clients reached", "max concurrent connections exceeded")
_REFUSED_PASSWORD = ("WRONGPASS", "invalid username-password")
_TOO_MUCH_FOR_A_STRANGER = ("unauthenticated multibulk length", "unauthenticated bulk length")
"""Before it knows a client, Redis 7 takes no more than ten arguments, and none above 16 KiB."""

_HELLO_UNKNOWN = re.compile(
    r"unknown command\W{0,3}HELLO|NOPROTO|unsupported protocol version", re.IGNORECASE
)


def refused_as(code: str, *phrases: str) -> Callable[[View], list[Outcome]]:
    """The probes of the queue to which the server itself gave an error of a code.

    Args:
        code: the first word of its reply, such as ``READONLY``; some clients take it off the text.
        phrases: what the text says after it, where a client does.
    """

    def suspects(view: View) -> list[Outcome]:
        return [
            outcome
            for outcome in view.where(is_of_the_queue, failed("redis_error", "auth_failed", *_LOST))
            if refusal(view, outcome) == code or says(f"{code} ", *phrases)(outcome)
        ]

    return suspects


def refusal(view: View, outcome: Outcome) -> str | None:
    """The code of the last reply over Redis TCP, if that is an error; CLIENT SETINFO may be refused by anyone."""
    replies = view.lines(outcome, "redis.reply")
    return None if not replies else replies[-1].get("redis.error")


def redis_url(view: View) -> Url | None:
    """The queue's URL over TCP, taken apart; None where there is none that can be read."""
    try:
        return parse_url(view.variables[_VARIABLE]) if _VARIABLE in view.variables else None
    except MalformedUrl:
        return None


def _plain_to_tls(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in view.where(is_of_the_queue, over("tcp"), failed(*_LOST, "protocol_mismatch"))
        if _dialled_plainly(outcome)
        and view.spoken_at(outcome) == "tls"
        and not any(_answered(line) for line in view.lines(outcome, "redis.reply"))
    ]


def _answered(reply: Line) -> bool:
    """Whether a reply is one: what is no RESP, such as an alert of TLS, is not."""
    return "redis.reply_type" in reply


def _dialled_plainly(outcome: Outcome) -> bool:
    return bool(outcome["predicted"]) and all(each["protocol"] == "redis" for each in outcome["predicted"])


def _with_tls(view: View, outcome: Outcome) -> Change | None:
    text = view.variables.get(_VARIABLE, "")
    if not text.startswith("redis://"):
        return None
    return Change(
        words="rediss:// in the place of redis://",
        probe=outcome["name"],
        command=f'{_VARIABLE}="rediss://${{{_VARIABLE}#redis://}}" {repeated(outcome["name"])}',
        variables={_VARIABLE: "rediss://" + text.removeprefix("redis://")},
    )


def _other_server(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in view.where(is_of_the_queue, over("tcp"))
        if view.spoken_at(outcome) in _OTHER_SERVERS and not view.let_in_beside(outcome)
    ]


def _rest_url(view: View) -> list[Outcome]:
    """A web address where a client of Redis was given it; ioredis takes it for a path of a Unix socket."""
    given = view.variables.get(_VARIABLE, "").lower().startswith(("https://", "http://"))
    found = view.where(
        is_of_the_queue,
        says("Redis URL must specify one of the following schemes", "connect ENOENT //", "Redis URL"),
    )
    return [outcome for outcome in found if given and over("tcp")(outcome)]


def _no_room(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in view.where(is_of_the_queue)
        if says(*_BUSY_WORDS)(outcome) or _turned_away(view, outcome)
    ]


def _turned_away(view: View, outcome: Outcome) -> bool:
    """At most one error as the reply, then the end; and asked again, the server turns this one away too.

    ioredis does not keep the text, and where its write meets the end first it never reads it.
    """
    speaker = view.speaker(outcome)
    codes = {line.get("redis.error") for line in view.lines(outcome, "redis.reply") if _answered(line)}
    return (
        failed("eof", "connection_reset")(outcome)
        and speaker is not None
        and any(words in speaker.error for words in _BUSY_WORDS)
        and codes <= {"ERR"}
    )


def _no_password(view: View) -> list[Outcome]:
    """None was given, as the server says; or an empty one, which a client sends for a user without one."""
    url = redis_url(view)
    asked_for = ("NOAUTH", "Authentication required", "must be called with the client already authenticated")
    empty = _REFUSED_PASSWORD if url is not None and not url.password else ()
    said_so = view.where(
        is_of_the_queue,
        over("tcp"),
        failed("auth_failed", "redis_error"),
        says(*asked_for, *_TOO_MUCH_FOR_A_STRANGER, *empty),
    )
    return [outcome for outcome in said_so if not _login_by_hello_unread(view, outcome)]


def _where_none_was_given(view: View, outcome: Outcome) -> Change | None:
    """Where a password was given and not used, another server would not show why."""
    url = redis_url(view)
    return in_the_lab(view, outcome) if url is not None and not url.password else None


def _login_by_hello_unread(view: View, outcome: Outcome) -> bool:
    """A HELLO that carries the password was answered with NOAUTH: the server does not know HELLO."""
    url = redis_url(view)
    commands = view.lines(outcome, "redis.cmd")
    hello_alone = bool(commands) and all(line.get("redis.cmd") == "HELLO" for line in commands)
    given = url is not None and bool(url.password)
    return given and hello_alone and refusal(view, outcome) == "NOAUTH"


def _untrusted(view: View) -> list[Outcome]:
    return view.where(is_of_the_queue, failed(*_CERTIFICATE))


def _unverified(view: View, outcome: Outcome) -> Change | None:
    """redis-py on this machine without verification, so that no password leaves it; others on the lab's server."""
    text = view.variables.get(_VARIABLE)
    address = outcome["error"]["address"] if outcome["error"] else None
    near = (address or "").startswith(("127.", "[::1]"))
    if text is None or outcome["driver"]["name"] != "redis" or outcome["transport"] != "tcp" or not near:
        return in_the_lab(view, outcome)
    return Change(
        words="ssl_cert_reqs=none, so that nobody verifies the certificate",
        probe=outcome["name"],
        command=f"{repeated(outcome['name'])}   # with ssl_cert_reqs=none in {_VARIABLE}",
        variables={_VARIABLE: with_parameter(text, "ssl_cert_reqs", "none")},
    )


def _no_hello(view: View) -> list[Outcome]:
    """HELLO was refused as unknown; who went on without it is not concerned."""
    return [
        outcome
        for outcome in view.where(is_of_the_queue, over("tcp"))
        if _login_by_hello_unread(view, outcome)
        or (
            _HELLO_UNKNOWN.search(said(outcome))
            and (not view.lines(outcome, "redis.cmd") or _sent(view, outcome, "HELLO"))
        )
    ]


def _sent(view: View, outcome: Outcome, command: str) -> bool:
    return any(line.get("redis.cmd") == command for line in view.lines(outcome, "redis.cmd"))


def _with_resp2(view: View, outcome: Outcome) -> Change | None:
    """redis-py reads ``protocol`` in a URL; other clients do not."""
    text = view.variables.get(_VARIABLE)
    if text is None or outcome["driver"]["name"] != "redis" or outcome["name"].startswith("specimen."):
        return None
    bare, _, query = text.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("protocol=")]
    return Change(
        words="protocol=2 in the URL",
        probe=outcome["name"],
        command=f'{_VARIABLE}="${{{_VARIABLE}%%\\?*}}?{"&".join([*_shown(kept), "protocol=2"])}" '
        f"{repeated(outcome['name'])}",
        variables={_VARIABLE: f"{bare}?{'&'.join([*kept, 'protocol=2'])}"},
    )


_NO_SECRETS = frozenset(
    {"db", "ssl_cert_reqs", "ssl_check_hostname", "socket_timeout", "health_check_interval"}
)


def _shown(parameters: Sequence[str]) -> list[str]:
    """Those that are known to hold no secret: the URL's others are not for a command."""
    return [each for each in parameters if each.partition("=")[0] in _NO_SECRETS]


def _retried(view: View, outcome: Outcome) -> list[Line]:
    """The same push, by its size, on one connection after the other: all but those that were answered."""
    return sent_again(view.lines(outcome, "redis.cmd"))


def sent_again(commands: Sequence[Line]) -> list[Line]:
    """The commands that were sent alike on two connections or more; empty where there are none.

    Args:
        commands: ``redis.cmd`` lines.
    """
    alike: dict[tuple[object, ...], list[Line]] = {}
    for line in commands:
        if line.get("redis.cmd") in PUSHES:
            alike.setdefault((line["redis.cmd"], line.get("redis.argc"), line.get("len")), []).append(line)
    most = max(alike.values(), key=len, default=[])
    return most if len({(line.get("pid"), line.get("conn")) for line in most}) > 1 else []


PUSHES = frozenset({"RPUSH", "LPUSH", "RPUSHX", "LPUSHX", "XADD", "EVAL", "EVALSHA", "FCALL"})
"""Commands that put a job into a queue."""


def _resent_by(*drivers: str) -> Callable[[View], list[Outcome]]:
    """A push that arrived more than once, sent again and again by one client, and by no other way."""

    def suspects(view: View) -> list[Outcome]:
        return [
            outcome
            for outcome in view.where(failed("duplicate_effect"))
            if _retried(view, outcome)
            and not view.lines(outcome, "http.request")
            and outcome["driver"]["name"] in drivers
        ]

    return suspects


def _never_settled(view: View) -> list[Outcome]:
    """Ioredis waits for ever for a command that was sent once, on a connection that another has replaced."""
    return [
        outcome
        for outcome in view.where(is_of_the_queue, failed("timeout"), over("tcp"))
        if outcome["driver"]["name"] == "ioredis" and _forgotten(view, outcome)
    ]


def _forgotten(view: View, outcome: Outcome) -> bool:
    """Whether one push was sent, and what came after it in that process came on a later connection."""
    pushes = [line for line in view.lines(outcome, "redis.cmd") if line.get("redis.cmd") in PUSHES]
    if len(pushes) != 1:
        return False
    (push,) = pushes
    replies = _later(view.lines(outcome, "redis.reply"), push)
    replaced = [line for line in _later(view.lines(outcome, "connect"), push) if not line.get("failure")]
    return bool(replaced and replies) and all(line["conn"] != push["conn"] for line in replies)


def _later(lines: Sequence[Line], than: Line) -> list[Line]:
    """Those of the same process, which alone numbers its connections."""
    return [line for line in lines if line["seq"] > than["seq"] and line.get("pid") == than.get("pid")]


def _with_resending(_view: View, outcome: Outcome) -> Change | None:
    """Sent again, and harmless, as its jobs have marks; an application's own push is not for us to repeat."""
    if outcome["name"] != "specimen.node-ioredis-forgets":
        return None
    probe = "specimen.node-ioredis-marked"
    return Change(
        words="autoResendUnfulfilledCommands as it is by default",
        probe=probe,
        command=repeated(probe),
    )


_SCREEN: Mapping[str, str] = {
    "redis-rest-url": "a Redis client was given the URL, and nothing was dialled",
    "up-redis-url-in-rest": "it is UPSTASH_REDIS_URL that holds the wrong kind",
}

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="redis-rest-url",
        layer="redis-tcp",
        title="The REST URL stands where a Redis URL belongs",
        summary="UPSTASH_REDIS_URL holds https://. redis-py refuses the scheme; ioredis takes the value for the path of a "
        "Unix socket. No packet leaves. This program refuses it before anything is dialled.",
        suspects=_rest_url,
        symptoms={
            "redis-py": "ValueError: Redis URL must specify one of the following schemes",
            "ioredis": "Error: connect ENOENT //<host>",
        },
        apart={"up-redis-url-in-rest": _SCREEN["up-redis-url-in-rest"]},
        fix=(
            "Set UPSTASH_REDIS_URL to rediss://default:PASSWORD@HOST:6379, and keep the https:// URL in UPSTASH_REDIS_REST_URL.",
        ),
        links=("https://github.com/redis/ioredis/issues/1756",),
    ),
    Cause(
        id="redis-plain-to-tls",
        layer="redis-tcp",
        title="The queue's port wants TLS, and the URL says redis://",
        summary="The client sent commands in clear to a port that speaks TLS. The server ended the connection, and no "
        "reply of Redis ever came.",
        suspects=_plain_to_tls,
        symptoms={
            "redis-py": "ConnectionError: Connection closed by server, or Connection reset by peer",
            "ioredis": "read ECONNRESET, then MaxRetriesPerRequestError",
        },
        apart={
            "tcp-accept-then-close": "asked afterwards, the address speaks TLS",
            "redis-max-clients": "no reply of Redis came, not even an error",
            "redis-talks-to-other-server": "asked afterwards, the address speaks TLS",
        },
        fix=(
            "Write rediss:// in the place of redis:// (for ioredis that, or tls: {}).",
            "Upstash takes nothing but TLS.",
        ),
        links=(
            "https://github.com/upstash/docs/blob/main/redis/troubleshooting/econn_reset.mdx",
            "https://github.com/redis/redis-py/issues/2056",
            "https://github.com/redis/ioredis/issues/1971",
        ),
        ops=("redis.reply", "tls.alert", "close"),
        change=_with_tls,
    ),
    Cause(
        id="redis-talks-to-other-server",
        layer="redis-tcp",
        title="At the queue's address another kind of server answers",
        summary="The connection was accepted, and who listens there is not Redis: asked afterwards, it spoke another "
        "protocol.",
        suspects=_other_server,
        symptoms={
            "redis-py": "ConnectionError: Connection closed by server; over TLS: EOF occurred in violation of protocol",
            "ioredis": "read ECONNRESET",
            "Postgres, in its log": "invalid length of startup packet",
        },
        apart={"redis-plain-to-tls": "the server spoke in clear, in a protocol that is not Redis"},
        fix=("Correct host and port in UPSTASH_REDIS_URL.",),
        links=("https://www.postgresql.org/docs/current/protocol-flow.html",),
        ops=("redis.reply", "tls.handshake", "close"),
        change=in_the_lab,
    ),
    Cause(
        id="redis-tls-trust",
        layer="redis-tcp",
        title="The certificate of the queue is not accepted",
        summary="The handshake with the queue failed on its certificate: signed by an authority that is not trusted, for "
        "another name, or out of its dates. No credentials were sent.",
        suspects=_untrusted,
        symptoms={
            "redis-py": "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
            "ioredis": "SELF_SIGNED_CERT_IN_CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "httpx": "ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED]",
        },
        apart={"tls-untrusted-ca": "it is the queue that was dialled, not the database"},
        fix=(
            "Trust the authority: ssl_ca_certs or SSL_CERT_FILE for Python, NODE_EXTRA_CA_CERTS for Node.",
            "Dial the name that the certificate is for, not an address.",
        ),
        links=("https://github.com/redis/RedisInsight/issues/3475",),
        ops=("tls.handshake",),
        change=_unverified,
    ),
    Cause(
        id="redis-max-clients",
        layer="redis-tcp",
        title="The queue has no room for one more connection",
        summary="The server accepted the connection, said that the number of clients is reached, and closed it before any "
        "command. ioredis loses that text and reports the broken connection.",
        suspects=_no_room,
        symptoms={
            "redis-py": "ConnectionError: max number of clients reached",
            "ioredis": "write EPIPE or read ECONNRESET",
            "Upstash": "ERR max concurrent connections exceeded",
        },
        apart={
            "redis-plain-to-tls": "the server answered in the protocol of Redis",
            "tcp-accept-then-close": "the server said why before it closed",
        },
        fix=(
            "Close connections at the end of each invocation, and share one within a process.",
            "Or use the REST interface, which holds none.",
        ),
        links=(
            "https://github.com/upstash/docs/blob/main/redis/troubleshooting/max_concurrent_connections.mdx",
        ),
        ops=("redis.reply",),
        change=in_the_lab,
    ),
    Cause(
        id="redis-loading",
        layer="redis-tcp",
        title="The queue is not ready: it loads its data, or its primary is away",
        summary="The server answered LOADING, or MASTERDOWN: it runs, and does not serve yet.",
        suspects=lambda view: [
            *refused_as("LOADING", "loading the dataset in memory")(view),
            *refused_as("MASTERDOWN", "Link with MASTER is down")(view),
        ],
        symptoms={
            "redis-py": "BusyLoadingError, MasterDownError",
            "ioredis": "LOADING Redis is loading the dataset in memory (its ready check waits)",
        },
        apart={"redis-readonly-replica": "the server does not serve at all, reads included"},
        fix=("Try again later, with growing pauses.", "For MASTERDOWN: dial the primary."),
        links=("https://redis.io/docs/latest/develop/reference/clients/",),
        ops=("redis.reply",),
        change=in_the_lab,
    ),
    Cause(
        id="redis-noauth",
        layer="redis-tcp",
        title="The queue wants a password, and none was given",
        summary="The first command was answered with NOAUTH: the URL holds no password, or the client did not use it.",
        suspects=_no_password,
        symptoms={
            "redis-py from 8": "AuthenticationError: HELLO must be called with the client already authenticated",
            "redis-py before, or with protocol 2": "AuthenticationError: Authentication required.",
            "redis-py whose first command is long": "Protocol error: unauthenticated multibulk length",
            "ioredis": "NOAUTH Authentication required, or NOAUTH HELLO must be called ...",
        },
        apart={
            "redis-wrongpass": "the server says that none was given, not that it is wrong",
            "vr-redispy8-resp3": "the server knows HELLO",
        },
        fix=(
            "Write rediss://default:PASSWORD@HOST:PORT; in redis://NAME@HOST the name is a user, not a password.",
        ),
        links=("https://github.com/upstash/docs/blob/main/redis/troubleshooting/no_auth.mdx",),
        ops=("redis.reply",),
        change=_where_none_was_given,
    ),
    Cause(
        id="redis-wrongpass",
        layer="redis-tcp",
        title="The queue refuses the password",
        summary="The server was reached and answered the login with WRONGPASS.",
        suspects=lambda view: view.where(
            is_of_the_queue,
            over("tcp"),
            failed("auth_failed"),
            says(*_REFUSED_PASSWORD),
            # another client was let in there: they part on what the password is
            lambda outcome: not view.let_in_beside(outcome),
        ),
        symptoms={
            "redis-py": "AuthenticationError: invalid username-password pair or user is disabled.",
            "ioredis": "WRONGPASS invalid username-password pair or user is disabled.",
        },
        ops=("redis.reply",),
        apart={
            "up-401": "it is the login over TCP; the REST token is another secret",
            "redis-noauth": "a password was given",
        },
        fix=(
            "Copy the TCP password of this database into UPSTASH_REDIS_URL; percent-encode what a URL cannot hold.",
            "The REST token is not always the password.",
        ),
        links=(
            "https://github.com/upstash/redis-js/issues/711",
            "https://github.com/goauthentik/authentik/issues/3520",
        ),
        change=in_the_lab,
    ),
    Cause(
        id="redis-noperm",
        layer="redis-tcp",
        title="The queue's user may not run the command",
        summary="The login succeeded, and the server answered NOPERM: the user lacks the command, or the keys.",
        suspects=lambda view: [
            outcome
            for outcome in view.where(is_of_the_queue, over("tcp"))
            if refusal(view, outcome) == "NOPERM"
            or is_a("NoPermissionError")(outcome)
            or says("NOPERM ", "this user has no permissions", "ACL failure in script")(outcome)
        ],
        symptoms={
            "redis-py": "NoPermissionError: this user has no permissions to run the 'eval' command",
            "ioredis": "NOPERM this user has no permissions to run the 'rpush' command",
        },
        apart={
            "redis-wrongpass": "the login succeeded",
            "redis-readonly-replica": "it is the user that may not write, not the server",
            "up-readonly-token": "it is a user of Redis TCP, not a token",
        },
        fix=(
            "Log in as a user that may write and run scripts, or grant it: ACL SETUSER <name> +@write +@scripting ~*.",
        ),
        links=("https://github.com/revokslab/waitly/issues/4",),
        ops=("redis.reply",),
        change=in_the_lab,
    ),
    Cause(
        id="redis-wrongtype",
        layer="redis-tcp",
        title="The queue's key holds another type of value",
        summary="The server answered WRONGTYPE: the key is there, and is no list. It will be answered alike every time. "
        "The probes here make a key of their own, so it shows in applications only.",
        suspects=refused_as("WRONGTYPE", "wrong kind of value"),
        symptoms={
            "redis-py": "ResponseError: WRONGTYPE Operation against a key holding the wrong kind of value",
            "ioredis, @upstash/redis": "WRONGTYPE Operation against a key holding the wrong kind of value",
        },
        fix=("Ask with TYPE what the key is; use another name, or remove it.", "Do not try again."),
        links=("https://redis.io/docs/latest/commands/rpush/",),
        ops=("redis.reply", "http.response"),
        change=in_the_lab,
    ),
    Cause(
        id="redis-readonly-replica",
        layer="redis-tcp",
        title="The queue's server is a replica, which takes no writes",
        summary="The server answered a write with READONLY. After a failover the old primary is one; so is an open server "
        "that somebody made a replica of his own.",
        suspects=refused_as("READONLY", "against a read only replica", "against a read only slave"),
        symptoms={
            "redis-py": "ReadOnlyError: You can't write against a read only replica.",
            "ioredis": "READONLY You can't write against a read only replica.",
        },
        apart={
            "tx-read-only": "it is the queue that refuses writes, not the database",
            "redis-noperm": "it is the server that takes no writes, not the user",
        },
        fix=(
            "Dial the primary: INFO replication says who it is.",
            "Connect again on READONLY (ioredis: reconnectOnError).",
        ),
        links=(
            "https://github.com/jazzband/django-redis/issues/616",
            "https://github.com/redis/ioredis/pull/1089",
        ),
        ops=("redis.reply",),
        change=in_the_lab,
    ),
    Cause(
        id="redis-oom",
        layer="redis-tcp",
        title="The queue's memory is full",
        summary="The server answered a write with OOM, or Upstash that the capacity of the database is exceeded. Reads go "
        "on.",
        suspects=refused_as("OOM", "when used memory > 'maxmemory'", "DB capacity quota exceeded"),
        symptoms={
            "redis-py": "OutOfMemoryError: command not allowed when used memory > 'maxmemory'.",
            "ioredis": "OOM command not allowed when used memory > 'maxmemory'.",
            "Upstash": "ERR DB capacity quota exceeded",
        },
        apart={"up-size": "it is the whole database that is full, not one request that is large"},
        fix=(
            "Remove what is not needed, trim the list, or take a larger plan.",
            "Let keys expire; the policy noeviction refuses writes when memory is full.",
        ),
        links=(
            "https://github.com/upstash/docs/blob/main/redis/troubleshooting/db_capacity_quota_exceeded.mdx",
        ),
        ops=("redis.reply", "http.response"),
        change=in_the_lab,
    ),
    Cause(
        id="redis-misconf",
        layer="redis-tcp",
        title="The queue cannot write its snapshots, and so takes no writes",
        summary="The server answered a write with MISCONF: its last snapshot failed, for want of room or of permission, "
        "and stop-writes-on-bgsave-error is on.",
        suspects=refused_as("MISCONF", "unable to persist to disk"),
        symptoms={"redis-py, ioredis": "MISCONF Redis is configured to save RDB snapshots, but ..."},
        apart={"redis-oom": "it is the disk, not the memory"},
        fix=("Give the server room and permission in its folder; its log names the error.",),
        links=("https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/",),
        ops=("redis.reply",),
        change=in_the_lab,
    ),
    Cause(
        id="redis-pyretry-duplicates",
        layer="redis-tcp",
        title="redis-py sent the push again when its answer was lost",
        summary="The same push was sent on one connection after the other, and carried out each time. By default "
        "redis.Redis(host=...) sends a command again up to ten times, whatever it is.",
        suspects=_resent_by("redis"),
        symptoms={
            "redis-py": "nothing: one call of rpush() returns 2 or more; or an error after eleven pushes",
        },
        apart={
            "redis-ioredis-resend": "the client is redis-py",
            "up-retry-duplicates": "the pushes went over Redis TCP",
            "ob-fallback-duplicate": "all went over one transport, by the client itself",
        },
        fix=(
            "Switch retries off for pushes: Retry(NoBackoff(), 0).",
            "Or make a repeated push harmless: a mark per job (SET NX) in one script with the push.",
        ),
        links=(
            "https://github.com/redis/redis-py/issues/3554",
            "https://github.com/redis/redis-py/pull/3559",
        ),
        ops=("redis.cmd", "close"),
        change=with_marks,
    ),
    Cause(
        id="redis-ioredis-resend",
        layer="redis-tcp",
        title="ioredis sent the push again when its answer was lost",
        summary="The same push was sent on one connection after the other, and carried out each time. ioredis sends "
        "unanswered commands again after each reconnect, and counts from zero whenever it succeeds.",
        suspects=_resent_by("ioredis"),
        symptoms={"ioredis": "nothing: the promise resolves with a length that is too large"},
        apart={
            "redis-pyretry-duplicates": "the client is ioredis",
            "ob-fallback-duplicate": "all went over one transport, by the client itself",
        },
        fix=(
            "Set maxRetriesPerRequest: 0, and make a repeated push harmless: a mark per job (SET NX) in one script with it.",
            "autoResendUnfulfilledCommands: false may leave the promise pending for ever (redis-ioredis-never-settles).",
        ),
        links=(
            "https://github.com/redis/ioredis/issues/800",
            "https://github.com/redis/ioredis/issues/1079",
        ),
        ops=("redis.cmd", "close"),
        change=with_marks,
    ),
    Cause(
        id="redis-ioredis-never-settles",
        layer="redis-tcp",
        title="ioredis never answers for a command whose connection was lost",
        summary="The command was sent once, its connection was replaced, and on the new one it was neither sent again nor "
        "given up. With autoResendUnfulfilledCommands: false ioredis forgets it.",
        suspects=_never_settled,
        symptoms={"ioredis 6.0.0": "await redis.rpush() waits for ever, and the status is ready"},
        apart={"redis-ioredis-resend": "the command was sent once"},
        fix=("Set commandTimeout.", "Take a version of ioredis with pull request 2194."),
        links=(
            "https://github.com/redis/ioredis/issues/2193",
            "https://github.com/redis/ioredis/pull/2194",
        ),
        ops=("redis.cmd", "close"),
        change=_with_resending,
    ),
    Cause(
        id="vr-redispy8-resp3",
        layer="version-regression",
        title="redis-py 8 begins with HELLO, which this server does not know",
        summary="Since version 8 redis-py speaks RESP3 unless told otherwise, and so begins with HELLO 3. A server or proxy "
        "older than Redis 6 answers that the command is unknown, and redis-py gives up.",
        suspects=_no_hello,
        symptoms={
            "redis-py from 8": "ResponseError: unknown command 'HELLO'",
            "redis-py before, or with protocol=2": "nothing: it works",
            "ioredis": "nothing: it falls back",
        },
        apart={"redis-noauth": "HELLO itself is what the server does not know"},
        fix=(
            "Give protocol=2, as an argument or as ?protocol=2 in the URL.",
            "Or stay below redis-py 8 until the server is newer.",
        ),
        links=(
            "https://github.com/neodb-social/neodb/pull/1585",
            "https://github.com/redis/redis-py/issues/3058",
        ),
        ops=("redis.reply",),
        change=_with_resp2,
    ),
)
