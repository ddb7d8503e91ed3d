"""Events: names, never numbers; times since the run's start; and back again."""

from __future__ import annotations

import errno

from hypothesis import given
from hypothesis import strategies as st

from repro.events import FAILURES, Event, Peer, errno_name, failure_of_errno


def test_an_errno_is_known_by_its_name() -> None:
    assert errno_name(errno.ECONNREFUSED) == "ECONNREFUSED"
    assert errno_name(0) is None
    assert errno_name(None) is None
    assert errno_name(99_999) == "E99999"


def test_an_errno_has_a_failure_class() -> None:
    assert failure_of_errno("ECONNREFUSED") == "connection_refused"
    assert failure_of_errno("ENETUNREACH") == "host_unreachable"
    assert failure_of_errno("EPERM") == "unknown_failure: EPERM"
    assert failure_of_errno("ETIMEDOUT") in FAILURES


def test_a_peer_reads_like_an_address() -> None:
    assert str(Peer("127.0.0.1", 443)) == "127.0.0.1:443"
    assert str(Peer("::1", 443)) == "[::1]:443"
    assert str(Peer("/run/pg/.s.PGSQL.5432")) == "/run/pg/.s.PGSQL.5432"


peers = st.none() | st.builds(Peer, address=st.text(), port=st.none() | st.integers(0, 65535))
moments = st.floats(0, 1e6).map(lambda number: round(number, 3))
events = st.builds(
    Event,
    op=st.sampled_from(["dns", "connect", "tls.handshake"]),
    t0=moments,
    t=moments,
    conn=st.none() | st.integers(1, 99),
    peer=peers,
    failure=st.none() | st.sampled_from(sorted(FAILURES)),
    errno=st.none() | st.just("ECONNREFUSED"),
    fields=st.dictionaries(st.sampled_from(["dns.name", "via", "tls.version"]), st.text()),
)


@given(events)
def test_a_trace_line_gives_the_event_back(event: Event) -> None:
    line = event.as_json(seq=1, pid=2, origin=0.0)

    assert Event.from_json(line) == event


def test_times_are_seconds_since_the_runs_start() -> None:
    line = Event("connect", t0=1000.5, t=1000.75).as_json(seq=3, pid=4, origin=1000.0)

    assert (line["t0"], line["t"], line["seq"], line["pid"]) == (0.5, 0.75, 3, 4)
