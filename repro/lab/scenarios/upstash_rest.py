"""The queue over Upstash REST."""

from __future__ import annotations

import contextlib
import itertools
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from repro.lab.faults import AnswerTo, Cut, Fault, FaultRelay, Replace, RespReply
from repro.lab.faults.own_gateway import own_gateway
from repro.lab.faults.servers import Handler, answering, hanging_up, serving
from repro.lab.process import Lab
from repro.lab.scenarios.redis_tcp import queue_behind
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import QUEUE, of_the_lab

_BOTH = ("push.upstash-rest", "node.upstash")


def _with(**settings: Callable[[Lab], str]) -> Stage:
    """The lab's queue with settings of its REST endpoint changed."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        yield of_the_lab(lab, *QUEUE, **{name: value(lab) for name, value in settings.items()})

    return stage


def _served_by(handler: Handler) -> Stage:
    """Something else where the REST endpoint should be."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with serving(handler) as port:
            yield of_the_lab(lab, *QUEUE, UPSTASH_REDIS_REST_URL=f"http://127.0.0.1:{port}")

    return stage


def _with_limits(*, spent: int = 0, **limits: int) -> Stage:
    """The lab's queue behind a gateway with the limits of a small plan.

    Args:
        spent: requests that somebody else has made before.
        limits: as those of `repro.lab.upstash.app.Limits`.
    """

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        from repro.lab.upstash.app import Limits  # noqa: PLC0415 - loads a web framework

        with own_gateway(lab, Limits(**limits)) as rest:
            for _ in range(spent):
                _ask(rest, lab.environment["UPSTASH_REDIS_REST_TOKEN"])
            yield of_the_lab(lab, *QUEUE, UPSTASH_REDIS_REST_URL=rest)

    return stage


def _ask(rest: str, token: str) -> None:
    with urllib.request.urlopen(f"{rest}/ping?_token={token}"):  # noqa: S310 - http to this machine
        pass


@contextlib.contextmanager
def _as_it_is(lab: Lab) -> Iterator[Scene]:
    yield of_the_lab(lab, *QUEUE)


class _EveryOtherAnswer(AnswerTo):
    """The answer to a push, plain or by the production script, but not to the one sent again after it.

    Args:
        turns: of the whole relay: whether the next answer is meant.
    """

    def __init__(self, turns: Iterator[bool]) -> None:
        super().__init__(b"RPUSH")
        self._turns = turns

    def _begins(self, at: int) -> None:
        if next(self._turns):
            super()._begins(at)


@contextlib.contextmanager
def _losing_answers(lab: Lab) -> Iterator[Scene]:
    """A push is carried out, and its answer is lost; what is sent again gets its answer."""
    turns = itertools.cycle((True, False))
    fault = Fault(lambda: _EveryOtherAnswer(turns), Cut(), times=None)
    port = urlsplit(lab.plain["UPSTASH_REDIS_REST_URL"]).port or 0
    with FaultRelay(("127.0.0.1", port), fault) as relay:
        yield of_the_lab(lab, *QUEUE, UPSTASH_REDIS_REST_URL=f"http://127.0.0.1:{relay.port}")


def _at_the_redis(lab: Lab) -> str:
    return f"http://127.0.0.1:{urlsplit(lab.plain['UPSTASH_REDIS_URL']).port}"


def _lacks_the_client() -> str | None:
    return None if find_spec("upstash_redis") else "upstash-redis is not installed"


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="up-401",
        cause="up-401",
        title="the REST token is another database's",
        stage=_with(UPSTASH_REDIS_REST_TOKEN=lambda _lab: "AX_aASQgODM5ZjExZGEtMjI3Mi00"),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="up-readonly-token",
        cause="up-readonly-token",
        title="the REST token may only read",
        stage=_with(UPSTASH_REDIS_REST_TOKEN=lambda lab: lab.read_only_token),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="up-daily-limit",
        cause="up-daily-limit",
        title="the plan's commands of the day are used up",
        stage=_with_limits(requests=5, spent=5),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="up-daily-limit-tcp",
        cause="up-daily-limit",
        title="the plan's commands of the day are used up, and Redis TCP is no way out",
        stage=queue_behind(
            Fault(
                lambda: RespReply("EVAL"),
                Replace(b"-ERR max daily request limit exceeded. Limit: 10000, Usage: 10001.\r\n"),
                times=None,
            )
        ),
        only=("push.redis-tcp", "node.ioredis"),
        proof="confirmed",
    ),
    Scenario(
        name="up-size",
        cause="up-size",
        title="the request is larger than the plan allows",
        stage=_with_limits(body_bytes=512),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="up-unsupported-command",
        cause="up-unsupported-command",
        title="a worker waits for its jobs over REST",
        stage=_as_it_is,
        only=("specimen.rest-worker",),
        proof="confirmed",
    ),
    Scenario(
        name="up-html-or-closed",
        cause="up-html-or-closed",
        title="a load balancer answers with a page of failure",
        stage=_served_by(answering("502 Bad Gateway", "<html><h1>502 Bad Gateway</h1></html>")),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="up-html-or-closed-closes",
        cause="up-html-or-closed",
        title="every connection to the REST endpoint ends without an answer",
        stage=_served_by(hanging_up),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="up-html-or-closed-redis",
        cause="up-html-or-closed",
        title="the REST URL leads to the port of the Redis",
        stage=_with(UPSTASH_REDIS_REST_URL=_at_the_redis),
        only=_BOTH,
        proof="confirmed",
    ),
    Scenario(
        name="up-retry-duplicates",
        cause="up-retry-duplicates",
        title="the answer to a push is lost, and upstash-redis sends the push again by itself",
        stage=_losing_answers,
        only=("specimen.upstash-py-retries",),
        proof="confirmed",
        lacks=_lacks_the_client,
    ),
)
