"""What a run writes of the names of hosts and users, and what it shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repro.cli import body
from repro.cli.target import Target
from repro.diagnose.investigation import Investigation
from repro.document import Outcome
from repro.observe.plan import Plan
from repro.observe.progress import Silent
from repro.observe.run import Observation

HOST, USER, PASSWORD = "db-7.shop.corp", "shopkeeper", "hunter2-hunter2"
URL = f"postgresql://{USER}:{PASSWORD}@{HOST}:6543/shop"


@pytest.fixture
def run(
    make_outcome: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[body.Finished, str]]:
    """Carries out a run whose probe failed at a foreign host; answers what was written as one text too."""

    def carry_out(**more: bool) -> tuple[body.Finished, str]:
        outcome = make_outcome(
            refused_at=f"{HOST}:6543", reason=f"no {USER} at {HOST} by {PASSWORD}", stages=[]
        )
        seen = Observation(datetime(2026, 1, 31, tzinfo=UTC), 0.0, [outcome], {}, {"DATABASE_URL": URL})
        monkeypatch.setattr(body, "investigate", lambda *_given, **_more: Investigation(seen, []))
        plan = Plan(run_id="20260131-235959-3f9a2c", kind="env", variables={"DATABASE_URL": URL}, entries=[])
        aimed = Target("env", {"DATABASE_URL": URL}, {"DATABASE_URL": "environment"})
        folder = tmp_path / "run"
        finished = body.carry_out(
            plan, aimed, folder, "repro run", Silent(), pcap=False, experiments=False, **more
        )
        written = "".join(file.read_text("utf-8") for file in sorted(folder.rglob("*")) if file.is_file())
        return finished, written

    return carry_out


def test_foreign_names_are_not_written_and_are_shown(run: Callable[..., tuple[body.Finished, str]]) -> None:
    finished, written = run()

    assert HOST not in written
    assert USER not in written
    assert "[host:" in written
    (shown,) = finished.shown["probes"]
    assert shown["reason"] is not None
    assert f"no {USER} at {HOST}" in shown["reason"]


def test_they_are_written_where_that_is_asked_for(run: Callable[..., tuple[body.Finished, str]]) -> None:
    _, written = run(show_hosts=True)

    assert HOST in written
    assert f"no {USER} at {HOST}" in written


@pytest.mark.parametrize("show_hosts", [True, False])
def test_a_password_is_neither_written_nor_shown(
    show_hosts: bool, run: Callable[..., tuple[body.Finished, str]]
) -> None:
    finished, written = run(show_hosts=show_hosts)

    assert PASSWORD not in written
    assert PASSWORD not in str(finished.shown)
