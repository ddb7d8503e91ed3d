"""One suite over every transport, on a real server, and what each does when an answer is lost."""

from __future__ import annotations

import asyncio
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from redis._parsers.base import BaseParser

from repro.lab.process import Lab
from repro.persistence.queue import (
    BATCH,
    Command,
    Conversation,
    Proof,
    Reply,
    marker_keys,
    push,
    read_back,
    remove,
)
from repro.persistence.settings import Settings, Timeouts
from repro.persistence.transports import Transport, redis_tcp, upstash_rest
from repro.persistence.transports.upstash_rest import UpstashError, UpstashRefusedError, reply_of
from tests.persistence.conftest import Awaited
from tests.persistence.dripping import Dripping

HEADERS = (b"HTTP/1.1 200 OK\r\n", b"X-Drip: drop\r\n")
BODY = (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x")
"""How a server begins an answer over HTTP, and what it drips."""


def ids(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def ask(*args: str) -> Conversation[Reply]:
    return (yield Command(args))


def test_a_job_that_is_pushed_twice_is_queued_once(transport: Transport, queue_name: str) -> None:
    jobs = ids(3)
    assert transport.run(push(queue_name, jobs)) == 3
    assert transport.run(push(queue_name, jobs)) == 0
    assert transport.run(push(queue_name, [*jobs, *ids(1)])) == 1
    assert transport.run(read_back(queue_name))[:3] == jobs


def test_a_job_is_not_queued_again_after_its_worker_took_it(transport: Transport, queue_name: str) -> None:
    jobs = ids(2)
    transport.run(push(queue_name, jobs))
    assert transport.run(ask("LPOP", queue_name)) == jobs[0]
    assert transport.run(push(queue_name, jobs)) == 0
    assert transport.run(read_back(queue_name)) == jobs[1:]


def test_both_transports_know_of_each_other(
    transport: Transport, queue_name: str, settings: Settings
) -> None:
    jobs = ids(2)
    transport.run(push(queue_name, jobs))
    with closing(redis_tcp.connect(str(settings.redis_url))) as tcp:
        assert tcp.run(push(queue_name, jobs)) == 0
    with closing(upstash_rest.connect(str(settings.rest_url), str(settings.rest_token))) as rest:
        assert rest.run(push(queue_name, jobs)) == 0
        assert rest.run(read_back(queue_name)) == jobs


def test_more_than_one_batch_keeps_its_order(transport: Transport, queue_name: str) -> None:
    jobs = ids(BATCH + 7)
    assert transport.run(push(queue_name, jobs)) == len(jobs)
    assert transport.run(read_back(queue_name)) == jobs


def test_the_marks_end_with_the_window(transport: Transport, queue_name: str) -> None:
    (job,) = ids(1)
    transport.run(push(queue_name, [job], window_s=1234))
    left = transport.run(ask("TTL", marker_keys(queue_name, [job])[0]))
    assert isinstance(left, int)
    assert 0 < left <= 1234


def test_removal_leaves_nothing(transport: Transport, queue_name: str) -> None:
    jobs = ids(BATCH + 1)
    transport.run(push(queue_name, jobs))
    assert transport.run(remove(queue_name, jobs)) == len(jobs) + 1
    assert transport.run(ask("KEYS", f"*{queue_name}*")) == []
    assert transport.run(remove(queue_name, [])) == 0


def test_a_refused_push_marks_nothing(transport: Transport, queue_name: str) -> None:
    jobs = ids(2)
    transport.run(ask("SET", queue_name, "another type"))
    with pytest.raises(transport.not_sent, match="WRONGTYPE"):
        transport.run(push(queue_name, jobs))
    transport.run(ask("DEL", queue_name))
    assert transport.run(push(queue_name, jobs)) == 2


def test_awkward_texts_survive(transport: Transport, queue_name: str) -> None:
    texts = ['"quoted"', "日本 🎉", "line\r\nbreak", "", "\\", "100%"]
    transport.run(push(queue_name, texts))
    assert transport.run(read_back(queue_name)) == texts


def test_a_wrong_password_is_refused(settings: Settings) -> None:
    url = str(settings.redis_url).replace("@", "x@")
    with pytest.raises(redis.AuthenticationError, match=r"(?i)WRONGPASS|invalid username-password"):
        redis_tcp.connect(url)


def test_a_wrong_token_is_refused_with_its_status(settings: Settings) -> None:
    with (
        closing(upstash_rest.connect(str(settings.rest_url), "wrong")) as transport,
        pytest.raises(UpstashError, match="WRONGPASS") as caught,
    ):
        transport.run(read_back("any"))
    assert caught.value.status == 401


def test_a_read_only_token_is_refused_and_nothing_is_pushed_otherwise(
    settings: Settings, lab: Lab, queue_name: str
) -> None:
    with closing(upstash_rest.connect(str(settings.rest_url), lab.read_only_token)) as transport:
        with pytest.raises(UpstashError, match="NOPERM"):
            transport.run(push(queue_name, ids(1)))
        assert transport.run(read_back(queue_name)) == []


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            httpx.Response(502, html="<html>Bad   Gateway</html>"),
            "HTTP status 502, .*<html>Bad Gateway</html>",
        ),
        (httpx.Response(200, text="not JSON"), "no JSON result"),
        (httpx.Response(200, json=["result"]), "no JSON result"),
        (httpx.Response(200, json={}), "no JSON result"),
        (httpx.Response(400, json={"error": "ERR wrong"}), "ERR wrong"),
        (httpx.Response(200, json={"error": "ERR inside"}), "ERR inside"),
        (httpx.Response(429, text="x" * 10_000), "HTTP status 429"),
    ],
)
def test_an_answer_that_is_no_result_is_an_error(response: httpx.Response, message: str) -> None:
    with pytest.raises(UpstashError, match=message) as caught:
        reply_of(response)
    assert caught.value.status == response.status_code
    assert isinstance(caught.value, UpstashRefusedError) is (response.status_code == 400)
    assert len(str(caught.value)) < 500


class Deaf:
    """A server that reads requests and then hangs up, or says nothing; it counts what it was sent."""

    def __init__(self, mark: bytes, *, silent: bool) -> None:
        self.received = 0
        self._mark, self._silent = mark, silent
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                self._open.append(stream)
                self._talk(stream)

    def _talk(self, stream: socket.socket) -> None:
        while data := stream.recv(65536):
            if self._mark in data:
                self.received += 1
                if not self._silent:
                    stream.close()
                return
            stream.sendall(b"+OK\r\n")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for stream in self._open:
            stream.close()


@pytest.fixture(params=[True, False], ids=["silent", "hangs-up"])
def deaf(request: pytest.FixtureRequest) -> Iterator[Callable[[bytes], Deaf]]:
    servers: list[Deaf] = []

    def start(mark: bytes) -> Deaf:
        servers.append(Deaf(mark, silent=request.param))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_redis_sends_a_push_once_when_its_answer_is_lost(deaf: Callable[[bytes], Deaf]) -> None:
    server = deaf(b"EVAL")
    timeouts = replace(Timeouts(), command_s=0.2)
    with closing(
        redis_tcp.connect(f"redis://:secret@127.0.0.1:{server.port}", timeouts=timeouts)
    ) as transport:
        with pytest.raises((redis.ConnectionError, redis.TimeoutError, TimeoutError)) as caught:
            transport.run(push("queue", ids(1)))
        assert not isinstance(caught.value, transport.not_sent)
    assert server.received == 1


def test_rest_sends_a_push_once_when_its_answer_is_lost(deaf: Callable[[bytes], Deaf]) -> None:
    server = deaf(b"POST")
    timeouts = replace(Timeouts(), command_s=0.2)
    with closing(
        upstash_rest.connect(f"http://127.0.0.1:{server.port}", "token", timeouts=timeouts)
    ) as transport:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout, httpx.ReadError)) as caught:
            transport.run(push("queue", ids(1)))
        assert not isinstance(caught.value, transport.not_sent)
    assert server.received == 1


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_refused_connection_is_known_not_to_have_sent() -> None:
    with pytest.raises(redis.ConnectionError, match="refused"):
        redis_tcp.connect(f"redis://127.0.0.1:{refused_port()}")
    with (
        closing(upstash_rest.connect(f"http://127.0.0.1:{refused_port()}", "token")) as transport,
        pytest.raises(transport.not_sent),
    ):
        transport.run(push("queue", ids(1)))


@pytest.mark.parametrize("drip", [(b"+", b"x"), (b"$1000000\r\n", b"x")], ids=["status", "body"])
def test_a_reply_that_drips_is_ended(
    redis_way: Callable[[str, Timeouts], object], drip: tuple[bytes, bytes]
) -> None:
    with closing(Dripping(*drip)) as server:
        with pytest.raises(TimeoutError, match=r"no answer within 0.3 s; the connection was ended") as caught:
            redis_way(f"redis://127.0.0.1:{server.port}", replace(Timeouts(), command_s=0.3))
        assert caught.value.__cause__ is not None
        assert not isinstance(caught.value, redis_tcp.RedisTransport.not_sent)
        assert server.left.wait(20)


def test_a_login_that_drips_is_ended(redis_way: Callable[[str, Timeouts], object]) -> None:
    with closing(Dripping(b"+", b"x")) as server:
        with pytest.raises((TimeoutError, redis.TimeoutError)):
            redis_way(f"redis://:secret@127.0.0.1:{server.port}", Timeouts(connect_s=0.1, command_s=0.3))
        assert server.left.wait(20)


def rest_pushed(url: str, timeouts: Timeouts) -> object:
    with closing(upstash_rest.connect(url, "token", timeouts=timeouts)) as transport:
        return transport.run(push("queue", ids(1)))


def rest_pushed_async(url: str, timeouts: Timeouts) -> object:
    async def scenario() -> object:
        transport = await upstash_rest.connect_async(url, "token", timeouts=timeouts)
        try:
            return await transport.run(push("queue", ids(1)))
        finally:
            await transport.close()

    return asyncio.run(scenario())


@pytest.mark.parametrize("way", [rest_pushed, rest_pushed_async])
@pytest.mark.parametrize("drip", [HEADERS, BODY], ids=["headers", "body"])
def test_an_answer_over_rest_that_drips_is_ended(
    way: Callable[[str, Timeouts], object], drip: tuple[bytes, bytes]
) -> None:
    with closing(Dripping(*drip)) as server:
        with pytest.raises(TimeoutError, match=r"no answer within 0.4 s; the connection was ended") as caught:
            way(f"http://127.0.0.1:{server.port}", Timeouts(connect_s=0.1, command_s=0.3))
        assert not isinstance(caught.value, upstash_rest.UpstashTransport.not_sent)
        assert server.left.wait(20)


def pushed(url: str, timeouts: Timeouts) -> object:
    with closing(redis_tcp.connect(url, timeouts=timeouts)) as transport:
        try:
            return transport.run(push("queue", ids(1)))
        finally:
            assert not transport.usable


def pushed_async(url: str, timeouts: Timeouts) -> object:
    async def scenario() -> object:
        transport = await redis_tcp.connect_async(url, timeouts=timeouts)
        try:
            return await transport.run(push("queue", ids(1)))
        finally:
            assert not transport.usable
            await transport.close()

    return asyncio.run(scenario())


@pytest.fixture(params=[pushed, pushed_async])
def redis_way(request: pytest.FixtureRequest) -> Callable[[str, Timeouts], object]:
    way: Callable[[str, Timeouts], object] = request.param
    return way


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (redis.ResponseError("WRONGTYPE Operation against a key"), "WRONGTYPE"),
        (redis.ResponseError("NOTPROVED this database"), "NOTPROVED"),
        (redis.ResponseError("ACL failure in script: User u has no permissions"), "NOPERM"),
        (redis.ResponseError("something in other words"), "ERR"),
        (redis.exceptions.NoPermissionError("this user has no permissions"), "NOPERM"),
        (redis.exceptions.OutOfMemoryError("command not allowed"), "OOM"),
        (redis.ReadOnlyError("You can't write against a read only replica."), "READONLY"),
        (redis.BusyLoadingError("Redis is loading the dataset in memory"), "LOADING"),
        (redis.AuthenticationError("Authentication required."), "NOAUTH"),
        (redis.AuthenticationError("invalid username-password pair or user is disabled."), "WRONGPASS"),
        (redis.AuthenticationError("invalid password"), "WRONGPASS"),
        (redis.exceptions.NoScriptError("No matching script. Please use EVAL."), "NOSCRIPT"),
        (redis.exceptions.ExecAbortError("Transaction discarded because of previous errors."), "EXECABORT"),
        (redis.ConnectionError("Connection refused"), None),
        (redis.TimeoutError("OOM"), None),
        (OSError("OOM"), None),
    ],
)
def test_the_code_of_redis_is_known_whatever_redis_py_leaves_of_it(
    error: Exception, code: str | None
) -> None:
    assert redis_tcp.code_of(error) == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("NOAUTH Authentication required.", "NOAUTH"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "WRONGPASS"),
        ("NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT"),
        ("NOPERM User u has no permissions to run the 'eval' command", "NOPERM"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "OOM"),
        ("READONLY You can't write against a read only replica.", "READONLY"),
        ("MISCONF Redis is configured to save RDB snapshots", "MISCONF"),
        ("LOADING Redis is loading the dataset in memory", "LOADING"),
        ("MASTERDOWN Link with MASTER is down", "MASTERDOWN"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE"),
        ("ERR unknown command 'X'", "ERR"),
    ],
)
def test_a_code_survives_the_parser_of_this_redis_py(line: str, code: str) -> None:
    assert redis_tcp.code_of(parsed(line)) == code


def parsed(line: str) -> Exception:
    """What redis-py makes of an error reply."""
    error: Exception = BaseParser.parse_error(line)  # type: ignore[no-untyped-call]
    return error


def test_an_err_whose_text_begins_with_capitals_is_an_err() -> None:
    error = parsed("ERR DB index is out of range")
    if getattr(error, "status_code", None) is None:
        pytest.skip("this redis-py does not say what it took off the message")
    assert redis_tcp.code_of(error) == "ERR"


def test_a_missing_password_is_told_from_a_wrong_one(settings: Settings) -> None:
    parts = urlsplit(str(settings.redis_url))
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    with closing(redis_tcp.connect(bare)) as transport:
        with pytest.raises(transport.not_sent) as caught:
            transport.run(ask("PING"))
        assert redis_tcp.code_of(caught.value) == "NOAUTH"
        assert not transport.usable, "redis-py has closed the connection"


@pytest.mark.parametrize("code", ["READONLY", "MASTERDOWN"])
@pytest.mark.parametrize("awaited", [False, True])
def test_a_server_that_cannot_be_written_is_left(settings: Settings, code: str, *, awaited: bool) -> None:
    url = str(settings.redis_url)
    with closing(Awaited(lambda: redis_tcp.connect_async(url)) if awaited else redis_tcp.connect(url)) as way:
        with pytest.raises(way.not_sent):
            way.run(ask("EVAL", f"return redis.error_reply('{code} it is a replica')", "0"))
        assert not way.usable


def test_a_refused_command_leaves_a_transport_usable(transport: Transport, queue_name: str) -> None:
    assert transport.usable
    transport.run(ask("SET", queue_name, "another type"))
    with pytest.raises(transport.not_sent):
        transport.run(ask("LPOP", queue_name))
    assert transport.usable
    assert transport.run(ask("GET", queue_name)) == "another type"


def test_a_transport_that_is_closed_is_not_usable(settings: Settings) -> None:
    tcp = redis_tcp.connect(str(settings.redis_url))
    rest = upstash_rest.connect(str(settings.rest_url), str(settings.rest_token))
    for transport in (tcp, rest):
        transport.close()
        transport.close()
        assert not transport.usable

    async def scenario() -> None:
        tcp = await redis_tcp.connect_async(str(settings.redis_url))
        rest = await upstash_rest.connect_async(str(settings.rest_url), str(settings.rest_token))
        for transport in (tcp, rest):
            await transport.close()
            await transport.close()
            assert not transport.usable

    asyncio.run(scenario())


def test_a_closed_transport_does_not_become_usable_by_an_error(settings: Settings) -> None:
    transport = redis_tcp.connect(str(settings.redis_url))
    transport.close()
    with pytest.raises(redis.DataError):
        transport.run(unsendable())
    assert not transport.usable
    transport.close()


def unsendable() -> Conversation[Reply]:
    return (yield Command(("SET", {"not": "a text"})))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("NOPERM this user has no permissions to run the 'eval' command", "NOPERM"),
        ("WRONGPASS invalid or missing auth token", "WRONGPASS"),
        ("ERR Error compiling script", "ERR"),
        ("Unauthorized", None),
    ],
)
@pytest.mark.parametrize(("status", "kind"), [(400, UpstashRefusedError), (429, UpstashError)])
def test_the_code_in_an_error_of_upstash(
    message: str, code: str | None, status: int, kind: type[UpstashError]
) -> None:
    with pytest.raises(UpstashError) as caught:
        reply_of(httpx.Response(status, json={"error": message}))
    assert type(caught.value) is kind
    assert caught.value.code == code


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413])
def test_a_refusal_of_upstash_proves_that_nothing_was_carried_out(status: int) -> None:
    with pytest.raises(UpstashRefusedError, match="ERR no") as caught:
        reply_of(httpx.Response(status, json={"error": "ERR no"}))
    assert isinstance(caught.value, upstash_rest.UpstashTransport.not_sent)


@pytest.mark.parametrize(
    "response",
    [
        *(httpx.Response(status, json={"error": "ERR no"}) for status in (200, 402, 408, 409, 429, 500, 503)),
        httpx.Response(403, html="<html>Forbidden</html>"),
        httpx.Response(403, json="Forbidden"),
        httpx.Response(403, json={"error": {"code": 403, "message": "Forbidden"}}),
        httpx.Response(403, json={"error": None}),
        httpx.Response(403, json={"error": "Forbidden", "status": 403, "path": "/"}),
        httpx.Response(400, json={"result": "OK", "error": "ERR no"}),
        httpx.Response(200, json={"result": "OK", "error": "ERR no"}),
        httpx.Response(200, json={"result": "OK", "error": None}),
        httpx.Response(400, json=[{"error": "ERR no"}]),
    ],
)
def test_any_other_answer_over_rest_proves_nothing(response: httpx.Response) -> None:
    with pytest.raises(UpstashError) as caught:
        reply_of(response)
    assert not isinstance(caught.value, upstash_rest.UpstashTransport.not_sent)
    assert upstash_rest.code_of(caught.value) is None


def test_our_own_words_hold_no_code() -> None:
    with pytest.raises(UpstashError, match="HTTP status 502") as caught:
        reply_of(httpx.Response(502, text="user has no permissions"))
    assert caught.value.code is None


def test_a_script_that_is_refused_half_way_is_undone(transport: Transport, queue_name: str) -> None:
    jobs = ids(3)
    transport.run(push(queue_name, jobs[:1]))
    transport.run(ask("DEL", queue_name))
    transport.run(ask("SET", queue_name, "another type"))
    with pytest.raises(transport.not_sent, match="WRONGTYPE"):
        transport.run(push(queue_name, jobs))
    marks = transport.run(ask("EXISTS", *marker_keys(queue_name, jobs)))
    assert marks == 1, "the mark that was there before stays, the others are taken back"


def test_a_job_twice_in_one_push_is_queued_once(transport: Transport, queue_name: str) -> None:
    (job,) = ids(1)
    assert transport.run(push(queue_name, [job, job])) == 1
    assert transport.run(read_back(queue_name)) == [job]


def test_a_proof_is_found_by_the_other_transport_and_ends_with_the_window(
    transport: Transport, queue_name: str, tcp: Transport
) -> None:
    first, second = ids(2)
    with pytest.raises(transport.not_sent, match="NOTPROVED"):
        transport.run(push(queue_name, [second], proof=Proof("0123", "ask")))
    assert tcp.run(push(queue_name, [first], window_s=1234, proof=Proof("0123", "give"))) == 1
    assert transport.run(push(queue_name, [second], proof=Proof("0123", "ask"))) == 1
    with pytest.raises(transport.not_sent, match="NOTPROVED"):
        transport.run(push(queue_name, [second], proof=Proof("4567", "ask")))
    assert tcp.run(read_back(queue_name)) == [first, second]
    left = tcp.run(ask("TTL", f"{{{queue_name}}}:endpoint:0123"))
    assert isinstance(left, int)
    assert 0 < left <= 1234
