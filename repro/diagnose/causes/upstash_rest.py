"""The queue over Upstash REST."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import in_the_lab, repeated, with_marks
from repro.diagnose.view import Line, View, failed, is_of_the_queue, over, said, says
from repro.document import Outcome

_LIMITS = ("max daily request limit exceeded", "max requests limit exceeded")
_SIZES = (
    "max request size exceeded",
    "max single record size exceeded",
    "max key size exceeded",
    "DB capacity quota exceeded",
)
_NOT_JSON = re.compile(r"no JSON|not valid JSON|Unable to parse response body|Expecting value", re.IGNORECASE)
_ENDED = ("eof", "connection_reset")


def _said(*words: str, transports: tuple[str, ...] = ("http",)) -> Callable[[View], list[Outcome]]:
    return lambda view: view.where(is_of_the_queue, over(*transports), says(*words))


def _token_refused(view: View) -> list[Outcome]:
    """In the API's own words: a firewall for the web, or a login page, says 401 and 403 as well."""
    refused = view.where(is_of_the_queue, over("http"), failed("auth_failed"))
    return [each for each in refused if not _NOT_JSON.search(said(each))]


def _no_answer_of_the_api(view: View) -> list[Outcome]:
    """An error page, or no answer at all from somebody who never gives one over HTTP."""
    over_rest = view.where(is_of_the_queue, over("http"))
    page = [each for each in over_rest if _NOT_JSON.search(said(each))]
    return [each for each in over_rest if each in page or _answers_nobody(view, each)]


def _answers_nobody(view: View, outcome: Outcome) -> bool:
    # who shook hands may end only those that name no host, as the one that asked afterwards
    shaken = any(not line.get("failure") for line in view.lines(outcome, "tls.handshake"))
    return (
        failed(*_ENDED)(outcome)
        and not shaken
        and view.spoken_at(outcome) in {"redis", "closes", "refuses", "postgres", "ssh"}
    )


def _sent_again(view: View) -> list[Outcome]:
    """A push that arrived more than once, in requests alike that were sent over HTTP alone."""
    return [
        outcome
        for outcome in view.where(is_of_the_queue, over("http"), failed("duplicate_effect"))
        if len(_alike(view.lines(outcome, "http.request"))) > 1 and not view.lines(outcome, "redis.cmd")
    ]


def _alike(requests: Sequence[Line]) -> list[Line]:
    """The first request, and those that repeat it, by method, path and size."""
    if not requests:
        return []
    first = requests[0]
    names = ("http.method", "http.path", "len")
    return [line for line in requests if all(line.get(name) == first.get(name) for name in names)]


def _over_tcp(view: View, outcome: Outcome) -> Change | None:
    """The same command where a connection can wait; other probes ask the lab's server."""
    if outcome["name"] != "specimen.rest-worker":
        return in_the_lab(view, outcome)
    probe = "specimen.tcp-worker"
    return Change(words="the same command over Redis TCP", probe=probe, command=repeated(probe))


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="up-redis-url-in-rest",
        layer="upstash-rest",
        title="The Redis URL stands where the REST URL belongs",
        summary="UPSTASH_REDIS_REST_URL holds redis:// or rediss://. The clients refuse it, some of them with the whole URL and its "
        "password in the error. No packet leaves; this program refuses it before anything is dialled.",
        suspects=_said(
            "invalid URL. You should pass a URL starting with https", "unsupported protocol 'redis"
        ),
        symptoms={
            "@upstash/redis": "UrlError: Upstash Redis client was passed an invalid URL",
            "upstash-redis": "UnsupportedProtocol: Request URL has an unsupported protocol",
        },
        apart={"redis-rest-url": "it is UPSTASH_REDIS_REST_URL that holds the wrong kind"},
        fix=("Copy UPSTASH_REDIS_REST_URL (https://…) and its token from the console.",),
        links=("https://github.com/upstash/redis-js/issues/139",),
        ops=(),
    ),
    Cause(
        id="up-daily-limit",
        layer="upstash-rest",
        title="The plan's number of commands is used up",
        summary="Upstash answers every command with the same refusal, reads included, over REST and over Redis TCP: the other "
        "transport is no way out.",
        suspects=_said(*_LIMITS, transports=("http", "tcp")),
        symptoms={
            "@upstash/redis, upstash-redis": "ERR max daily request limit exceeded. Limit: …, Usage: …",
            "ioredis, redis-py": "the same, as an error of the server",
        },
        apart={"up-size": "it is their number, not their size"},
        fix=(
            "Wait for the next day, or upgrade.",
            "Poll less: a queue that is asked each second spends 86,400 a day.",
        ),
        links=(
            "https://github.com/upstash/docs/blob/main/redis/troubleshooting/max_daily_request_limit.mdx",
        ),
        ops=("http.response", "redis.reply"),
        change=in_the_lab,
    ),
    Cause(
        id="up-size",
        layer="upstash-rest",
        title="The request, the record or the database is larger than the plan allows",
        summary="Upstash refused by size, and says the limit and what was sent.",
        suspects=_said(*_SIZES, transports=("http", "tcp")),
        symptoms={"all": "ERR max request size exceeded. Limit: 1048576 bytes, Actual: …"},
        apart={"up-daily-limit": "it is the size, not the number of commands"},
        fix=("Push ids, and keep what they stand for elsewhere.", "Split the push into smaller ones."),
        links=(
            "https://github.com/upstash/docs/blob/main/redis/troubleshooting/max_request_size_exceeded.mdx",
        ),
        ops=("http.response", "redis.reply"),
        change=in_the_lab,
    ),
    Cause(
        id="up-readonly-token",
        layer="upstash-rest",
        title="The REST token may not write",
        summary="The token was taken, and the push was refused with NOPERM: it is the read-only one, or one of a user of ACL "
        "without the right to it.",
        suspects=_said("NOPERM"),
        symptoms={"all over REST": "NOPERM this user has no permissions to run the … command"},
        apart={
            "up-401": "the token was taken",
            "redis-noperm": "it is the REST token, not a user of ACL over TCP",
        },
        fix=(
            "Take UPSTASH_REDIS_REST_TOKEN, not the READONLY one.",
            "For a token of ACL RESTTOKEN, grant its user the command and the keys.",
        ),
        links=("https://github.com/upstash/docs/blob/main/redis/features/restapi.mdx",),
        ops=("http.response",),
        change=in_the_lab,
    ),
    Cause(
        id="up-unsupported-command",
        layer="upstash-rest",
        title="The command cannot be had over REST",
        summary="Commands that wait, or that need the state of a connection (BLPOP, WATCH, SUBSCRIBE), cannot work where each "
        "request stands alone.",
        suspects=_said("Command is not available", "command is not supported"),
        symptoms={"all over REST": "HTTP 400 with an ERR"},
        apart={"up-readonly-token": "no right is missing: nobody has this command over REST"},
        fix=("Take Redis TCP for it.",),
        links=("https://github.com/upstash/docs/blob/main/redis/features/restapi.mdx",),
        ops=("http.response",),
        change=_over_tcp,
    ),
    Cause(
        id="up-401",
        layer="upstash-rest",
        title="Upstash refuses the REST token",
        summary="The endpoint was reached and answered 401: the token is missing, wrong, or another database's.",
        suspects=_token_refused,
        symptoms={
            "@upstash/redis, upstash-redis": "UpstashError: WRONGPASS invalid or missing auth token",
            "older servers": "Unauthorized",
        },
        ops=("http.response",),
        apart={
            "redis-wrongpass": "it is the REST token; the password over TCP is another secret",
            "up-readonly-token": "the token itself was refused",
        },
        fix=(
            "Copy UPSTASH_REDIS_REST_TOKEN of the database that UPSTASH_REDIS_REST_URL names.",
            "Look at its end: a shell or an .env file may have cut a trailing =.",
        ),
        links=("https://github.com/upstash/redis-js/issues/335",),
        change=in_the_lab,
    ),
    Cause(
        id="up-html-or-closed",
        layer="upstash-rest",
        title="Who answers at the REST URL is not Upstash's API",
        summary="There came a page with a status of failure, or the connection ended without an answer, and asked afterwards no "
        "HTTP is spoken there: a load balancer with nothing behind it, or the port of the Redis itself.",
        suspects=_no_answer_of_the_api,
        symptoms={
            "@upstash/redis": "UpstashJSONParseError: Unable to parse response body; or fetch failed, other side closed",
            "upstash-redis": "JSONDecodeError: Expecting value; or ReadError",
        },
        apart={
            "px-captive-html": "the status is none of success, or there was no answer",
            "up-401": "no token was judged",
        },
        fix=(
            "Correct the URL: https://NAME.upstash.io, without a port.",
            "502 and 504 pass or are the provider's: look at its status page.",
        ),
        links=("https://github.com/upstash/redis-py",),
        ops=("http.response", "close"),
        change=in_the_lab,
    ),
    Cause(
        id="up-retry-duplicates",
        layer="upstash-rest",
        title="The REST client sent the push again when its answer was lost",
        summary="The same request was sent more than once, and carried out each time. The clients repeat after every error of the "
        "transport, whatever the command is.",
        suspects=_sent_again,
        symptoms={
            "@upstash/redis": "fetch failed, after six pushes; with retry: false still two",
            "upstash-redis": "nothing, or an error of httpx, after two pushes",
        },
        apart={
            "redis-pyretry-duplicates": "the pushes went over REST",
            "ob-fallback-duplicate": "all went over one transport, by the client itself",
        },
        fix=(
            "Switch it off: { retry: { retries: 0 } }, or rest_retries=0.",
            "Or make a repeated push harmless: a mark per job (SET NX) in one script with the push.",
        ),
        links=("https://github.com/upstash/redis-js/issues/1455",),
        ops=("http.request", "http.response"),
        change=with_marks,
    ),
    Cause(
        id="up-base64",
        layer="upstash-rest",
        title="The answers are base64, since that was asked for",
        summary="With the header Upstash-Encoding: base64 strings come encoded, all but OK, and numbers do not. The clients ask for "
        "it and decode; who copies their headers must as well. It is explained here and never claimed.",
        suspects=lambda _view: [],
        symptoms={"plain HTTP": '"result":"am9i" in the place of "job"'},
        apart={"up-html-or-closed": "it is JSON, and a success"},
        fix=("Leave the header out, or decode strings, within arrays too.",),
        links=("https://github.com/upstash/docs/blob/main/redis/features/restapi.mdx",),
    ),
)
