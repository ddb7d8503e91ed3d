"""The relay before a small server, and before the lab's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from repro.lab.faults import (
    AnswerTo,
    Cut,
    Fault,
    FaultRelay,
    Replace,
    Silence,
    after_commit_was_applied,
    answer_lost,
    answered_instead,
    answered_wrongly,
    before_commit_arrives,
)
from repro.lab.process import Lab

# A stream of asyncio is now and then collected before the relay has closed it; nothing stays open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ASKED = lambda: AnswerTo(b"ask")  # noqa: E731 - a factory


class Echo:
    """Answers what it is told with the same in capitals, and writes it down."""

    def __init__(self) -> None:
        self.heard = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                with stream:
                    while data := stream.recv(1000):
                        self.heard += data
                        stream.sendall(data.upper())

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


def dial(relay: FaultRelay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=10)


def told(relay: FaultRelay, words: bytes) -> bytes:
    with dial(relay) as stream:
        stream.sendall(words)
        stream.shutdown(socket.SHUT_WR)
        answer = b""
        while data := stream.recv(1000):
            answer += data
        return answer


def test_without_a_fault_it_carries(echo: Echo) -> None:
    with FaultRelay(echo.address) as relay:
        assert told(relay, b"ask") == b"ASK"
        assert (relay.connections, relay.fired) == (1, 0)


def test_a_fault_happens_as_often_as_it_says(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(ASKED, times=2)) as relay:
        assert [told(relay, b"ask") for _ in range(4)] == [b"", b"", b"ASK", b"ASK"]
        assert relay.fired == 2
    assert echo.heard == b"ask" * 4


def test_an_answer_is_replaced(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(ASKED, Replace(b"no"))) as relay:
        assert told(relay, b"ask") == b"no"
    assert echo.heard == b"ask"


def test_a_reset_is_a_reset(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(ASKED, Cut(reset=True))) as relay, dial(relay) as stream:
        stream.sendall(b"ask")
        with pytest.raises(ConnectionResetError):
            stream.recv(1)


def test_silence_ends_nothing(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(ASKED, Silence())) as relay, dial(relay) as stream:
        stream.sendall(b"ask")
        stream.settimeout(0.1)
        with pytest.raises(TimeoutError):
            stream.recv(1)


def test_it_refuses_and_accepts_again_on_the_same_port(echo: Echo) -> None:
    with FaultRelay(echo.address) as relay:
        with dial(relay) as stream:
            stream.sendall(b"ask")
            assert stream.recv(3) == b"ASK"
            relay.refuse()
            with pytest.raises(ConnectionResetError):
                stream.recv(1)
        with pytest.raises(ConnectionRefusedError):
            dial(relay)
        relay.accept_again()
        assert told(relay, b"ask") == b"ASK"


def test_a_server_that_is_down_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = nobody.getsockname()
    with FaultRelay(address) as relay, pytest.raises(ConnectionResetError):
        told(relay, b"ask")


def postgres(lab: Lab) -> tuple[str, int]:
    return "127.0.0.1", urlsplit(lab.environment["DATABASE_URL"]).port or 0


def through(lab: Lab, relay: FaultRelay) -> psycopg.Connection[tuple[object, ...]]:
    parts = urlsplit(lab.environment["DATABASE_URL"])
    return psycopg.connect(
        host="127.0.0.1", port=relay.port, user=parts.username, password=parts.password, dbname="app",
        sslmode="disable", gssencmode="disable",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "applied"), [(after_commit_was_applied(), True), (before_commit_arrives(), False)]
)
def test_a_commit_is_applied_or_not_and_the_client_cannot_tell(
    lab: Lab, fault: Fault, *, applied: bool
) -> None:
    table = "fault_applied" if applied else "fault_not_applied"
    with FaultRelay(postgres(lab), fault) as relay:
        with suppress(psycopg.OperationalError), through(lab, relay) as connection:
            connection.execute(f"CREATE TABLE {table} (n int)")
            with pytest.raises(psycopg.OperationalError):
                connection.commit()
        assert relay.fired == 1
        with through(lab, relay) as connection:
            found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    assert found == (applied,)


def test_a_push_is_applied_and_its_answer_lost(lab: Lab) -> None:
    url = urlsplit(lab.plain["UPSTASH_REDIS_URL"])
    with FaultRelay(("127.0.0.1", url.port or 0), answer_lost(b"EVAL")) as relay:
        client = redis.Redis("127.0.0.1", relay.port, password=url.password, retry=Retry(NoBackoff(), 0))
        with closing(client), pytest.raises(redis.ConnectionError):
            client.eval("return redis.call('INCR', KEYS[1])", 1, "fault:applied")
        with closing(client):
            assert client.get("fault:applied") == b"1"
            client.delete("fault:applied")


@pytest.mark.parametrize(
    ("fault", "executed"),
    [
        (answered_wrongly(b"fault:rest", "500 Internal Server Error", "<h1>no</h1>"), b"1"),
        (answered_instead(b"fault:rest", "429 Too Many Requests", "<h1>no</h1>"), None),
    ],
)
def test_a_request_is_executed_or_not_and_another_answer_comes(
    lab: Lab, fault: Fault, executed: bytes | None
) -> None:
    port = urlsplit(lab.plain["UPSTASH_REDIS_REST_URL"]).port or 0
    headers = {"Authorization": f"Bearer {lab.environment['UPSTASH_REDIS_REST_TOKEN']}"}
    with FaultRelay(("127.0.0.1", port), fault) as relay, httpx.Client(headers=headers) as client:
        answer = client.post(f"http://127.0.0.1:{relay.port}", json=["INCR", "fault:rest"])
        assert (answer.status_code, answer.text) in {(500, "<h1>no</h1>"), (429, "<h1>no</h1>")}
        relay.place(None)
        with closing(redis.Redis.from_url(lab.plain["UPSTASH_REDIS_URL"])) as direct:
            assert direct.get("fault:rest") == executed
            direct.delete("fault:rest")
