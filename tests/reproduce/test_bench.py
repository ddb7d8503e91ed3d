"""Where programs are tried: what they are given, what is kept from them, how they are judged."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from repro.environments import python
from repro.environments.python import Environment
from repro.reproduce.bench import Bench, NoEnvironment, OutOfTime, Site
from repro.reproduce.case import Part
from repro.reproduce.drivers import DRIVERS
from repro.reproduce.place import Place
from repro.reproduce.program import Program
from repro.reproduce.sameness import failure_of, shown

PSYCOPG = DRIVERS["tcp.psycopg"]
URL = "postgresql://u:p@127.0.0.1:1/d"
PROXY = Part("variable", "variable", "HTTPS_PROXY")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """This interpreter in the place of one with the driver alone; what was to be installed in each."""
    told: list[Sequence[str]] = []

    def this_one(_pins: object, needed: Sequence[str], *_more: Any) -> Environment:
        told.append(list(needed))
        return Environment(Path(sys.executable), {})

    monkeypatch.setattr(python, "provide", this_one)
    return told


def silent(_what: str) -> None:
    pass


def bench(
    variables: Mapping[str, str] | None = None,
    environment: Mapping[str, str | None] | None = None,
    *,
    probe: str = "tcp.psycopg",
    deadline_s: float = 60.0,
) -> Bench:
    driver = DRIVERS[probe]
    site = Site(variables or {"DATABASE_URL": URL}, environment or {})
    return Bench(driver, site, dict.fromkeys(driver.packages, "1.0"), deadline_s, silent)


@pytest.fixture
def at_once_refused() -> Iterator[Bench]:
    with bench(deadline_s=1.0) as made:
        yield made


def program(*parts: Part, probe: str = "tcp.psycopg", stand_in: Any = None) -> Program:
    driver = DRIVERS[probe]
    return Program(driver, parts, Place(driver.variable, stand_in), dict.fromkeys(driver.packages, "1.0"))


def test_a_program_gets_what_it_wants_and_nothing_else_that_drivers_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "HTTPS_PROXY": "http://p",
        "PGHOST": "h",
        "UPSTASH_REDIS_URL": "r",
        "HOME": "/",
    }.items():
        monkeypatch.setenv(name, value)
    with bench(
        {"DATABASE_URL": URL, "SSL_CERT_FILE": "ca.pem", "NEON_WS_PROXY": "w"}, {"PGUSER": "u"}
    ) as made:
        plain = made.environment(program())
        with_proxy = made.environment(program(PROXY))
        alone = made.environment(program(stand_in="nobody"))

    assert plain["DATABASE_URL"] == URL
    assert plain["HOME"] == "/"
    kept_away = {"HTTPS_PROXY", "PGHOST", "PGUSER", "SSL_CERT_FILE", "NEON_WS_PROXY", "UPSTASH_REDIS_URL"}
    assert not kept_away & set(plain)
    assert with_proxy == {**plain, "HTTPS_PROXY": "http://p"}
    assert alone == {name: value for name, value in plain.items() if name != "DATABASE_URL"}


@pytest.mark.parametrize(
    ("variables", "given"),
    [
        ({"POSTGRES_URL": "a"}, {"DATABASE_URL": "a"}),
        ({"DATABASE_URL": "a", "POSTGRES_URL": "b"}, {"DATABASE_URL": "a"}),
    ],
)
def test_the_database_s_url_has_the_name_that_the_program_reads(
    variables: dict[str, str], given: dict[str, str]
) -> None:
    with bench(variables) as made:
        assert made.variables(program()) == given


def test_each_program_stands_in_an_empty_folder_that_is_gone_afterwards() -> None:
    with bench() as made:
        first, second = made.laid(program()), made.laid(program())
        assert first.parent != second.parent
        assert [each.name for each in first.parent.iterdir()] == ["tcp_psycopg.py"]
    assert not first.parent.parent.exists()


def test_a_program_is_run_with_the_packages_that_it_imports_alone(asked: list[Sequence[str]]) -> None:
    with bench(probe="ws.neon") as made:
        made.runner(program(probe="ws.neon"))
        made.runner(program(Part("statement", "login", "log in"), probe="ws.neon"))
    assert asked[1:] == [["websockets"], ["websockets", "psycopg[binary]"]]


def test_a_driver_that_cannot_be_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_any: Any) -> Environment:
        raise python.NotInstallable("no such version")

    monkeypatch.setattr(python, "provide", nothing)
    with pytest.raises(NoEnvironment, match="no such version"):
        bench()


def test_without_time_for_a_trial_none_is_begun(at_once_refused: Bench) -> None:
    with pytest.raises(OutOfTime):
        at_once_refused.tried(program())


def test_time_is_kept_for_the_end_but_never_more_than_half() -> None:
    with bench(deadline_s=20.0) as made:
        made.keep(1_000.0)
        assert made.left_s > 15
        made.keep(made.left_s)  # half is kept, so that this one has its ten seconds
        assert made.tried(program(stand_in="nobody"))["status"] == "fail"


@pytest.mark.parametrize(
    ("stand_in", "failure"),
    [
        ("nobody", "tcp/connect/connection_refused"),
        ("closes", "startup-auth/authenticate/connection_reset"),
    ],
)
def test_a_program_is_judged_like_the_probe(stand_in: str, failure: str) -> None:
    with bench() as made:
        found = failure_of(made.tried(program(stand_in=stand_in)))

    assert found is not None
    assert shown(found) == failure
