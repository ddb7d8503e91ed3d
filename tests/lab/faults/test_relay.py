"""The relay before small servers of the tests' own."""

from __future__ import annotations

import gc
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest

from repro.lab.errors import LabError
from repro.lab.faults import (
    AnswerTo,
    Bytes,
    Cut,
    Delay,
    Fault,
    FaultRelay,
    HalfClose,
    HttpRequest,
    Replace,
    Silence,
    Throttle,
    answered_instead,
    http_answer,
)
from repro.lab.faults.triggers import Side, Trigger
from repro.lab.faults.triggers.stream import Reading, Stream
from repro.lab.listeners import localhost_addresses

Eventually = Callable[[Callable[[], bool]], bool]


def asked() -> Trigger:
    return AnswerTo(b"ask")


class Echo:
    """Answers what it is told with the same in capitals, and writes down what it hears and how it ends.

    Args:
        answers: whether it does; else it only listens.
    """

    def __init__(self, *, answers: bool = True) -> None:
        self.heard = b""
        self.ends: list[str] = []
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(stream,)))
                self._threads[-1].start()

    def _serve(self, stream: socket.socket) -> None:
        with stream:
            try:
                while data := stream.recv(1 << 16):
                    self.heard += data
                    if self._answers:
                        stream.sendall(data.upper())
                self.ends.append("end")
            except OSError:
                self.ends.append("reset")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def sink() -> Iterator[Echo]:
    with closing(Echo(answers=False)) as server:
        yield server


def dial(relay: FaultRelay, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((address, relay.port), timeout=10)


def told(relay: FaultRelay, words: bytes, address: str = "127.0.0.1") -> bytes:
    """What comes back, to its end."""
    with dial(relay, address) as stream:
        stream.sendall(words)
        stream.shutdown(socket.SHUT_WR)
        return everything(stream)


def read(stream: socket.socket, size: int) -> bytes:
    """As many bytes, or fewer at the end."""
    answer = b""
    while len(answer) < size and (data := stream.recv(1 << 16)):
        answer += data
    return answer


def everything(stream: socket.socket) -> bytes:
    answer = b""
    while data := stream.recv(1 << 16):
        answer += data
    return answer


def said(stream: socket.socket, words: bytes) -> bytes:
    """What comes back to a few words that are answered with as many."""
    stream.sendall(words)
    return read(stream, len(words))


def test_without_a_fault_it_carries_on_every_address(echo: Echo) -> None:
    with FaultRelay(echo.address) as relay:
        for address in localhost_addresses():
            assert told(relay, b"ask", address) == b"ASK"
        assert (relay.connections, relay.fired) == (len(localhost_addresses()), 0)


def test_much_passes_both_ways_at_once(echo: Echo) -> None:
    size = 8 << 20
    with FaultRelay(echo.address) as relay, dial(relay) as stream:
        sending = threading.Thread(target=stream.sendall, args=(b"x" * size,))
        sending.start()
        assert read(stream, size) == b"X" * size
        sending.join()


def test_a_server_that_does_not_read_costs_no_memory() -> None:
    sent, chunk, too_much = 0, b"x" * (1 << 20), 256
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        FaultRelay(listener.getsockname()) as relay,
        dial(relay) as stream,
    ):
        stream.settimeout(0.3)
        with suppress(TimeoutError):
            while sent < too_much:
                stream.sendall(chunk)
                sent += 1
    assert sent < too_much


def test_a_fault_happens_as_often_as_it_says(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(asked, times=2)) as relay:
        assert [told(relay, b"ask") for _ in range(4)] == [b"", b"", b"ASK", b"ASK"]
        assert relay.fired == 2
    assert echo.heard == b"ask" * 4


def test_a_delay_holds_it_up_and_loses_nothing(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(asked, Delay(0.2))) as relay, dial(relay) as stream:
        began = time.monotonic()
        assert said(stream, b"ask") == b"ASK"
        assert time.monotonic() - began >= 0.2
        assert [said(stream, b"ask"), relay.fired] == [b"ASK", 1]


def test_a_slow_direction_loses_nothing(echo: Echo) -> None:
    words = b"ask" + b"x" * 500
    with FaultRelay(echo.address, Fault(asked, Throttle(bytes_per_s=10_000))) as relay, dial(relay) as stream:
        began = time.monotonic()
        assert said(stream, words) == words.upper()
        assert time.monotonic() - began >= 500 / 10_000


def test_one_direction_ends_and_the_other_goes_on(echo: Echo, eventually: Eventually) -> None:
    with FaultRelay(echo.address, Fault(asked, HalfClose())) as relay, dial(relay) as stream:
        stream.sendall(b"ask")
        assert everything(stream) == b""
        stream.sendall(b"more")
        stream.shutdown(socket.SHUT_WR)
        assert eventually(lambda: echo.heard == b"askmore")


def test_it_counts_over_connections_that_are_open_at_once(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(asked)) as relay, dial(relay) as one, dial(relay) as other:
        assert [said(stream, b"hello") for stream in (one, other)] == [b"HELLO"] * 2
        assert [said(stream, b"ask") for stream in (one, other)] == [b"", b"ASK"]
        assert relay.fired == 1


def test_it_is_disarmed_and_armed_on_connections_that_are_open(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(asked)) as relay, dial(relay) as stream:
        relay.disarm()
        assert [said(stream, b"ask") for _ in range(2)] == [b"ASK", b"ASK"]
        relay.arm()
        assert [said(stream, b"ask"), relay.fired] == [b"", 1]


def test_another_fault_is_placed_and_the_first_is_off(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(asked, times=None)) as relay, dial(relay) as stream:
        assert told(relay, b"ask") == b""
        relay.place(Fault(asked, Replace(b"no")))
        assert said(stream, b"ask") == b"ASK"
        assert told(relay, b"ask") == b"no"
        relay.place(None)
        assert told(relay, b"ask") == b"ASK"
        assert relay.fired == 2


@pytest.mark.parametrize(
    ("side", "after", "heard", "came"),
    [
        ("client", False, b"before ", b"BEFORE "),
        ("client", True, b"before ask", b"BEFORE ASK"),
        ("server", False, b"before ask after", b"BEFORE "),
        ("server", True, b"before ask after", b"BEFORE ASK"),
    ],
)
def test_a_cut_is_where_it_says(
    side: Side, *, after: bool, heard: bytes, came: bytes, echo: Echo, eventually: Eventually
) -> None:
    marker = b"ask" if side == "client" else b"ASK"
    with FaultRelay(echo.address, Fault(lambda: Bytes(side, marker), Cut(after=after))) as relay:
        answer = told(relay, b"before ask after")
        assert eventually(lambda: echo.ends == ["end"])
    assert echo.heard == heard
    assert came.startswith(answer) if side == "client" else answer == came


def test_an_end_is_no_reset_even_if_the_client_goes_on_talking(echo: Echo) -> None:
    """Data that nobody has read turns a close into a reset."""
    with FaultRelay(echo.address, Fault(lambda: Bytes("client", b"ask"))) as relay, dial(relay) as stream:
        stream.sendall(b"ask" + b"x" * (4 << 20))
        assert stream.recv(1) == b""


def test_a_reset_is_a_reset_and_what_came_before_has_arrived(echo: Echo, eventually: Eventually) -> None:
    fault = Fault(lambda: Bytes("client", b"ask"), Cut(reset=True))
    with FaultRelay(echo.address, fault) as relay, dial(relay) as stream:
        stream.sendall(b"before ask after")
        with pytest.raises(ConnectionResetError):
            everything(stream)
        assert eventually(lambda: bool(echo.ends))
    assert echo.heard == b"before "


def test_silence_is_one_direction_and_ends_nothing(echo: Echo, eventually: Eventually) -> None:
    with FaultRelay(echo.address, Fault(lambda: Bytes("server", b"ASK"), Silence())) as relay:
        with dial(relay) as stream:
            assert said(stream, b"hello") == b"HELLO"
            stream.sendall(b"ask more")
            assert eventually(lambda: echo.heard == b"helloask more")
            stream.settimeout(0.05)
            with pytest.raises(TimeoutError):
                stream.recv(1)
            assert echo.ends == []
        assert eventually(lambda: echo.ends == ["end"])
        assert relay.fired == 1


def test_a_silenced_client_keeps_its_server_waiting(echo: Echo, eventually: Eventually) -> None:
    with FaultRelay(echo.address, Fault(lambda: Bytes("client", b"ask"), Silence())) as relay:
        with dial(relay) as stream:
            assert said(stream, b"hello") == b"HELLO"
            stream.sendall(b"ask")
            assert eventually(lambda: relay.fired == 1)
        assert echo.ends == []
    assert echo.heard == b"hello"


def test_an_answer_is_replaced(echo: Echo) -> None:
    with FaultRelay(echo.address, Fault(asked, Replace(b"no"))) as relay:
        assert told(relay, b"ask") == b"no"
    assert echo.heard == b"ask"


@pytest.mark.parametrize("where", ["request", "marker"])
def test_a_large_request_is_answered_in_place_of_the_server(
    sink: Echo, where: str, eventually: Eventually
) -> None:
    answer = http_answer("429 Too Many Requests", "slow down", "text/plain")
    faults = {
        "request": Fault(lambda: HttpRequest("POST /"), Replace(answer)),
        "marker": answered_instead(b"marker", "429 Too Many Requests", "slow down"),
    }
    with FaultRelay(sink.address, faults[where]) as relay, httpx.Client(trust_env=False) as client:
        response = client.post(f"http://127.0.0.1:{relay.port}/", content=b"marker" + b"x" * (8 << 20))
        assert (response.status_code, response.text) == (429, "slow down")
        assert eventually(lambda: sink.ends == ["end"])
    assert (sink.heard == b"") == (where == "request")


def test_one_side_may_end_before_the_other() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        FaultRelay(listener.getsockname()) as relay,
        dial(relay) as client,
        listener.accept()[0] as server,
    ):
        server.sendall(b"bye")
        server.shutdown(socket.SHUT_WR)
        assert everything(client) == b"bye"
        client.sendall(b"still here")
        client.shutdown(socket.SHUT_WR)
        assert everything(server) == b"still here"


def test_a_server_that_resets_is_a_reset() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        FaultRelay(listener.getsockname()) as relay,
        dial(relay) as client,
        listener.accept()[0] as server,
    ):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_client_that_resets_is_an_end_for_the_server(echo: Echo, eventually: Eventually) -> None:
    with FaultRelay(echo.address) as relay, dial(relay) as stream:
        assert said(stream, b"hello") == b"HELLO"
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
        assert eventually(lambda: bool(echo.ends))


def test_it_refuses_and_accepts_again_on_the_same_port(echo: Echo) -> None:
    with FaultRelay(echo.address) as relay:
        for _ in range(3):
            with dial(relay) as stream:
                assert said(stream, b"ask") == b"ASK"
                relay.refuse()
                with pytest.raises(ConnectionResetError):
                    stream.recv(1)
            with pytest.raises(ConnectionRefusedError):
                dial(relay)
            relay.accept_again()
            relay.accept_again()
        assert told(relay, b"ask") == b"ASK"


def test_a_server_that_is_down_is_a_reset() -> None:
    with socket.socket() as nobody:  # bound and not listening: nobody else can take the port, and it refuses
        nobody.bind(("127.0.0.1", 0))
        with FaultRelay(nobody.getsockname()) as relay, pytest.raises(ConnectionResetError):
            told(relay, b"ask")


@pytest.mark.parametrize("spoken", [True, False], ids=["carried", "just-dialled"])
def test_nothing_is_left_at_the_end(echo: Echo, *, spoken: bool) -> None:
    for _ in range(20):
        with FaultRelay(echo.address, Fault(asked)) as relay:
            streams = [dial(relay) for _ in range(4)]
            if spoken:
                assert [said(stream, b"hi") for stream in streams] == [b"HI"] * 4
        for stream in streams:
            with closing(stream), suppress(ConnectionResetError):
                assert stream.recv(1) == b""
        assert not [thread for thread in threading.enumerate() if thread.name == "fault-relay"]
    gc.collect()  # a socket that is left is a ResourceWarning, which fails the test


def test_an_error_of_a_trigger_is_not_swallowed(echo: Echo) -> None:
    class Broken(Trigger):
        def _client(self, stream: Stream) -> Reading[None]:
            yield from stream.peek(1)
            raise ZeroDivisionError

    def use() -> None:
        with FaultRelay(echo.address, Fault(lambda: Broken("client"))) as relay, suppress(OSError):
            told(relay, b"ask")

    with pytest.raises(ZeroDivisionError):
        use()


def test_it_must_run() -> None:
    relay = FaultRelay(("127.0.0.1", 1))
    uses: list[Callable[[], Any]] = [relay.refuse, relay.accept_again, lambda: relay.port]
    for use in uses:
        with pytest.raises(LabError, match="not running"):
            use()
