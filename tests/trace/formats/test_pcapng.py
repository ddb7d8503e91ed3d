from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from repro.events import Peer
from repro.trace.formats.image import image
from repro.trace.formats.packets import ACK, FIN, RST, SYN
from repro.trace.formats.pcapng import WARNING, pcapng
from tests.trace.formats.reading import Segment, blocks, options, segments
from tests.trace.formats.tracing import Trace, any_line, postgres_transaction

WALL_S = 1_700_000_000.0
REFUSED: dict[str, Any] = {"failure": "connection_refused", "errno": "ECONNREFUSED"}


def written(lines: list[Mapping[str, Any]] | list[dict[str, Any]]) -> bytes:
    return b"".join(pcapng(lines, wall_offset_s=WALL_S))


def read(trace: Trace) -> list[Segment]:
    return segments(written(trace.lines))


def flags(found: list[Segment]) -> list[int]:
    return [each.flags for each in found]


def test_the_file_begins_by_saying_what_it_is_not() -> None:
    section, interface = blocks(written([]))

    assert options(section.body[16:])[1].decode() == WARNING
    assert "not the bytes that were sent" in WARNING
    assert interface.body[:2] == b"\x65\0"  # LINKTYPE_RAW


def test_a_connection_that_succeeded() -> None:
    first, second, third = read(Trace(conn=7).add("connect", took=0.5))

    assert [first.flags, second.flags, third.flags] == [SYN, SYN | ACK, ACK]
    assert first.source == third.source == second.target == ("127.0.0.1", 49159)
    assert first.target == ("127.0.0.1", 5999)
    assert second.ack == third.seq == first.seq + 1
    assert third.ack == second.seq + 1
    assert first.microseconds == 1_700_000_000_001_000
    assert second.microseconds == 1_700_000_000_501_000


def test_a_refused_one_over_ipv6() -> None:
    first, second = read(Trace(peer=Peer("::1", 443)).add("connect", **REFUSED))

    assert [first.flags, second.flags] == [SYN, RST | ACK]
    assert first.source[0] == "::1"
    assert second.ack == first.seq + 1


def test_one_that_nobody_answered() -> None:
    (only,) = read(Trace(peer=Peer("2001:db8::5", 443)).add("connect", failure="timeout", took=1.0))

    assert only.flags == SYN
    assert only.source[0] == "2001:db8::1"
    assert "no answer was seen" in only.comment


def test_one_whose_result_was_hidden() -> None:
    (only,) = read(Trace(conn=None).add("connect", src="kernel", connect__result="not visible"))

    assert only.flags == SYN
    assert "what it came to was not seen" in only.comment


def test_the_clients_real_end_is_used_where_it_was_seen() -> None:
    first, *_ = read(Trace().add("connect", local={"address": "127.0.0.1", "port": 40_000}))

    assert first.source == ("127.0.0.1", 40_000)
    assert "invented" not in first.comment


def test_a_whole_postgres_connection_is_one_stream() -> None:
    lines = postgres_transaction()
    found = segments(written(lines))
    messages = [line for line in lines if "sender" in line]

    assert flags(found[:3]) == [SYN, SYN | ACK, ACK]
    assert flags(found[-2:]) == [FIN | ACK, ACK]
    assert [each.data for each in found[3:-2]] == [image(line) for line in messages]
    assert_consecutive(found)
    assert found[3].comment == "event 2 (tap); pg.msg: SSLRequest; client's address and port invented"


def assert_consecutive(found: list[Segment]) -> None:
    """Each end continues where it stopped, and acknowledges exactly what the other one has sent."""
    expected: dict[tuple[str, int], int] = {}
    for each in found:
        assert each.seq == expected.get(each.source, each.seq)
        if each.flags & ACK and each.target in expected:
            assert each.ack == expected[each.target]
        expected[each.source] = each.seq + len(each.data) + bool(each.flags & (SYN | FIN))


def test_a_long_message_is_split() -> None:
    found = read(Trace().add("connect").postgres("B", "CopyData", 200_000))

    assert [len(each.data) for each in found[3:]] == [65_495, 65_495, 65_495, 3_515]
    assert_consecutive(found)
    assert "continued" in found[4].comment


def test_a_lookup_is_a_query_and_a_response_for_each_family() -> None:
    found = read(
        Trace(conn=None, peer=None).add("dns", dns__name="db.lab", dns__answers=["::1", "127.0.0.1"])
    )

    assert [each.protocol for each in found] == [17] * 4
    assert found[0].target == ("192.0.2.53", 53)
    assert b"\2db\3lab\0\0\1\0\1" in found[0].data
    assert found[1].data.endswith(b"\x7f\0\0\1")
    assert found[0].data[:2] == found[1].data[:2]


def test_a_name_that_does_not_exist() -> None:
    _, response = read(
        Trace(peer=None).add("dns", dns__name="no.lab", dns__answers=[], failure="dns_nxdomain")
    )

    assert response.data[3] & 0x0F == 3


def test_questions_that_the_kernel_saw_are_not_asked_twice() -> None:
    trace = Trace(peer=None).add("dns.query", src="kernel", dns__name="db.lab", dns__type="A")
    trace.add("dns", src="hook", dns__name="db.lab", dns__answers=["127.0.0.1"])

    assert [each.comment.split("; ")[2] for each in read(trace)] == ["query", "response"]


def test_what_travelled_inside_tls_is_shown_instead_of_it() -> None:
    trace = Trace().postgres("F", "SSLRequest", 8).postgres("B", "SSLResponse", 1)
    trace.client("tls.client_hello", 300, tls__sni="db").postgres("F", "Query", 11, sql="BEGIN")

    (only,) = read(trace)

    assert only.data == b"Q\0\0\0\x0aBEGIN\0"
    assert "travelled inside TLS" in only.comment


def test_tls_is_shown_where_nothing_else_is_known() -> None:
    found = read(Trace().client("tls.client_hello", 300, tls__sni="db").server("tls.alert", 7))

    assert [each.data[0] for each in found] == [22, 21]


def test_frames_carry_the_messages_they_carried() -> None:
    trace = Trace().client("ws.frame", 17, ws__len=11, ws__opcode="BINARY")
    trace.postgres("F", "Query", 11, sql="BEGIN")

    (only,) = read(trace)

    assert only.data == b"\x82\x8b\0\0\0\0Q\0\0\0\x0aBEGIN\0"


def test_an_end_that_two_sources_tell_of_is_one_end() -> None:
    found = read(Trace().add("connect").add("close", src="hook").add("close", src="tap"))

    assert flags(found) == [SYN, SYN | ACK, ACK, FIN | ACK, ACK]


def test_the_end_of_a_refused_attempt_is_no_packet() -> None:
    assert flags(read(Trace().add("connect", **REFUSED).add("close"))) == [SYN, RST | ACK]


def test_a_connect_that_two_sources_tell_of_is_one_handshake() -> None:
    found = read(Trace().add("connect", src="hook").add("connect", src="tap"))

    assert flags(found) == [SYN, SYN | ACK, ACK]


def test_a_connection_that_was_reset() -> None:
    *_, last = read(Trace().add("connect").add("close", failure="connection_reset", errno="ECONNRESET"))

    assert last.flags == RST | ACK
    assert last.source == ("127.0.0.1", 5999)


def test_messages_without_a_connection_are_one_stream_for_each_peer() -> None:
    trace = Trace(conn=None).postgres("F", "Sync", 5).postgres("F", "Sync", 5)
    trace.client("redis.cmd", 14, redis__cmd="PING", peer=Peer("127.0.0.1", 6379))

    first, second, other = read(trace)

    assert first.source == second.source
    assert second.seq == first.seq + 5
    assert other.target == ("127.0.0.1", 6379)


def test_no_two_connections_share_their_ends() -> None:
    one, other = Trace(conn=1).add("connect").lines, Trace(conn=1).add("connect", pid=9).lines

    assert len({each.source for each in segments(written(one + other)) if each.flags == SYN}) == 2


def test_a_secret_of_a_message_is_in_no_packet_unless_the_line_has_it() -> None:
    found = read(Trace().postgres("F", "PasswordMessage", 30))

    assert set(found[0].data[5:]) == {ord("x"), 0}


@settings(deadline=None)
@given(st.lists(any_line(), max_size=6))
def test_any_trace_becomes_a_file_in_the_order_of_time(lines: list[Mapping[str, Any]]) -> None:
    found = segments(written(lines))

    assert [each.microseconds for each in found] == sorted(each.microseconds for each in found)
