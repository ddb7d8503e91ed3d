"""The queue, over Redis TCP and over REST."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import View, deepest, failed_with, is_of_the_queue
from repro.document import Outcome


def _refused_login(view: View, transport: str) -> list[Outcome]:
    return [
        outcome
        for outcome in view.failing()
        if is_of_the_queue(outcome)
        and outcome["transport"] == transport
        and failed_with(outcome, "auth_failed")
    ]


def _wrong_password(view: View) -> list[Outcome]:
    return [
        each for each in _refused_login(view, "tcp") if _says(each, "WRONGPASS", "invalid username-password")
    ]


def _says(outcome: Outcome, *words: str) -> bool:
    return any(word in deepest(outcome) for word in words)


CAUSES = (
    Cause(
        id="redis-wrongpass",
        layer="redis-tcp",
        title="The queue refuses the password",
        summary="The server was reached and answered the login with WRONGPASS.",
        suspects=_wrong_password,
        ops=("redis.reply",),
        apart={"up-401": "it is the login over TCP; the REST token is another secret"},
        fix=(
            "Copy the TCP password of this database into UPSTASH_REDIS_URL; percent-encode what a URL cannot hold.",
        ),
    ),
    Cause(
        id="up-401",
        layer="upstash-rest",
        title="Upstash refuses the REST token",
        summary="The endpoint was reached and answered 401: the token is missing, wrong, or another database's.",
        suspects=lambda view: _refused_login(view, "http"),
        ops=("http.response",),
        apart={"redis-wrongpass": "it is the REST token; the password over TCP is another secret"},
        fix=("Copy UPSTASH_REDIS_REST_TOKEN of the database that UPSTASH_REDIS_REST_URL names.",),
        links=("https://github.com/upstash/redis-js/issues/335",),
    ),
)
