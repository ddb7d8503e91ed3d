"""What an undiagnosed failure is not."""

from __future__ import annotations

from typing import Any

from repro.diagnose import engine
from repro.diagnose.view import View
from repro.document import Outcome
from repro.observe.peers import Speaker
from tests.diagnose.test_engine import outcome

ADDRESS = "127.0.0.1:5432"


def failing(name: str, *passed: str, **changes: Any) -> Outcome:
    found = outcome(name, failure="eof", operation="begin", address=ADDRESS, **changes)
    stages: Any = [
        {"name": each, "status": "pass", "t0": 0, "t": 0, "failure": None, "detail": {}} for each in passed
    ]
    found["stages"] = stages
    return found


def ruled_out(*outcomes: Outcome, peers: dict[str, Speaker] | None = None) -> dict[str, str]:
    (finding,) = engine.findings(View(list(outcomes), {}, {}, {}, peers or {}))
    assert finding["cause"] is None
    return {each["cause"]: each["because"] for each in finding["ruled_out"]}


def test_what_it_got_past_it_is_not() -> None:
    assert ruled_out(failing("tcp.raw", "resolve", "connect", "authenticate")) == {
        "dns-nxdomain": "the name was found",
        "tcp-refused": "the connection was accepted",
        "auth-wrong-password": "the login succeeded",
    }


def test_only_what_all_of_them_got_past() -> None:
    both = failing("tcp.raw", "resolve", "connect"), failing("tcp.psycopg", "resolve")
    assert list(ruled_out(*both)) == ["dns-nxdomain"]


def test_what_went_with_the_commit_was_not_seen_by_itself() -> None:
    batch = failing("http.neon", "resolve", "authenticate", protocol="https")
    batch["stages"][1]["detail"] = {"sent_with": "commit"}
    assert list(ruled_out(batch)) == ["dns-nxdomain"]


def test_the_queue_has_a_login_of_its_own() -> None:
    assert list(ruled_out(failing("push.redis-tcp", "authenticate"))) == ["redis-wrongpass"]
    rest = failing("push.upstash-rest", "authenticate", protocol="https")
    assert list(ruled_out(rest)) == ["up-401"]


def test_a_server_that_speaks_postgres_is_no_other() -> None:
    found = ruled_out(failing("tcp.raw"), peers={ADDRESS: Speaker(ADDRESS, "postgres")})
    assert found["tcp-port-is-ssh"] == f"asked afterwards, {ADDRESS} speaks Postgres"
