"""When a program fails as the probe did."""

from __future__ import annotations

from typing import Any

import pytest

from repro.reproduce.place import Place, stand_in_for
from repro.reproduce.sameness import failure_of, masked, phrases, shown
from tests.diagnose.test_engine import outcome


def refused(**more: Any) -> Any:
    return outcome("tcp.asyncpg", **{"failure": "connection_refused", "address": "127.0.0.1:5432", **more})


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (refused(address="127.0.0.1:6543"), True),  # the lab's ports are others each time
        (refused(address="127.0.0.1:443"), False),  # the port of a serverless driver is its own
        (refused(failure="timeout"), False),
        (refused(operation="begin", address=None), False),
    ],
)
def test_the_target_s_own_port_does_not_count_and_a_driver_s_does(other: Any, same: bool) -> None:
    assert (failure_of(refused()) == failure_of(other)) is same


def test_a_pass_is_no_failure() -> None:
    assert failure_of(outcome("tcp.asyncpg")) is None


def test_a_failure_is_shown_in_one_word() -> None:
    found = failure_of(refused(address="127.0.0.1:443"))
    assert found is not None
    assert shown(found) == "tcp/connect/connection_refused/443"


def test_numbers_and_line_breaks_are_no_difference_between_messages() -> None:
    assert masked("port 5432\n  of 1") == masked("port 99 of\t22")
    assert phrases(refused(message="no 1")) == ["no N", "no N"]


@pytest.mark.parametrize(
    ("failure", "causes", "stand_in"),
    [
        ("connection_refused", ["tcp-refused"], "nobody"),
        ("timeout", [], "silent"),
        ("eof", [], "closes"),
        ("tls_protocol", [], None),  # it may have many reasons
        ("tls_protocol", ["tcp-port-is-ssh"], "ssh"),
        ("connection_reset", ["cfg-x", "tcp-port-is-http"], "http"),
        ("connection_reset", ["redis-plain-to-tls"], None),  # somebody else ends it, and why is known
        ("sql_error", [], None),
    ],
)
def test_what_may_stand_in(failure: str, causes: list[str], stand_in: str | None) -> None:
    assert stand_in_for(failure, causes) == stand_in


def test_a_made_up_address_is_of_the_kind_that_the_variable_holds() -> None:
    assert Place("UPSTASH_REDIS_URL", "nobody").base("1") == "redis://default:password@127.0.0.1:1"
    assert Place("UPSTASH_REDIS_REST_URL", "nobody").base("1") == "http://127.0.0.1:1"
    assert Place("POSTGRES_URL", "nobody").base("1") == "postgresql://user:password@127.0.0.1:1/name"


@pytest.mark.parametrize("operation", ["tls", "authenticate"])
def test_waiting_in_vain_for_a_login_is_one_failure_whatever_step_it_was(operation: str) -> None:
    silent = {"failure": "timeout", "address": None}
    assert failure_of(refused(**silent, operation=operation)) == failure_of(refused(**silent))
    assert failure_of(refused(**silent, operation="commit")) != failure_of(refused(**silent))
