"""Which upstream a finding belongs to."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from repro.diagnose.causes import BY_ID, CAUSES
from repro.report.filing import choice, upstream
from tests.report.conftest import Run


def known_as(run: Run, cause: str | None) -> Any:
    """The run's first finding with this cause."""
    finding = run.document["findings"][0]
    layer = finding["layer"] if cause is None else BY_ID[cause].layer
    finding.update({"cause": cause, "layer": layer})
    return finding


@pytest.mark.parametrize("cause", [each.id for each in CAUSES])
def test_each_cause_has_an_answer(cause: str, origin: Run) -> None:
    chosen = choice.chosen_for(origin.document, known_as(origin, cause))

    assert chosen.because
    assert chosen.upstream is None or chosen.upstream.name in upstream.names()


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("sl-localhost-443", "neon-serverless"),
        ("tx-drizzle-sql-proxy-split", "drizzle-orm"),
        ("redis-pyretry-duplicates", "redis-py"),
        ("vr-pgbouncer-options", "pgbouncer"),
        ("auth-wrong-password", None),
        ("tcp-refused", None),
        ("dns-timeout", None),
        ("ca-commit-ack-lost", None),
        ("cfg-url-missing", None),
    ],
)
def test_a_cause_is_its_owners(cause: str, name: str | None, origin: Run) -> None:
    found = choice.chosen_for(origin.document, known_as(origin, cause)).upstream
    assert (found.name if found else None) == name


def test_of_several_owners_it_is_the_one_whose_driver_failed(origin: Run) -> None:
    finding = known_as(origin, "up-retry-duplicates")
    finding["probes"] = ["ws.neon"]
    failing = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    failing["driver"] = {"name": "upstash-redis", "version": "1.4.0"}

    found = choice.chosen_for(origin.document, finding).upstream

    assert found is not None
    assert found.name == "upstash-redis-py"


def test_what_is_yours_is_said_to_be_yours(origin: Run) -> None:
    assert (
        "nothing to file" in choice.chosen_for(origin.document, known_as(origin, "cfg-url-missing")).because
    )


def without(run: Run, *names: str) -> None:
    """Leave probes out of a run."""
    run.document["probes"] = [each for each in run.document["probes"] if each["name"] not in names]


def failed(run: Run, name: str) -> Any:
    """A probe of the run, which fails as the serverless ones do."""
    own = {each["name"]: each for each in run.document["probes"]}
    own[name].update({"status": "fail", "error": own["ws.neon"]["error"]})
    return own[name]


def test_undiagnosed_it_is_the_driver_that_alone_failed(origin: Run) -> None:
    without(origin, "http.neon")
    finding = known_as(origin, None)
    finding["probes"] = ["ws.neon"]

    found = choice.chosen_for(origin.document, finding).upstream

    assert found is not None
    assert found.name == "websockets"


def test_undiagnosed_several_drivers_are_nobodys(origin: Run) -> None:
    finding = known_as(origin, None)
    assert finding["probes"] == ["http.neon", "ws.neon"]

    chosen = choice.chosen_for(origin.document, finding)

    assert chosen.upstream is None
    assert "look at the target first" in chosen.because


def test_undiagnosed_a_driver_that_failed_otherwise_counts_too(origin: Run) -> None:
    finding = known_as(origin, None)
    finding["probes"] = ["ws.neon"]

    chosen = choice.chosen_for(origin.document, finding)

    assert chosen.upstream is None
    assert "no one driver failed alone" in chosen.because


def test_undiagnosed_it_is_the_driver_below_all_that_failed(origin: Run) -> None:
    failed(origin, "tcp.asyncpg")
    above = copy.deepcopy(failed(origin, "tcp.asyncpg"))
    above.update({"name": "orm.sqlalchemy-asyncpg", "versions": {"asyncpg": "0.32.0", "greenlet": "3.5.6"}})
    above["driver"] = {"name": "SQLAlchemy", "version": "2.1.9"}
    origin.document["probes"].append(above)
    without(origin, "http.neon", "ws.neon")
    finding = known_as(origin, None)
    finding["probes"] = ["tcp.asyncpg", "orm.sqlalchemy-asyncpg"]

    found = choice.chosen_for(origin.document, finding).upstream

    assert found is not None
    assert found.name == "asyncpg"


def test_undiagnosed_the_control_is_no_other_driver(origin: Run) -> None:
    passing = [each["name"] for each in origin.document["probes"] if each["status"] == "pass"]
    without(origin, "http.neon", *(name for name in passing if name != "tcp.raw"))
    finding = known_as(origin, None)
    finding["probes"] = ["ws.neon"]

    chosen = choice.chosen_for(origin.document, finding)

    assert chosen.upstream is None
    assert "no other driver passed" in chosen.because


def test_a_cause_of_a_package_that_never_ran_is_not_seen_yet(origin: Run) -> None:
    finding = known_as(origin, "sl-localhost-443")
    assert not choice.chosen_for(origin.document, finding).seen

    failing = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    failing.update(
        {"name": "node.neon-ws", "driver": {"name": "@neondatabase/serverless", "version": "1.2.0"}}
    )
    finding["probes"] = ["node.neon-ws"]
    assert choice.chosen_for(origin.document, finding).seen


def test_of_a_scenario_one_with_its_packages_is_asked_for(origin: Run) -> None:
    origin.document["target"]["notes"] = ["the lab, in the scenario sl-localhost-443"]
    found = choice.unseen(origin.document, upstream.load("neon-serverless"))
    assert found.endswith("repeat it with a scenario of them (`repro lab scenarios`)")


def test_a_servers_package_is_loaded_by_nobody(origin: Run) -> None:
    assert choice.chosen_for(origin.document, known_as(origin, "vr-pgbouncer-options")).seen


def test_undiagnosed_without_any_that_passed_it_is_nobodys(origin: Run) -> None:
    finding = known_as(origin, None)
    finding["probes"] = ["ws.neon"]
    origin.document["probes"] = [each for each in origin.document["probes"] if each["status"] != "pass"]

    assert choice.chosen_for(origin.document, finding).upstream is None


def test_the_probe_without_a_driver_is_nobodys(origin: Run) -> None:
    finding = known_as(origin, None)
    finding["probes"] = ["tcp.raw"]
    assert choice.chosen_for(origin.document, finding).upstream is None


def test_a_report_shows_the_probe_of_the_upstreams_own_package_first(origin: Run) -> None:
    names = [each["name"] for each in choice.failing_for(origin.document, upstream.load("websockets"))]
    assert names == ["ws.neon", "http.neon"]


def test_where_nothing_failed_there_is_no_finding(healthy: Run) -> None:
    assert choice.finding_for(healthy.document, upstream.load("asyncpg")) is None
    assert choice.failing_for(healthy.document, upstream.load("asyncpg")) == []
