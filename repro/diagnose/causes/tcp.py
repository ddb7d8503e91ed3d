"""The way to the server, and who is at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import in_the_lab, repeated
from repro.diagnose.urls import with_host
from repro.diagnose.view import (
    View,
    during,
    failed,
    failed_with,
    is_of_the_database,
    over,
    says,
    sqlstate,
)
from repro.document import Outcome
from repro.observe.peers import other_loopback

_LOST_EARLY = ("eof", "connection_reset", "timeout", "protocol_mismatch", "tls_protocol")


_ASKS_FOR_A_PASSWORD = frozenset(
    {"AuthenticationSASL", "AuthenticationMD5Password", "AuthenticationCleartextPassword"}
)
_NOBODY = frozenset({"refuses", "unreachable"})
_TELLING = frozenset({"postgres", "redis", "ssh", "smtp", "mysql"})
"""Protocols by which it is plain that who listens is, or is not, the server that was meant."""


def _spoken(protocol: str) -> Callable[[View], list[Outcome]]:
    """Whoever was not understood by a driver of the database, and speaks this instead."""

    def suspects(view: View) -> list[Outcome]:
        def speaks(outcome: Outcome) -> bool:
            return view.spoken_at(outcome) == protocol and not view.let_in_beside(outcome)

        return view.where(is_of_the_database, over("tcp"), failed(*_LOST_EARLY), speaks)

    return suspects


def _closes(view: View) -> list[Outcome]:
    def was_ended(outcome: Outcome) -> bool:
        return view.spoken_at(outcome) == "closes" and not view.let_in_beside(outcome)

    early = during("tls", "authenticate", "connect")
    return view.where(is_of_the_database, over("tcp"), failed(*_LOST_EARLY), early, was_ended)


def _no_answer_to_a_syn(view: View) -> list[Outcome]:
    """Nobody refused and nobody accepted, then or afterwards."""

    def unanswered(outcome: Outcome) -> bool:
        attempts = view.lines(outcome, "connect")
        accepted = any(not line.get("failure") for line in attempts)
        refused = any(line.get("failure") == "connection_refused" for line in attempts)
        return not accepted and not refused and view.spoken_at(outcome) == "unreachable"

    return view.where(during("connect"), failed("timeout"), unanswered)


def _the_other_family_listens(view: View) -> list[Outcome]:
    """Refused on one loopback address, and somebody accepts at the same port of the other one."""

    def listens(outcome: Outcome) -> bool:
        address = outcome["error"]["address"] if outcome["error"] else None
        other = None if address is None else other_loopback(address)
        speaker = None if other is None else view.peers.get(other)
        own = "postgres" if is_of_the_database(outcome) else "redis"
        return speaker is not None and speaker.protocol not in _NOBODY | _TELLING - {own}

    return view.where(failed("connection_refused"), during("connect"), listens)


def _at_the_other_family(view: View, outcome: Outcome) -> Change | None:
    address = outcome["error"]["address"] if outcome["error"] else None
    other = None if address is None else other_loopback(address)
    name = view.url_variable()
    if other is None or name is None or not is_of_the_database(outcome) or outcome["transport"] != "tcp":
        return None
    host = other.rpartition(":")[0].strip("[]")
    changed = with_host(view.variables[name], host)
    if changed is None:
        return None
    return Change(
        words=f"{host} in the place of the host",
        probe=outcome["name"],
        command=f"{repeated(outcome['name'])}   # with {name}'s host written as {host}",
        variables={name: changed},
    )


def _drivers_part_by_family(view: View) -> list[Outcome]:
    """Refused by the server on one family, while a driver that took the other one got its transaction."""
    taken = {
        (line["peer"]["port"], ":" in line["peer"]["address"])
        for each in view.passing()
        if is_of_the_database(each) and each["transport"] == "tcp" and not _was_let_in_unasked(view, each)
        for line in view.lines(each, "connect")
        if line.get("peer") and line["peer"]["port"] and not line.get("failure")
    }

    def was_on_the_other(outcome: Outcome) -> bool:
        host, _, port = (outcome["error"]["address"] or "" if outcome["error"] else "").rpartition(":")
        if not port.isdecimal() or {each["host"] for each in outcome["predicted"]} != {"localhost"}:
            return False
        if _is_by_a_rule(outcome):
            return False
        return (int(port), ":" not in host) in taken and (int(port), ":" in host) not in taken

    return view.where(is_of_the_database, over("tcp"), during("authenticate", "insert"), was_on_the_other)


def _is_by_a_rule(outcome: Outcome) -> bool:
    """Whether pg_hba.conf refused a login: one server may have another rule for each address family."""
    return says("pg_hba.conf")(outcome) or (sqlstate("28000")(outcome) and not says('role "')(outcome))


def _was_let_in_unasked(view: View, outcome: Outcome) -> bool:
    """Whether a rule let a probe in without a password: that says nothing of one that was refused elsewhere."""
    names = {str(line.get("pg.name")) for line in view.lines(outcome, "pg.msg")}
    return "AuthenticationOk" in names and names.isdisjoint(_ASKS_FOR_A_PASSWORD)


def _nobody_listens(view: View) -> list[Outcome]:
    """Refused at the port that the setting names, on every address, and nobody else got through to it."""
    reached = {
        line["peer"]["port"]
        for outcome in view.passing()
        for line in view.lines(outcome, "connect")
        if line["peer"] and not line.get("failure")
    }
    return [
        outcome
        for outcome in view.failing()
        if failed_with(outcome, "connection_refused", "connect")
        and outcome["predicted"]
        and not any(endpoint["port"] in reached for endpoint in outcome["predicted"])
        and _dialled_as_predicted(view, outcome)
        and view.lines(outcome, "connect")
        and all(line.get("errno") == "ECONNREFUSED" for line in view.lines(outcome, "connect"))
    ]


def _dialled_as_predicted(view: View, outcome: Outcome) -> bool:
    dialled = {line["peer"]["port"] for line in view.lines(outcome, "connect") if line["peer"]}
    return dialled <= {endpoint["port"] for endpoint in outcome["predicted"]}


_WRONG_PORT = "Correct the port of the URL: Postgres is on 5432 where nobody said otherwise."

_IS_HTTP = Cause(
    id="tcp-port-is-http",
    layer="tcp",
    title="The database's port is that of an HTTP server",
    summary="The connection was accepted, and whoever accepted it does not speak Postgres's protocol: asked "
    "afterwards, it answered with an HTTP status line.",
    suspects=_spoken("http"),
    symptoms={
        "psycopg": "received invalid response to SSL negotiation: H",
        "asyncpg": "rejected SSL upgrade, or connection was closed in the middle of operation",
        "pg": "Connection terminated unexpectedly",
    },
    apart={
        "tls-server-no-ssl": "who answered is no Postgres at all",
        "tcp-port-is-ssh": "it speaks HTTP",
    },
    fix=(_WRONG_PORT, "A proxy for the WebSocket driver listens there? Take that driver for it."),
    links=("https://www.postgresql.org/docs/current/protocol-flow.html",),
    change=in_the_lab,
)

CAUSES: tuple[Cause, ...] = (
    _IS_HTTP,
    replace(
        _IS_HTTP,
        id="tcp-port-is-ssh",
        title="The database's port is that of an SSH server",
        summary="The connection was accepted, and the server spoke first: SSH-2.0. The S of its banner looks like "
        "consent to TLS, so that libpq begins a handshake with it.",
        suspects=_spoken("ssh"),
        symptoms={
            "psycopg": "SSL error: unexpected eof while reading",
            "asyncpg": "rejected SSL upgrade",
            "pg": "Connection terminated unexpectedly",
        },
        apart={
            "tls-server-no-ssl": "who answered is no Postgres at all",
            "tcp-port-is-http": "it speaks SSH, and before it is spoken to",
        },
        fix=(_WRONG_PORT, "For a tunnel, dial its local end and not the SSH server."),
    ),
    replace(
        _IS_HTTP,
        id="tcp-port-is-redis",
        title="The database's port is that of a Redis",
        summary="The connection was accepted and no answer came: a Redis waits for the end of a line, which "
        "Postgres's first message has not. Asked afterwards with PING, it answered.",
        suspects=_spoken("redis"),
        symptoms={
            "psycopg": "connection timeout expired, after the whole timeout",
            "asyncpg": "TimeoutError without a text",
            "pg": "timeout expired",
        },
        apart={
            "tcp-syn-blackhole": "the connection was accepted",
            "tcp-port-is-http": "it speaks Redis's protocol",
        },
        fix=("Correct the port of the URL: 6379 is Redis's, 5432 Postgres's.",),
        links=("https://redis.io/docs/latest/develop/reference/protocol-spec/",),
    ),
    replace(
        _IS_HTTP,
        id="tcp-pg-client-to-tls-port",
        title="The database's port speaks TLS from the first byte",
        summary="Postgres asks for TLS in its own words first. Whoever listens here takes nothing but a TLS "
        "handshake: an HTTPS server, a Redis with TLS, a TLS terminator.",
        suspects=_spoken("tls"),
        symptoms={
            "psycopg": "server closed the connection unexpectedly",
            "asyncpg": "unexpected connection_lost() call",
            "pg": "Connection terminated unexpectedly",
        },
        apart={"tcp-accept-then-close": "asked afterwards, it came to the end of a TLS handshake"},
        fix=(
            _WRONG_PORT,
            "Where a proxy in front of Postgres ends TLS: sslnegotiation=direct, with libpq 17 or later.",
        ),
        links=("https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-SSLNEGOTIATION",),
    ),
    Cause(
        id="tcp-accept-then-close",
        layer="tcp",
        title="Whoever accepts the connection ends it without a word",
        summary="The connection was accepted and ended before a single byte came, also when asked afterwards. "
        "Postgres itself says why it ends a connection: this is a proxy, a load balancer or a firewall, with nothing "
        "behind it, with a rule against this client, or in wait of another protocol's words, such as PROXY.",
        suspects=_closes,
        symptoms={
            "psycopg": "server closed the connection unexpectedly, or Connection reset by peer, by turns",
            "asyncpg": "unexpected connection_lost() call, or ConnectionResetError",
            "pg": "Connection terminated unexpectedly, or read ECONNRESET",
        },
        apart={
            "tcp-pg-client-to-tls-port": "it does not take a TLS handshake either",
            "tcp-port-is-http": "it says nothing, whatever it is asked",
        },
        fix=(
            "Look what is behind the proxy, the load balancer, or the published port of the container.",
            "Dial Postgres directly, to see whether it is up.",
        ),
        links=("https://www.postgresql.org/docs/current/protocol-flow.html",),
        ops=("close", "connect"),
        change=in_the_lab,
    ),
    Cause(
        id="tcp-syn-blackhole",
        layer="tcp",
        title="Nobody answers at the address: packets are dropped on the way",
        summary="No address accepted the connection and none refused it, within the timeout and when dialled again "
        "afterwards. A host that is up refuses at once; silence is a firewall, a security group, a host that is gone, or a "
        "server with more connections waiting than it takes.",
        suspects=_no_answer_to_a_syn,
        symptoms={
            "psycopg": "connection timeout expired",
            "asyncpg": "TimeoutError without a text",
            "pg": "timeout expired, if a timeout is set",
            "redis-py": "Timeout connecting to server",
        },
        apart={
            "tcp-refused": "nobody refused",
            "tcp-port-is-redis": "the connection was never accepted",
            "dns-timeout": "the name was found, and its address dialled",
        },
        fix=(
            "Open the way: firewall, security group, allow-list, VPN.",
            "Look whether the host is up and not overloaded, and whether the project is paused.",
        ),
        change=in_the_lab,
    ),
    Cause(
        id="tcp-other-server-on-v6",
        layer="tcp",
        title="Two servers share the port of localhost, one on each address family",
        summary="Drivers part on one URL: those that took one family were refused by the server there, and another one "
        "that took the other family got its transaction. They are two servers.",
        suspects=_drivers_part_by_family,
        symptoms={
            "asyncpg": "password authentication failed",
            "psycopg 3": "nothing: after a refused login it takes the next address",
        },
        apart={"auth-wrong-password": "the same password is taken by the server on the other address family"},
        fix=(
            "Write the literal address, 127.0.0.1 or ::1, in the place of localhost.",
            "End the server that is not meant: a native Postgres beside a container is the usual pair.",
        ),
        change=_at_the_other_family,
    ),
    Cause(
        id="tcp-localhost-v6-refused",
        layer="tcp",
        title="The server listens on the other address family of this machine",
        summary="The connection was refused on one loopback address, and on the other one somebody accepts at the same "
        "port.",
        suspects=_the_other_family_listens,
        symptoms={
            "psycopg": "connection to server at ::1 failed: Connection refused",
            "pg, Node 17 to 19": "connect ECONNREFUSED ::1:5432",
            "pg, Node 20": "nothing, or an AggregateError without a message",
        },
        apart={"tcp-refused": "somebody listens at the same port, on the other loopback address"},
        fix=(
            "Write 127.0.0.1 (or ::1, where the server is) in the place of localhost.",
            "Or let the server listen on both: listen_addresses = 'localhost'.",
        ),
        change=_at_the_other_family,
    ),
    Cause(
        id="tcp-idle-nat-drop",
        layer="tcp",
        title="A connection that was idle was forgotten on the way",
        summary="A NAT, a load balancer or IPVS drops what it has not seen for some minutes, and tells nobody: the next "
        "statement is sent again and again. One run of some seconds cannot show it, so it is explained here and never claimed.",
        suspects=lambda _view: [],
        symptoms={
            "psycopg": "hangs for about 15 minutes, then: could not receive data from server: Connection timed out",
            "pg": "hangs, or read ETIMEDOUT",
            "ioredis, redis-py": "read ETIMEDOUT, Timeout reading from socket",
        },
        apart={"tx-stale-pooled-connection": "no FIN and no reset came: nobody said that it ended"},
        fix=(
            "keepalives_idle=30 and tcp_user_timeout in the URL of libpq; a pool whose connections live shorter than the limit.",
            "Ping a pooled connection before it is used.",
        ),
        links=("https://github.com/brianc/node-postgres/issues/2112",),
    ),
    Cause(
        id="tcp-refused",
        layer="tcp",
        title="Nothing listens at the address of the setting, or a firewall refuses",
        summary="Every address of the host refused the connection at once, at the port that the setting names, and no other "
        "probe reached it.",
        suspects=_nobody_listens,
        symptoms={
            "psycopg": "connection to server at … failed: Connection refused",
            "asyncpg": "Connect call failed",
            "pg": "connect ECONNREFUSED",
            "redis-py": "Error 111 connecting to …",
        },
        apart={
            "sl-localhost-443": "the refused port is the one of the setting, not a derived one",
            "tcp-localhost-v6-refused": "nobody listens at that port of the other loopback address either",
        },
        fix=(
            "Start the server, or correct host and port.",
            "On another machine: try from the server's own network, since a firewall that rejects looks the same.",
        ),
        change=in_the_lab,
    ),
)
