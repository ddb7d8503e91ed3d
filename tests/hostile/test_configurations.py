"""Configurations that are wrong: one line with the value's source and the remedy, and nothing is dialled."""

from __future__ import annotations

import asyncio
import shlex
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from repro.cli import main
from repro.lab.faults.servers import serving
from repro.observe.process import SETTINGS
from tests.cli.test_main import SECRET
from tests.hostile.conftest import carried_out

PG = f"postgresql://u:{SECRET}@h.invalid"
REDIS = f"rediss://:{SECRET}@h.invalid:6379"
REST = "https://h.invalid"
REST_PAIR = {"UPSTASH_REDIS_REST_URL": REST, "UPSTASH_REDIS_REST_TOKEN": SECRET}

ON_TARGET = (
    "run",
    "bench",
    "probe tcp.raw",
    "lab gateway",
    "matrix --with psycopg=3.2",
    "bisect --probe tcp.psycopg --check",
)
"""Commands that read the target."""

WRONG: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "DATABASE_URL": {
        "scheme mistyped": (f"postgress://u:{SECRET}@h.invalid/d", "give postgresql://"),
        "no scheme": (f"u:{SECRET}@h.invalid/d", "give postgresql://"),
        "a MySQL": (f"mysql://u:{SECRET}@h.invalid/d", "give postgresql://"),
        "a JDBC URL": (f"jdbc:postgresql://h.invalid/d?password={SECRET}", "give postgresql://"),
        "another driver's": (f"postgresql+psycopg2://u:{SECRET}@h.invalid/d", "give postgresql://"),
        "a conninfo string": (f"host=h.invalid password={SECRET}", "remove it"),
        "port 0": (f"{PG}:0/d", "port"),
        "port 70000": (f"{PG}:70000/d", "port"),
        "port abc": (f"{PG}:abc/d", "port"),
        "port -1": (f"{PG}:-1/d", "port"),
        "an open bracket": (f"postgresql://u:{SECRET}@[::1/d", "give postgresql://"),
        "no host": (f"postgresql://u:{SECRET}@/d", "no host"),
        "an @ in the password": (f"postgresql://u:p@{SECRET}@h.invalid/d", "%40"),
        "a / in the password": (f"postgresql://u:p/{SECRET}@h.invalid/d", "%2F"),
        "a # in the password": (f"postgresql://u:p#{SECRET}@h.invalid/d", "%23"),
        "a ? in the password": (f"postgresql://u:p?{SECRET}@h.invalid/d", "%3F"),
        "a bad escape": (f"postgresql://u:%zz{SECRET}@h.invalid/d", "%25"),
        "quoted": (f"'{PG}/d'", "remove it"),
        "a line break": (f"{PG}/d\nx", "remove it"),
        "a control character": (f"{PG}/d\x1b[31m", "remove it"),
        "only spaces": ("   ", "set it, or unset it"),
        "two ports, three hosts": (f"{PG},b.invalid,c.invalid/d?port=1,2", "port"),
    },
    "POSTGRES_URL": {
        "null": ("null", "unset the variable"),
        "None": ("None", "unset the variable"),
    },
    "UPSTASH_REDIS_URL": {
        "REST in REDIS_URL": (f"https://u:{SECRET}@h.invalid", "UPSTASH_REDIS_REST_URL"),
        "a database in REDIS_URL": (f"{PG}/d", "give rediss://"),
        "Redis without a host": (f"rediss://:{SECRET}@", "give rediss://"),
        "Redis at port 99999": (f"rediss://:{SECRET}@h.invalid:99999", "port"),
        "two Redis hosts": (f"rediss://:{SECRET}@a.invalid,b.invalid", "give rediss://"),
    },
    "UPSTASH_REDIS_REST_URL": {
        "Redis in REST_URL": (REDIS, "UPSTASH_REDIS_URL"),
        "REST without a scheme": ("h.invalid", "give the https://"),
        "REST by ftp": ("ftp://h.invalid", "give the https://"),
    },
    "UPSTASH_REDIS_REST_TOKEN": {
        "an empty token": ("", "set it"),
        "a token with its name": (f"Bearer {SECRET}", "remove it"),
        "a URL for a token": (f"https://{SECRET}", "copy"),
    },
    "NEON_FETCH_ENDPOINT": {
        "an endpoint without a host": ("/sql", "give a full URL"),
        "an endpoint by ws": ("wss://h.invalid/sql", "give a full URL"),
    },
    "NEON_WS_PROXY": {
        "a proxy by http": ("http://h.invalid/v2", "give HOST:PORT"),
        "a proxy with a query": (f"h.invalid/v2?x={SECRET}", "give HOST:PORT"),
        "a proxy at port x": ("h.invalid:x/v2", "port"),
    },
}  # fmt: skip
"""For each setting, values of no use to any driver, and what is said of them."""

BESIDE: Mapping[str, Mapping[str, str]] = {
    "NEON_FETCH_ENDPOINT": {"DATABASE_URL": f"{PG}/d"},
    "NEON_WS_PROXY": {"DATABASE_URL": f"{PG}/d"},
    "UPSTASH_REDIS_REST_URL": {"UPSTASH_REDIS_REST_TOKEN": SECRET},
    "UPSTASH_REDIS_REST_TOKEN": {"UPSTASH_REDIS_REST_URL": REST},
}
"""What a setting needs beside it."""

FILES: Mapping[str, tuple[bytes | None, str, str]] = {
    "not there": (None, "--env-file .env", "name a readable file"),
    "binary": (b"DATABASE_URL=\xff\xfe\0\n", ".env:1", "save the file as UTF-8"),
    "in UTF-16": ("DATABASE_URL=x\n".encode("utf-16"), ".env:1", "save the file as UTF-8"),
    "too large": (b"#" * (1 << 20) + b"##", "--env-file .env", "1 MiB"),
    "no assignment": (f"DATABASE_URL {PG}\n".encode(), ".env:1", "NAME=value"),
    "a quote that is never closed": (f'A=1\nDATABASE_URL="{PG}\n'.encode(), ".env:2", "quot"),
    "a name mistyped": (f"DATABSE_URL={PG}/d\n".encode(), ".env:1", "is DATABASE_URL meant?"),
    "a reference": (f"DATABASE_URL={PG}/${{NAME}}\n".encode(), ".env:1", "write the value out"),
    "the second of two": (f"DATABASE_URL={PG}/d\nDATABASE_URL=\n".encode(), ".env:2", "set it"),
    "a wrong value": (f"\nDATABASE_URL={PG}:0/d\n".encode(), ".env:2", "port"),
    "a wrong value of several": (f"POSTGRES_URL={PG}\nUPSTASH_REDIS_URL={REST}\n".encode(), ".env:2", "REST"),
}  # fmt: skip

FLAGS: Mapping[str, str] = {
    "run --deadline 1e999": "--deadline",
    "run --deadline ''": "--deadline",
    "run --deadline 1e12": "--deadline",
    "run --out taken": "--out taken",
    "run --out taken/below": "--out taken/below",
    "run --env-file folder": "--env-file folder",
    "run --env-file": "--env-file",
    "run --target cloud": "--target",
    "run --only ''": "--only",
    "run --redis-server folder": "--redis-server",
    "run --postgres-bindir taken": "--postgres-bindir",
    "run --target env": "--target env",
    "run --node=1": "--node",
    "run --no-experiments --experiments": "--experiments",
    "probe tcp.psycpg": "tcp.psycopg",
    "probe tcp.raw tcp.psycopg": "too many",
    "probe tcp.raw --deadline 0": "--deadline",
    "trace": "give a command behind",
    "trace --format xml -- true": "--format",
    "trace --no-tap --tls -- true": "--tls",
    "trace -o taken/x -- true": "taken/x",
    "trace --pcapng folder -- true": "folder",
    "report --check no-such.md": "no-such.md",
    "report --check folder": "folder",
    "report latest --format yaml": "--format",
    "explain no-such-cause": "no-such-cause",
    "explain --write taken": "taken",
    "diff one": "RUN",
    "diff no-run-1 no-run-2": "no-run-1",
    "matrix": "--with",
    "matrix --with psycopg": "--with",
    "matrix --with psycopg=": "--with",
    "matrix --with psycopg=nonsense!": "--with",
    f"matrix --with {PG}=3": "--with",
    f"matrix --with psycopg={PG}": "--with",
    f"matrix --with psycopg=3.2 --scenario {PG}": "--scenario",
    f"merge {PG}": "RUN",
    f"bisect {PG} --probe tcp.psycopg --good 3.1 --bad 3.2": "PACKAGE",
    f"bisect psycopg --probe {PG} --good 3.1 --bad 3.2": "no probe is called that",
    f"trace {PG}": "give a command",
    f"trace -o {PG} -- true": "give a path",
    f"explain {PG}": "no cause is called that",
    f"diff {PG} latest": "no run",
    f"decide latest --choose {PG}": "no run",
    f"minimise latest --probe {PG}": "no run",
    f"bench --seed {PG}": "--seed",
    f"lab run {PG}": "no scenario",
    "matrix --with psycopg=3.2 --shard 3/2": "--shard",
    "matrix --with psycopg=3.2 --shard x": "--shard",
    "matrix --with psycopg=3.2 --repeat 0": "--repeat",
    "matrix --with psycopg=3.2 --plan gitlab": "--plan",
    "matrix --config no-such.toml": "no-such.toml",
    "matrix --config taken": "taken",
    "matrix --with psycopg=3.2 --scenario nonsense": "nonsense",
    "merge no-such.json": "no-such.json",
    "bisect psycopg --probe nonsense --good 3.1 --bad 3.2": "nonsense",
    "bisect psycopg --good 3.1 --bad 3.2": "--probe",
    "bisect psycopg --probe tcp.psycopg --good 3.2 --bad 3.2": "--bad",
    "minimise": "RUN",
    "minimise no-run": "no-run",
    "decide no-run": "no-run",
    "bench --repeat x": "--repeat",
    "bench --budget tcp.raw=-1": "--budget",
    "lab run": "NAME",
    "lab run nonsense": "nonsense",
    "lab up --redis-server folder": "--redis-server",
    "lab gateway": "DATABASE_URL",
    "lab scenarios --healthy x": "--healthy",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a file and a folder in it, no target, and nothing that may be dialled or started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken").touch()
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("REPRO_DEBUG", raising=False)

    def refused(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something is dialled or started")

    for owner, name in (
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (socket, "getaddrinfo"),
        (subprocess, "Popen"),
        (asyncio, "create_subprocess_exec"),
    ):
        monkeypatch.setattr(owner, name, refused)


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    """The one line by which a command refuses, after a look at all that must be so of any."""
    before = sorted(folder.iterdir())

    code = main(arguments)

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, ""), shown.err
    assert shown.err.startswith("repro: ")
    assert shown.err.count("\n") == 1
    assert SECRET not in shown.err
    assert sorted(folder.iterdir()) == before
    return shown.err


@pytest.mark.parametrize(("variable", "name"), [(each, name) for each in WRONG for name in WRONG[each]])
def test_a_wrong_setting(
    variable: str,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    value, remedy = WRONG[variable][name]
    for setting, beside in {**BESIDE.get(variable, {}), variable: value}.items():
        monkeypatch.setenv(setting, beside)

    told = refusal(["run"], capsys, tmp_path)

    assert told.startswith(f"repro: {variable} (environment): ")
    assert remedy in told


@pytest.mark.parametrize(
    ("variable", "other"),
    [
        ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
        ("UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_REST_URL"),
    ],
)
def test_a_setting_without_its_other_half(
    variable: str,
    other: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(variable, REST if variable.endswith("URL") else SECRET)

    told = refusal(["run"], capsys, tmp_path)

    assert told.startswith(f"repro: {other} is not set, and {variable} is; set both")


@pytest.mark.parametrize("command", ON_TARGET)
def test_every_command_judges_the_target_first(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{PG}:70000/d")

    told = refusal(command.split(), capsys, tmp_path)

    assert told.startswith("repro: DATABASE_URL (environment): ")


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    content, source, remedy = FILES[name]
    if content is not None:
        (tmp_path / ".env").write_bytes(content)

    told = refusal(["run", "--env-file", ".env"], capsys, tmp_path)

    assert source in told
    assert remedy in told


@pytest.mark.parametrize("line", FLAGS)
def test_a_wrong_flag(line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert FLAGS[line] in refusal(shlex.split(line), capsys, tmp_path)


def test_what_is_right_is_not_dialled_while_something_beside_it_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # this time in a process of its own, and at a server that would be dialled
    dialled: list[str] = []

    async def heard(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.append("a connection")
        writer.close()

    with serving(heard) as port:
        url = f"postgresql://u:{SECRET}@127.0.0.1:{port}/d"
        for arguments in (["run"], ["bench"], ["probe", "tcp.raw"]):
            ran = carried_out(tmp_path, {"DATABASE_URL": url, "UPSTASH_REDIS_URL": REST}, *arguments)

            assert (ran.code, ran.output) == (2, "")
            assert ran.errors.startswith("repro: UPSTASH_REDIS_URL (environment): ")
            assert ran.errors.count("\n") == 1
    assert dialled == []
