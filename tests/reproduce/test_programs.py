"""The programs: valid in their language for every driver and every case, and with nothing of ours in them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest

from repro.reproduce.case import KINDS, OBSERVED, SMALLEST_BODIES, Case, Part, having, whole
from repro.reproduce.drivers import DRIVERS, Driver
from repro.reproduce.place import WORDS, Place
from repro.reproduce.program import Program

TARGETS = {
    "DATABASE_URL": "postgresql://somebody:s3cret-password@db.example:6432/shop?sslmode=require&sslpassword=hush",
    "UPSTASH_REDIS_URL": "rediss://default:s3cret-password@queue.example:6380",
    "UPSTASH_REDIS_REST_URL": "https://queue.example",
    "UPSTASH_REDIS_REST_TOKEN": "s3cret-token",
    "NEON_WS_PROXY": "proxy.example/v2",
    "NEON_FETCH_ENDPOINT": "https://fetch.example/sql",
}
ENVIRON = {"HTTPS_PROXY": "http://somebody:s3cret-password@proxy.example", "HOME": "/home/somebody"}
FORM = "postgresql://USER:PASSWORD@HOST:PORT/NAME"
SECRETS = ("s3cret", "hush", "somebody", "example", "shop")


def cases(driver: Driver) -> list[Case]:
    """The whole, nothing, and several between."""
    everything = whole(driver, TARGETS, ENVIRON)
    transaction = tuple(having(everything, "login", "transaction"))
    found: list[Case] = [everything, ()]
    found += [tuple(part for part in everything if part.kind != kind) for kind in KINDS]
    if transaction:
        found += [(*transaction, *body) for body in SMALLEST_BODIES]
        found.append(transaction)
    if driver.observes:
        found.append((*transaction, OBSERVED))
    return found


def programs(driver: Driver) -> list[Program]:
    places = [Place(driver.variable), *(Place(driver.variable, stand_in) for stand_in in WORDS)]
    versions = dict.fromkeys(driver.packages, "1.2.3")
    return [
        Program(driver, case, place, versions, "it fails.", "Made by hand.")
        for case, place in product(cases(driver), places)
    ]


def all_in(language: str) -> list[Driver]:
    return [driver for driver in DRIVERS.values() if driver.language == language]


@pytest.mark.parametrize("driver", all_in("python"), ids=lambda driver: driver.probe)
def test_every_python_program_compiles_and_imports_the_driver_and_the_standard_library(
    driver: Driver,
) -> None:
    roots = {name.partition("[")[0] for name in driver.packages}
    for program in programs(driver):
        tree = ast.parse(program.text)
        compile(tree, program.file, "exec")
        assert not imported(tree) - roots


def imported(tree: ast.Module) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("driver", all_in("python"), ids=lambda driver: driver.probe)
def test_no_python_program_uses_a_name_that_it_has_not(driver: Driver, tmp_path: Path) -> None:
    files = []
    for number, program in enumerate(programs(driver)):
        files.append(tmp_path / f"p{number}.py")
        files[-1].write_text(program.text)
    done = subprocess.run(
        ["ruff", "check", "--isolated", "--no-cache", "--select", "F821,F811,F401", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.node
@pytest.mark.parametrize("driver", all_in("node"), ids=lambda driver: driver.probe)
def test_every_node_program_is_javascript(driver: Driver, tmp_path: Path) -> None:
    texts = [program.text for program in programs(driver)]
    for number, text in enumerate(texts):
        (tmp_path / f"p{number}.mjs").write_text(text)
    check = (
        "import vm from 'node:vm'; import fs from 'node:fs';"
        f"for (let n = 0; n < {len(texts)}; n++)"
        " new vm.SourceTextModule(fs.readFileSync(`p${n}.mjs`, 'utf8'), { identifier: `p${n}` });"
    )
    done = subprocess.run(
        ["node", "--experimental-vm-modules", "--no-warnings", "--input-type=module", "-e", check],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.probe)
def test_no_program_holds_a_word_of_the_target_or_is_of_ours(driver: Driver) -> None:
    for program in programs(driver):
        assert not [word for word in SECRETS if word in program.text]
        assert "repro." not in program.text
        assert "TXREPRO" not in program.text


def made(probe: str, *parts: Part, stand_in: str | None = None) -> Program:
    driver = DRIVERS[probe]
    place = Place(driver.variable, stand_in)  # type: ignore[arg-type]
    return Program(driver, parts, place, dict.fromkeys(driver.packages, "1.0"))


def test_a_parameter_stands_in_the_file_and_a_secret_one_is_read_from_the_environment() -> None:
    known = Part("option", "parameter", "sslmode", "require")
    hidden = Part("option", "parameter", "sslpassword")

    assert '"?sslmode=require"' in made("tcp.asyncpg", known).text
    both = made("tcp.asyncpg", known, hidden).text
    assert "sslmode=require&sslpassword={QUERY['sslpassword']}" in both
    assert "QUERY = dict(" in both
    node = made("node.pg", known, hidden).text
    assert '`?sslmode=require&sslpassword=${encodeURIComponent(QUERY.get("sslpassword"))}`' in node


@pytest.mark.parametrize(
    ("program", "command", "install"),
    [
        (
            made("ws.neon", stand_in="nobody"),
            "python ws_neon.py",
            "python -m pip install websockets==1.0",  # psycopg only where it logs in
        ),
        (
            made("ws.neon", Part("statement", "login", "log in")),
            f"DATABASE_URL={FORM} python ws_neon.py",
            "python -m pip install websockets==1.0 'psycopg[binary]==1.0'",
        ),
        (
            made("node.vercel", Part("variable", "variable", "NEON_WS_PROXY")),
            f"POSTGRES_URL={FORM} NEON_WS_PROXY=HOST:PORT/v2 node node_vercel.mjs",
            "npm install @vercel/postgres@1.0",
        ),
        (
            made("tcp.psycopg", Part("variable", "variable", "PGSSLMODE", "require")),
            f"DATABASE_URL={FORM} PGSSLMODE=require python tcp_psycopg.py",
            "python -m pip install 'psycopg[binary]==1.0'",
        ),
        (
            made("tcp.asyncpg", Part("option", "parameter", "sslpassword")),
            f"DATABASE_URL='{FORM}?sslpassword=…' python tcp_asyncpg.py",
            "python -m pip install asyncpg==1.0",
        ),
        (
            made("push.upstash-rest"),
            "UPSTASH_REDIS_REST_URL=https://HOST UPSTASH_REDIS_REST_TOKEN=TOKEN python push_upstash_rest.py",
            "python -m pip install httpx==1.0",
        ),
    ],
)
def test_the_commands_that_install_and_run_it(program: Program, command: str, install: str) -> None:
    assert (program.command, program.install) == (command, install)
    assert command in program.text
    assert install in program.text


def ran(program: Program, tmp_path: Path, *, interpreter: Sequence[str]) -> str:
    file = tmp_path / program.file
    file.write_text(program.text)
    done = subprocess.run(
        [*interpreter, str(file)], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(
    ("stand_in", "says"),
    [("nobody", "refused"), ("closes", "closed"), ("ssh", "but received S")],
)
def test_a_program_that_needs_no_server_fails_as_its_stand_in_does(
    stand_in: str, says: str, tmp_path: Path
) -> None:
    assert says in ran(made("tcp.psycopg", stand_in=stand_in), tmp_path, interpreter=[sys.executable])
