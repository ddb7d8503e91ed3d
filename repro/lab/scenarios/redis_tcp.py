"""The queue over Redis TCP."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import redis

from repro.lab.errors import LabError
from repro.lab.faults import Cut, Fault, FaultRelay, Replace, RespCommand, RespReply
from repro.lab.faults.authority import signed
from repro.lab.faults.fronts import tls_before
from repro.lab.faults.own_valkey import OwnValkey, lacks_valkey, own_valkey
from repro.lab.faults.servers import answering, serving
from repro.lab.faults.triggers import Mark, Side
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import QUEUE, of_the_lab, url, with_environment, with_redis_url

_PROBE = "push.redis-tcp"
_BOTH = (_PROBE, "node.ioredis")
_SETTLE_S = 10.0


@contextlib.contextmanager
def _plain_to_tls(lab: Lab) -> Iterator[Scene]:
    changed = url(lab.environment["UPSTASH_REDIS_URL"], scheme="redis")
    yield of_the_lab(lab, *QUEUE, UPSTASH_REDIS_URL=changed)


def _plain(lab: Lab, **changes: str | int) -> Scene:
    changed = url(lab.plain["UPSTASH_REDIS_URL"], **changes)  # type: ignore[arg-type]
    return of_the_lab(lab, *QUEUE, UPSTASH_REDIS_URL=changed)


@contextlib.contextmanager
def _postgres_at_its_address(lab: Lab) -> Iterator[Scene]:
    yield _plain(lab, host="localhost", port=urlsplit(lab.environment["DATABASE_URL"]).port or 0)


@contextlib.contextmanager
def _http_at_its_address(lab: Lab) -> Iterator[Scene]:
    with serving(answering("400 Bad Request", "<html>no</html>")) as port:
        yield _plain(lab, host="127.0.0.1", port=port)


def _behind_a_front(*names: str, expired: bool = False) -> Stage:
    """The lab's queue behind TLS with another certificate, whose authority is trusted."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        queue = urlsplit(lab.plain["UPSTASH_REDIS_URL"]).port or 0
        with (
            signed(*names, expired=expired) as shown,
            tls_before("tls", ("127.0.0.1", queue), shown.context) as port,
        ):
            changed = url(lab.environment["UPSTASH_REDIS_URL"], port=port)
            trust = {"SSL_CERT_FILE": str(shown.ca), "NODE_EXTRA_CA_CERTS": str(shown.ca)}
            yield Scene(of_the_lab(lab, *QUEUE, UPSTASH_REDIS_URL=changed).variables, trust)

    return stage


def _as_user(*rules: str) -> Stage:
    """The lab's queue, logged in as a user of ACL that has only these rights."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        name, password = f"scene-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        with redis.Redis.from_url(lab.plain["UPSTASH_REDIS_URL"], protocol=2) as admin:
            admin.execute_command("ACL", "SETUSER", name, "on", f">{password}", "~*", *rules)
            try:
                yield _plain(lab, user=name, password=password)
            finally:
                admin.execute_command("ACL", "DELUSER", name)

    return stage


def queue_behind(fault: Fault) -> Stage:
    """The lab's queue behind a relay with a fault in it, without TLS."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        port = urlsplit(lab.plain["UPSTASH_REDIS_URL"]).port or 0
        with FaultRelay(("127.0.0.1", port), fault) as relay:
            yield _plain(lab, host="127.0.0.1", port=relay.port)

    return stage


class _FirstReply(RespReply):
    """The reply to a trial's first push, and to none that is sent again after it; a trial ends with DEL.

    Args:
        lost: whether this trial's is lost already; of the whole relay, one truth value.
    """

    def __init__(self, lost: list[bool]) -> None:
        super().__init__("RPUSH", "EVAL")
        self._cleaning_up = RespCommand("DEL")
        self._lost = lost
        self._meant = False

    def feed(self, side: Side, data: bytes) -> list[Mark]:
        """Take bytes, and tell where something begins or ends."""
        if self._cleaning_up.feed(side, data):
            self._lost[0] = False
        return super().feed(side, data)

    def _begins(self, at: int) -> None:
        self._meant = not self._lost[0]
        if self._meant:
            self._lost[0] = True
            super()._begins(at)

    def _ends(self, at: int) -> None:
        if self._meant:
            super()._ends(at)


@contextlib.contextmanager
def _losing_replies(lab: Lab) -> Iterator[Scene]:
    """A push is carried out, and its answer is lost; what is sent again gets its answer."""
    lost = [False]
    with queue_behind(Fault(lambda: _FirstReply(lost), Cut(), times=None))(lab) as scene:
        yield scene


def _on_its_own(
    *settings: str, broken: Callable[[OwnValkey], contextlib.AbstractContextManager[None]] | None = None
) -> Stage:
    """A queue of the scenario's own, in a state that the lab's must not be in."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with own_valkey(*settings) as server, (broken or _as_it_is)(server):
            yield of_the_lab(lab, *QUEUE, UPSTASH_REDIS_URL=server.url)

    return stage


@contextlib.contextmanager
def _as_it_is(_server: OwnValkey) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _with_a_client(server: OwnValkey) -> Iterator[None]:
    with server.connection():
        yield


@contextlib.contextmanager
def _without_its_folder(server: OwnValkey) -> Iterator[None]:
    """Its snapshots fail, as on a full disk, also where it runs as root."""
    shutil.rmtree(server.folder)
    server.command("SET", "a", "1")
    give_up = time.monotonic() + _SETTLE_S
    while not server.command("SET", "a", "2").startswith(b"-MISCONF"):
        if time.monotonic() > give_up:
            raise LabError("the snapshots of a Valkey without a folder do not fail")
        server.command("BGSAVE")
        time.sleep(0.1)
    yield


def _with_protocol_3(server: OwnValkey) -> str:
    return f"{server.url}?protocol=3"


@contextlib.contextmanager
def _resp3_without_hello(lab: Lab) -> Iterator[Scene]:
    with own_valkey('rename-command HELLO ""') as server:
        yield of_the_lab(lab, *QUEUE, UPSTASH_REDIS_URL=_with_protocol_3(server))


_UNTRUSTED = {"SSL_CERT_FILE": None, "NODE_EXTRA_CA_CERTS": None}
_REPLICA = "replicaof 127.0.0.1 1"  # nothing listens on tcpmux's port

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="redis-plain-to-tls",
        cause="redis-plain-to-tls",
        title="redis:// to a port that speaks TLS",
        stage=_plain_to_tls,
        only=(_PROBE,),
        proof="confirmed",
    ),
    Scenario(
        name="redis-plain-to-tls-node",
        cause="redis-plain-to-tls",
        title="redis:// to a port that speaks TLS, by ioredis",
        stage=_plain_to_tls,
        only=("node.ioredis",),
        proof="confirmed",
    ),
    Scenario(
        name="redis-talks-to-other-server",
        cause="redis-talks-to-other-server",
        title="the queue's URL leads to Postgres",
        stage=_postgres_at_its_address,
        only=(_PROBE,),
        proof="confirmed",
    ),
    Scenario(
        name="redis-talks-to-other-server-http",
        cause="redis-talks-to-other-server",
        title="the queue's URL leads to a web server",
        stage=_http_at_its_address,
        only=(_PROBE,),
        proof="confirmed",
    ),
    Scenario(
        name="redis-tls-trust",
        cause="redis-tls-trust",
        title="the authority of the queue's certificate is not trusted",
        stage=with_environment(with_redis_url(), _UNTRUSTED),
        only=(*_BOTH, "push.upstash-rest"),
        proof="confirmed",
    ),
    Scenario(
        name="redis-tls-trust-expired",
        cause="redis-tls-trust",
        title="the queue's certificate ended a month ago",
        stage=_behind_a_front("localhost", expired=True),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="redis-tls-trust-name",
        cause="redis-tls-trust",
        title="the queue's certificate is for another host",
        stage=_behind_a_front("queue.txrepro.test"),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="redis-max-clients",
        cause="redis-max-clients",
        title="the queue takes one client, and has it",
        stage=_on_its_own("maxclients 1", broken=_with_a_client),
        only=(_PROBE,),
        lacks=lacks_valkey,
        proof="confirmed",
    ),
    Scenario(
        name="redis-max-clients-node",
        cause="redis-max-clients",
        title="the queue takes one client, and has it; ioredis loses the reason",
        stage=_on_its_own("maxclients 1", broken=_with_a_client),
        only=("node.ioredis",),
        lacks=lacks_valkey,
        proof="confirmed",
    ),
    Scenario(
        name="redis-loading",
        cause="redis-loading",
        title="the queue is loading its data",
        stage=queue_behind(
            Fault(
                lambda: RespReply("AUTH"),
                Replace(b"-LOADING Redis is loading the dataset in memory\r\n"),
                times=None,
            )
        ),
        only=(_PROBE,),
        proof="confirmed",
    ),
    Scenario(
        name="redis-loading-masterdown",
        cause="redis-loading",
        title="the queue is a replica whose primary is away, and serves nothing",
        stage=_on_its_own(_REPLICA, "replica-serve-stale-data no"),
        only=(_PROBE,),
        lacks=lacks_valkey,
        proof="confirmed",
    ),
    Scenario(
        name="redis-noauth",
        cause="redis-noauth",
        title="the queue's URL holds no password",
        stage=with_redis_url(password="", user=""),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="redis-noauth-user",
        cause="redis-noauth",
        title="the queue's URL holds a user and no password",
        stage=with_redis_url(password=""),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="redis-noauth-resp3",
        cause="redis-noauth",
        title="the queue's URL holds no password, and redis-py speaks RESP3",
        stage=with_redis_url(password="", user="", query="protocol=3"),
        only=(_PROBE,),
        proof="confirmed",
    ),
    Scenario(
        name="redis-wrongpass",
        cause="redis-wrongpass",
        title="the queue's URL holds a wrong password",
        stage=with_redis_url(password="wrong"),  # noqa: S106 - it is
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="redis-noperm",
        cause="redis-noperm",
        title="the queue's user may read only",
        stage=_as_user("+@read", "+@connection"),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="redis-noperm-in-script",
        cause="redis-noperm",
        title="the queue's user may run scripts, and not write",
        stage=_as_user("+@read", "+@connection", "+@scripting"),
        only=(_PROBE,),
        proof="confirmed",
    ),
    Scenario(
        name="redis-wrongtype",
        cause="redis-wrongtype",
        title="the queue's key is no list",
        stage=queue_behind(
            Fault(
                lambda: RespReply("EVAL"),
                Replace(b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
                times=None,
            )
        ),
        only=(_PROBE,),
        proof="confirmed",
    ),
    Scenario(
        name="redis-readonly-replica",
        cause="redis-readonly-replica",
        title="the queue is a replica",
        stage=_on_its_own(_REPLICA),
        only=_BOTH,
        lacks=lacks_valkey,
        proof="confirmed",
    ),
    Scenario(
        name="redis-oom",
        cause="redis-oom",
        title="the queue's memory is full",
        stage=_on_its_own("maxmemory 1kb", "maxmemory-policy noeviction"),
        only=_BOTH,
        lacks=lacks_valkey,
        proof="confirmed",
    ),
    Scenario(
        name="redis-misconf",
        cause="redis-misconf",
        title="the queue cannot write its snapshots",
        stage=_on_its_own("save 3600 1", broken=_without_its_folder),
        only=(_PROBE,),
        lacks=lacks_valkey,
        proof="confirmed",
    ),
    Scenario(
        name="redis-pyretry-duplicates",
        cause="redis-pyretry-duplicates",
        title="the answer to a push is lost, and redis-py sends the push again by itself",
        stage=_losing_replies,
        only=("specimen.redis-py-retries",),
        proof="confirmed",
    ),
    Scenario(
        name="redis-ioredis-resend",
        cause="redis-ioredis-resend",
        title="the answer to a push is lost, and ioredis sends the push again by itself",
        stage=_losing_replies,
        only=("specimen.node-ioredis-resends",),
        proof="confirmed",
    ),
    Scenario(
        name="redis-ioredis-never-settles",
        cause="redis-ioredis-never-settles",
        title="the answer to a push is lost, and ioredis, told to send nothing again, forgets it",
        stage=_losing_replies,
        only=("specimen.node-ioredis-forgets",),
        proof="confirmed",
    ),
    Scenario(
        name="vr-redispy8-resp3-defaults",
        cause="vr-redispy8-resp3",
        title="redis-py takes the protocol by itself, before a server without HELLO",
        stage=_on_its_own('rename-command HELLO ""'),
        only=("specimen.redis-py-defaults",),
        lacks=lacks_valkey,
    ),
    Scenario(
        name="vr-redispy8-resp3",
        cause="vr-redispy8-resp3",
        title="redis-py speaks RESP3 to a server without HELLO",
        stage=_resp3_without_hello,
        only=(_PROBE,),
        proof="confirmed",
        lacks=lacks_valkey,
    ),
)
