"""Upstreams as data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repro.diagnose.causes import BY_ID
from repro.document import LAYERS
from repro.report.filing import slots, upstream, whose
from repro.report.filing.upstream import UnknownUpstream

NAMES = upstream.names()
PAGE = Path(__file__).parents[3] / "docs" / "reports.md"


def test_the_page_has_each_in_its_table_and_where_it_is_told_first() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| upstream |")[2].partition("\n\n")[0]
    told = [
        (name, row.split("|")[2].strip())
        for row in table.splitlines()
        for name in re.findall(r"`([\w-]+)`", row.split("|")[1] if row.startswith("|") else "")
    ]
    assert sorted(name for name, _ in told) == list(NAMES)
    for name, channel in told:
        assert channel.startswith(upstream.load(name).channel), name


@pytest.mark.parametrize("name", NAMES)
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
        assert set(exception.get("upstreams", ())) <= set(NAMES)
