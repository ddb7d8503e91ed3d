"""What two runs say of themselves, side by side."""

from __future__ import annotations

import copy
import json

import pytest

from repro.document.schema import validate
from repro.report.difference import DIFFERENCE_SCHEMA, Difference, as_json, compare
from tests.report.conftest import Run
from tests.report.difference.pairs import side


def told(found: Difference) -> dict[str, tuple[str, str]]:
    """All differing facts that are no probe's, by section and name."""
    return {
        f"{section.title}: {row.name}": (row.a, row.b)
        for section in (*found.results, *found.facts)
        for row in section.differing
    }


def changed(run: Run) -> Run:
    return copy.deepcopy(run)


def test_a_run_is_the_same_as_itself(healthy: Run, origin: Run, mishaps: Run) -> None:
    for run in (healthy, origin, mishaps):
        assert compare(side(run), side(changed(run))).same


def test_ids_times_and_backends_are_no_difference(mishaps: Run) -> None:
    again = changed(mishaps)
    again.document |= {"run_id": "20270101-000000-ffffff", "started_at": "2027-01-01T00:00:00.000Z"}
    again.document["duration_s"] = 99.0
    for each in again.document["probes"]:
        each["duration_ms"] += 1
        each["atomicity"]["backends"] = [number + 1 for number in each["atomicity"]["backends"]]
        each["atomicity"]["xids"] = [f"{number}0" for number in each["atomicity"]["xids"]]

    assert compare(side(mishaps), side(again)).same


def test_what_works_here_and_fails_there_is_told_first(healthy: Run, origin: Run) -> None:
    found = compare(side(healthy), side(origin))

    assert not found.same
    assert told(found)["verdict: verdict"] == ("pass", "fail")
    assert told(found)["probes: ws.neon"] == ("pass", "fail at connect: connection_refused")
    assert {probe.name for probe in found.probes[:2]} == {"http.neon", "ws.neon"}
    rows = {row.name: (row.a, row.b) for row in found.probes[0].rows}
    assert rows["stage failed"] == ("", "connect")
    assert rows["failed at the address"] == ("", "127.0.0.1:443")
    assert found.probes[0].parting is not None


def test_a_probe_of_one_run_is_named(healthy: Run) -> None:
    fewer = changed(healthy)
    gone = fewer.document["probes"].pop()["name"]

    found = compare(side(healthy), side(fewer))

    assert told(found)[f"probes: {gone}"] == ("pass", "not in this run")
    assert gone not in {probe.name for probe in found.probes}


def test_only_the_chosen_probes_are_looked_at(healthy: Run, origin: Run) -> None:
    found = compare(side(healthy), side(origin), lambda name: name.startswith("tcp."))

    assert {probe.name for probe in found.probes} == {"tcp.raw", "tcp.psycopg", "tcp.asyncpg"}
    assert not any(name.startswith(("probes: ", "findings: ")) for name in told(found))


def test_versions_variables_and_the_target_are_compared(origin: Run) -> None:
    other = changed(origin)
    other.document["environment"]["python"]["version"] = "3.12.0"
    other.document["environment"]["drivers"] = {"psycopg": "3.2.0", "websockets": "16.0"}
    other.document["environment"]["variables"] = ["PGSSLMODE", "HTTPS_PROXY"]
    other.document["target"]["database"] = "postgresql://app:[redacted:ffffff]@db.internal:5432/app"
    other.document["probes"][0]["versions"] = {"server": "16.4"}

    assert told(compare(side(origin), side(other))) == {
        "versions: Python": (
            "version 3.13.1, implementation CPython",
            "version 3.12.0, implementation CPython",
        ),
        "versions: psycopg (installed)": ("3.3.2", "3.2.0"),
        "versions: server (seen by probes)": ("17.10", "16.4, 17.10"),
        "variables in force: HTTPS_PROXY": ("not set", "set"),
        "target: database": (
            "postgresql://app:[redacted:1a2b3c]@localhost:5433/app",
            "postgresql://app:[redacted:ffffff]@db.internal:5432/app",
        ),
    }


def test_a_secret_has_another_token_in_each_run(origin: Run) -> None:
    other = changed(origin)
    other.document["target"]["database"] = "postgresql://app:[redacted:ffffff]@localhost:5433/app"

    assert compare(side(origin), side(other)).same


@pytest.mark.parametrize(
    ("short_ms", "long_ms", "is_told"), [(10, 200, True), (10, 90, False), (200, 400, False)]
)
def test_a_stage_that_took_much_longer_is_remarked_and_no_difference(
    short_ms: int, long_ms: int, is_told: bool, healthy: Run
) -> None:
    a, b = changed(healthy), changed(healthy)
    for run, lasted in ((a, short_ms), (b, long_ms)):
        stage = run.document["probes"][0]["stages"][1]
        stage["t0"], stage["t"] = 1.0, 1.0 + lasted / 1000

    found = compare(side(a), side(b))

    expected = [f"connect took {short_ms} ms in A and {long_ms} ms in B"] if is_told else []
    assert found.probes[0].remarks == expected
    assert found.same


def test_a_document_that_was_sent_alone_says_that_it_has_no_traces(healthy: Run) -> None:
    alone = changed(healthy)
    alone.events.clear()

    found = compare(side(healthy), side(alone))

    assert found.same
    (remark,) = found.remarks
    assert remark.startswith("of B no trace is here of tcp.raw, tcp.psycopg")


def test_programs_get_it_all(healthy: Run, origin: Run) -> None:
    found = json.loads(as_json(compare(side(healthy), side(origin))))

    assert (found["schema"], found["same"]) == (DIFFERENCE_SCHEMA, False)
    assert found["probes"][0]["parting"]["b"]["events"] == ["connect 127.0.0.1:443 ECONNREFUSED"]


def test_the_documents_are_what_a_run_writes(healthy: Run) -> None:
    validate(healthy.document)
