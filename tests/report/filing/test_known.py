"""Known issues: which findings they match, in which versions, and that the data is whole."""

from __future__ import annotations

import re
from typing import Any

import pytest

from repro.diagnose.causes import BY_ID
from repro.report.filing import known, upstream, version_order
from repro.report.filing.known import KnownIssue
from tests.report.conftest import Run

ISSUE = KnownIssue(
    id="x", package="pypi:websockets", affected="*", url="https://github.com/a/b/issues/1", title="t"
)


def found(run: Run, **what: Any) -> bool:
    """Whether an issue with this is matched by the run's first finding."""
    issue = KnownIssue(
        **{"id": "x", "package": "pypi:websockets", "affected": "*", "url": "u", "title": "t", **what}
    )
    return known.matches(run.document, run.document["findings"][0], [issue]) == [issue]


def test_all_that_is_given_must_hold(origin: Run) -> None:
    origin.document["findings"][0]["cause"] = "sl-localhost-443"

    assert found(origin)
    assert found(origin, causes=["tcp-refused", "sl-localhost-443"])
    assert not found(origin, causes=["tcp-refused"])
    assert found(origin, failure="connection_refused")
    assert not found(origin, failure="timeout")
    assert found(origin, text="Connection refused$")
    assert found(origin, text=r"Connect call failed \('127")
    assert not found(origin, text="All connection attempts failed"), "only the deepest error counts"
    assert found(origin, probe="ws.*")
    assert not found(origin, probe="tcp.*")
    assert not found(origin, probe="http.*", text="^.Errno 111. Connection refused$"), "both of one probe"
    assert not found(origin, causes=["sl-localhost-443"], failure="timeout")


def test_a_cause_that_is_not_known_matches_by_its_text_only(origin: Run) -> None:
    assert origin.document["findings"][0]["cause"] is None
    assert found(origin, text="refused")
    assert not found(origin, causes=["sl-localhost-443"])


@pytest.mark.parametrize(
    ("affected", "matched"),
    [
        ("*", True),
        (">=16", True),
        (">=15.1,<16.0", False),
        ("<17,!=16.0", False),
        ("==16", True),
        (">16.0", False),
    ],
)
def test_the_version_of_the_driver_must_be_affected(affected: str, matched: bool, origin: Run) -> None:
    assert found(origin, affected=affected, probe="ws.neon") is matched


def test_a_range_wants_a_version_that_is_known(origin: Run) -> None:
    assert not found(origin, package="npm:@neondatabase/serverless", affected=">=0")
    assert found(origin, package="npm:@neondatabase/serverless", affected="*")
    assert found(origin, package="pypi:psycopg", affected=">=3.3,<4"), "a version that the probe loaded"


def test_a_package_of_another_ecosystem_is_another_package(origin: Run) -> None:
    assert not found(origin, package="npm:websockets", affected=">=0")


def test_the_order_is_that_of_the_data(origin: Run) -> None:
    origin.document["findings"][0]["cause"] = "sl-localhost-443"
    ids = [each.id for each in known.matches(origin.document, origin.document["findings"][0])]
    assert ids == ["neon-local-postgres", "neon-local-http"]


def test_the_origins_split_is_known(mishaps: Run) -> None:
    finding = mishaps.document["findings"][0]
    finding["cause"] = "tx-drizzle-sql-proxy-split"
    finding["probes"] = ["node.drizzle-vercel-sql"]
    mishaps.document["probes"][3]["name"] = "node.drizzle-vercel-sql"
    mishaps.document["probes"][3]["driver"] = {"name": "drizzle-orm", "version": "0.45.4"}

    (issue,) = known.matches(mishaps.document, finding)

    assert issue.url == "https://github.com/drizzle-team/drizzle-orm/issues/1723"
    assert str(issue).endswith("issues/1723; not fixed in any version known here")


def test_a_fixed_version_is_told() -> None:
    assert str(KnownIssue("x", "pypi:a", "<2", "https://u", "it breaks", fixed="2.0")) == (
        "known: it breaks: https://u; fixed in 2.0"
    )


@pytest.mark.parametrize("issue", known.every(), ids=lambda each: each.id)
def test_the_data_of_each_is_whole(issue: KnownIssue) -> None:
    assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull|discussions)/\d+", issue.url)
    owner = upstream.of_package(issue.package)
    assert owner is not None
    assert owner.repository in issue.url
    assert set(issue.causes) <= set(BY_ID)
    assert issue.causes or issue.text, "it would match everything"
    re.compile(issue.text)
    version_order.within("1.0", issue.affected)
    assert len(issue.title) < 120


def test_no_name_stands_twice() -> None:
    ids = [each.id for each in known.every()]
    assert len(ids) == len(set(ids))


def test_an_endless_error_is_searched_in_part(origin: Run) -> None:
    for outcome in origin.document["probes"]:
        if outcome["error"] is not None:
            outcome["error"]["chain"][-1]["message"] = "a" * 1_000_000 + "refused"
    assert not found(origin, text="refused")


IN_ORDER = [
    "0.9", "1.0.0.dev1", "1.0.0-canary.3", "1.0.0-alpha.1", "1.0a2", "1.0.0-beta.9-e89174b", "1.0b10",
    "1.0.0-rc.1", "1.0rc2", "1.0.0", "1.0.post1", "1.0.1", "1.2", "1.10",
]  # fmt: skip


def test_the_order_of_versions() -> None:
    keys = [version_order.key(each) for each in IN_ORDER]
    assert None not in keys
    assert keys == sorted(keys, key=lambda each: each or ((), 0, 0))
    assert version_order.key("1.0") == version_order.key("v1.0.0") == version_order.key("1+build.7")


@pytest.mark.parametrize("text", ["", "latest", "[redacted:1a2b3c]", "../1", "one.two", "-1"])
def test_what_is_no_version_is_in_no_range_but_all(text: str) -> None:
    assert version_order.key(text) is None
    assert not version_order.within(text, ">=0")
    assert version_order.within(text, "*")


@pytest.mark.parametrize(
    ("version", "affected", "inside"),
    [
        ("1.0.0-rc.4", "<=1.0.0-rc.4", True),
        ("1.0.0", "<=1.0.0-rc.4", False),
        ("8.0.0b1", ">=8", False),
        ("8.0.0b1", "<8", True),
        ("1.20.0", ">=1.20,<1.20.1", True),
        ("1.20.1", ">=1.20,<1.20.1", False),
        ("1.9", ">=1.10", False),
    ],
)
def test_a_range_with_prereleases(version: str, affected: str, inside: bool) -> None:
    assert version_order.within(version, affected) is inside


@pytest.mark.parametrize("affected", ["", "1.2", ">=", "~=1.2", ">=1,", ">=x"])
def test_a_range_that_is_none_is_refused(affected: str) -> None:
    with pytest.raises(ValueError, match="no clause of a range"):
        version_order.within("1.0", affected)
