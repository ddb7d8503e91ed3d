"""What strace prints becomes the same events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from repro.events import Event
from repro.trace.kernel.attempts import ABANDONED
from repro.trace.kernel.strace import StraceText

FOUR = '{sa_family=AF_INET, sin_port=htons(5432), sin_addr=inet_addr("127.0.0.1")}, 16)'
SIX = (
    "{sa_family=AF_INET6, sin6_port=htons(5432), sin6_flowinfo=htonl(0), "
    'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28)'
)


def told(*lines: str) -> list[tuple[int, str, str | None, str | None]]:
    events: list[tuple[int, Event]] = []
    text = StraceText(lambda process, event: events.append((process, event)), offset_s=0.0)
    for line in lines:
        text.feed(line)
    text.end()
    return [(process, str(event.peer), event.failure, event.errno) for process, event in events]


REFUSED = (7, "127.0.0.1:5432", "connection_refused", "ECONNREFUSED")


def test_a_blocking_connect() -> None:
    assert told(f"7 10.5 connect(3, {FOUR} = -1 ECONNREFUSED (Connection refused) <0.000031>") == [REFUSED]
    assert told(f"7 10.5 connect(3, {SIX} = 0 <0.000031>") == [(7, "[::1]:5432", None, None)]


def test_a_non_blocking_connect_is_settled_by_the_question_for_its_result() -> None:
    begun = f"7 10.5 connect(3, {FOUR} = -1 EINPROGRESS (Operation now in progress) <0.00003>"
    asked = "7 10.6 getsockopt(3, SOL_SOCKET, SO_ERROR, [{}], [4]) = 0 <0.00001>"
    assert told(begun, asked.format("ECONNREFUSED")) == [REFUSED]
    assert told(begun, asked.format("0")) == [(7, "127.0.0.1:5432", None, None)]
    assert told(begun, "7 10.7 close(3) = 0 <0.00001>") == [(7, "127.0.0.1:5432", ABANDONED, None)]
    assert told(begun) == [(7, "127.0.0.1:5432", ABANDONED, None)]


def test_a_connect_in_two_halves_between_which_another_thread_speaks() -> None:
    lines = (
        f"7 10.5 connect(3, {FOUR} <unfinished ...>",
        f"8 10.6 connect(4, {SIX} = 0 <0.000031>",
        "7 10.7 <... connect resumed>) = -1 ECONNREFUSED (Connection refused) <0.2>",
    )
    halves = (lines[0].replace(") <unf", " <unf"), *lines[1:])
    assert told(*halves) == [(8, "[::1]:5432", None, None), REFUSED]


def test_datagrams_are_no_attempts() -> None:
    made = "7 10.4 socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 3 <0.00001>"
    assert told(made, f"7 10.5 connect(3, {FOUR} = 0 <0.000031>") == []
    assert told(made, made.replace("DGRAM", "STREAM"), f"7 10.5 connect(3, {FOUR} = 0 <0.000031>") != []


@given(st.text(max_size=200))
def test_no_line_raises_anything(line: str) -> None:
    told(line, f"7 1.0 {line}", f"7 1.0 connect(3, {line}")
