"""What a run writes of whose target it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repro.cli import body
from repro.cli.target import Target
from repro.diagnose.investigation import Investigation
from repro.document import Outcome, read_run
from repro.observe.plan import Plan
from repro.observe.progress import Silent
from repro.observe.run import Observation

HOST, ADDRESS, USER = "db-1.corp.acme.io", "8.8.4.4", "sarah_k"
URL = f"postgresql://{USER}:corr3ct-h0rse@{HOST}/shop"
LOCAL = "postgresql://app:corr3ct-h0rse@localhost:5433/shop"


@pytest.fixture
def carried_out(
    make_outcome: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[body.Finished, str]]:
    """Carries a run out on a URL; answers with what it came to, and all that it wrote."""

    def carry_out(url: str, address: str, **flags: bool) -> tuple[body.Finished, str]:
        outcome = make_outcome("tcp.psycopg", refused_at=f"{address}:5432", events="trace/tcp.psycopg.jsonl")
        assert outcome["error"] is not None
        outcome["error"]["message"] = (
            f'connection to server at "{url}" ({address}), port 5432 failed: refused'
        )
        outcome["stages"][0]["failure"] = "connection_refused"
        peer = {"address": address, "port": 5432}
        line = {
            "seq": 1, "t0": 0.1, "t": 0.2, "src": "hook", "op": "connect", "conn": 1, "pid": 7, "peer": peer,
            "failure": "connection_refused", "errno": "ECONNREFUSED",
        }  # fmt: skip
        seen = Observation(
            started_at=datetime(2026, 1, 31, tzinfo=UTC),
            origin=0.0,
            outcomes=[outcome],
            events={"tcp.psycopg": [line]},
            variables={"DATABASE_URL": url},
        )
        monkeypatch.setattr(body, "investigate", lambda *_, **__: Investigation(seen, []))
        plan = Plan("20260131-000000-3f9a2c", "env", {"DATABASE_URL": url})
        made = body.carry_out(
            plan, Target("env"), tmp_path, "repro run", Silent(), pcap=True, experiments=False, **flags
        )
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        return made, "\n".join(file.read_bytes().decode("utf-8", "replace") for file in files)

    return carry_out


def test_nothing_that_is_written_says_whose_target_it_was(
    carried_out: Callable[..., tuple[body.Finished, str]], tmp_path: Path
) -> None:
    _, written = carried_out(URL, ADDRESS)

    for telling in (HOST, "corp.acme.io", ADDRESS, USER, "corr3ct-h0rse"):
        assert telling not in written, telling
    document = read_run(tmp_path)
    error = document["probes"][0]["error"]
    assert error is not None
    assert error["address"] is not None
    assert error["address"].startswith("[ipv4:")
    assert error["address"].endswith("]:5432")
    assert error["address"] in (tmp_path / "report.md").read_text("utf-8")


def test_the_person_at_the_terminal_sees_it(carried_out: Callable[..., tuple[body.Finished, str]]) -> None:
    made, _ = carried_out(URL, ADDRESS)

    error = made.shown["probes"][0]["error"]
    assert error is not None
    assert error["address"] == f"{ADDRESS}:5432"
    assert HOST in error["message"]
    assert "corr3ct-h0rse" not in error["message"]


def test_it_is_written_where_that_is_asked_for(
    carried_out: Callable[..., tuple[body.Finished, str]],
) -> None:
    _, written = carried_out(URL, ADDRESS, show_hosts=True)

    assert HOST in written
    assert USER in written
    assert "corr3ct-h0rse" not in written


def test_of_a_local_target_nothing_is_hidden(carried_out: Callable[..., tuple[body.Finished, str]]) -> None:
    made, written = carried_out(LOCAL, "127.0.0.1")

    assert "127.0.0.1:5432" in written
    assert "localhost" in written
    assert "[host:" not in written
    assert made.document["probes"][0]["error"] is not None
