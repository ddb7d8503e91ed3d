"""Upstreams as data, and which one a finding belongs to."""

from __future__ import annotations

import re
from typing import Any

import pytest

from repro.diagnose.causes import BY_ID, CAUSES
from repro.document import LAYERS
from repro.report import slots, upstream, whose
from repro.report.upstream import UnknownUpstream
from tests.report.conftest import Run

NAMES = {
    "asyncpg", "drizzle-orm", "httpx", "ioredis", "neon-serverless", "node-postgres", "pgbouncer", "psycopg",
    "redis-py", "sqlalchemy", "upstash-redis-js", "upstash-redis-py", "vercel-storage", "websockets",
}  # fmt: skip


def known_as(run: Run, cause: str | None) -> Any:
    """The run's first finding with this cause."""
    finding = run.document["findings"][0]
    layer = finding["layer"] if cause is None else BY_ID[cause].layer
    finding.update({"cause": cause, "layer": layer})
    return finding


def test_there_are_fourteen() -> None:
    assert set(upstream.names()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_data_of_each_is_whole(name: str) -> None:
    found = upstream.load(name)

    assert re.fullmatch(r"[\w.-]+/[\w.-]+", found.repository)
    assert found.channel in {"issue", "discussion", "none"}
    assert found.style in {"form", "markdown", "bullets", "bold"}
    assert found.reason
    assert found.security.startswith("https://")
    assert all(re.fullmatch(r"(npm|pypi|other):\S+", each) for each in found.packages)
    assert bool(found.instead) == (found.channel == "none")
    assert not found.instead or found.instead in NAMES
    asked = [each for each in found.headings if "summary" in each.slots]
    assert len(asked) == 1, "one place for the person's own sentence"
    for heading in found.headings:
        assert set(heading.slots) <= {*slots.PLAIN, *slots.SLOTS}
        assert "version" not in heading.slots or heading.package
        assert heading.slots or heading.checkboxes or heading.hint or not heading.required
        assert "-->" not in heading.hint


def test_one_that_is_not_there_is_told_with_the_choices() -> None:
    with pytest.raises(UnknownUpstream, match=r"did you mean asyncpg\? there are asyncpg, drizzle-orm"):
        upstream.load("asyncpgg")
    with pytest.raises(UnknownUpstream, match=r"^no such upstream; there are asyncpg"):
        upstream.load("zzzzzz")


@pytest.mark.parametrize("name", ["../upstream", "/etc/passwd", "", "asyncpg.toml", "a\nb"])
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(UnknownUpstream) as raised:
        upstream.load(name)
    assert "\n" not in str(raised.value)


def test_each_package_has_one_upstream() -> None:
    every = [package.casefold() for name in NAMES for package in upstream.load(name).packages]
    assert len(every) == len(set(every))
    found = upstream.of_package("pypi:sqlalchemy")
    assert found is not None
    assert found.name == "sqlalchemy"
    assert upstream.of_package("npm:redis") is None, "another package of that name, of another ecosystem"


def test_every_layer_and_every_cause_belongs_to_somebody() -> None:
    known = whose._data()
    assert set(known["layers"]) == set(LAYERS)
    assert set(known["layers"].values()) <= set(known["owners"])
    assert set(known["causes"]) <= set(BY_ID)
    for exception in known["causes"].values():
        assert ("owner" in exception) != ("upstreams" in exception)
        assert exception.get("owner", "yours") in known["owners"]
        assert set(exception.get("upstreams", ())) <= NAMES


@pytest.mark.parametrize("cause", [each.id for each in CAUSES])
def test_each_cause_has_an_answer(cause: str, origin: Run) -> None:
    choice = upstream.chosen_for(origin.document, known_as(origin, cause))

    assert choice.because
    assert choice.upstream is None or choice.upstream.name in NAMES


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
    found = upstream.chosen_for(origin.document, known_as(origin, cause)).upstream
    assert (found.name if found else None) == name


def test_of_several_owners_it_is_the_one_whose_driver_failed(origin: Run) -> None:
    finding = known_as(origin, "up-retry-duplicates")
    finding["probes"] = ["ws.neon"]
    failing = next(each for each in origin.document["probes"] if each["name"] == "ws.neon")
    failing["driver"] = {"name": "upstash-redis", "version": "1.4.0"}

    found = upstream.chosen_for(origin.document, finding).upstream

    assert found is not None
    assert found.name == "upstash-redis-py"


def test_what_is_yours_is_said_to_be_yours(origin: Run) -> None:
    assert (
        "nothing to file" in upstream.chosen_for(origin.document, known_as(origin, "cfg-url-missing")).because
    )


def test_undiagnosed_it_is_the_driver_that_alone_failed(origin: Run) -> None:
    finding = known_as(origin, None)
    finding["probes"] = ["ws.neon"]

    found = upstream.chosen_for(origin.document, finding).upstream

    assert found is not None
    assert found.name == "websockets"


def test_undiagnosed_several_drivers_are_nobodys(origin: Run) -> None:
    finding = known_as(origin, None)
    assert finding["probes"] == ["http.neon", "ws.neon"]

    choice = upstream.chosen_for(origin.document, finding)

    assert choice.upstream is None
    assert "look at the target first" in choice.because


def test_undiagnosed_without_any_that_passed_it_is_nobodys(origin: Run) -> None:
    finding = known_as(origin, None)
    finding["probes"] = ["ws.neon"]
    origin.document["probes"] = [each for each in origin.document["probes"] if each["status"] != "pass"]

    assert upstream.chosen_for(origin.document, finding).upstream is None


def test_the_probe_without_a_driver_is_nobodys(origin: Run) -> None:
    finding = known_as(origin, None)
    finding["probes"] = ["tcp.raw"]
    assert upstream.chosen_for(origin.document, finding).upstream is None


def test_a_report_shows_the_probe_of_the_upstreams_own_package_first(origin: Run) -> None:
    names = [each["name"] for each in upstream.failing_for(origin.document, upstream.load("websockets"))]
    assert names == ["ws.neon", "http.neon"]


def test_where_nothing_failed_there_is_no_finding(healthy: Run) -> None:
    assert upstream.finding_for(healthy.document, upstream.load("asyncpg")) is None
    assert upstream.failing_for(healthy.document, upstream.load("asyncpg")) == []
