"""No password and no token in anything that a run writes or prints, in no form."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import pytest
import redis

from repro.document import read_run
from repro.lab.process import Lab

Make = Callable[..., Any]

AWKWARD = "päss w@rd:/%+\"'\\=x y9"
TOKEN = "tok@:/%+\"'\\=awkward9"


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it can stand in a file."""
    raw = secret.encode()
    yield raw
    yield secret.encode("unicode_escape")
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield quote_plus(secret).encode()
    for ensure_ascii in (True, False):
        yield json.dumps(secret, ensure_ascii=ensure_ascii)[1:-1].encode()
    yield repr(secret)[1:-1].encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for padding in (b"", b"u", b"us"):
        encoded = base64.b64encode(padding + raw)
        yield encoded[4:-4] if padding else encoded.rstrip(b"=")[:-1]


def assert_absent(secret: str, folder: Path, *printed: str) -> None:
    written = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any(name.endswith("run.json") for name in written)
    for index, text in enumerate(printed):
        written[f"output {index}"] = text.encode()
    for name, data in written.items():
        for form in forms(secret):
            assert form not in data, f"{form!r} stands in {name}"


@pytest.fixture
def awkward(own_lab: Lab) -> Iterator[dict[str, str]]:
    """The lab's environment with awkward passwords, which really are the servers' own."""
    environment = own_lab.environment
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        literal = AWKWARD.replace("'", "''")
        connection.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{literal}'")
    with redis.Redis.from_url(
        environment["UPSTASH_REDIS_URL"], ssl_ca_certs=environment["SSL_CERT_FILE"]
    ) as client:
        client.acl_setuser("awkward", enabled=True, passwords=[f"+{AWKWARD}"], keys=["*"], commands=["+@all"])
    yield {
        **environment,
        "DATABASE_URL": with_password(environment["DATABASE_URL"]),
        "POSTGRES_URL": with_password(environment["POSTGRES_URL"]),
        "UPSTASH_REDIS_URL": with_password(environment["UPSTASH_REDIS_URL"]).replace("default:", "awkward:"),
    }
    with psycopg.connect(with_password(environment["DATABASE_URL"]), autocommit=True) as connection:
        old = environment["DATABASE_URL"].split(":")[2].split("@")[0]
        connection.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{old}'")


def with_password(url: str, password: str = AWKWARD) -> str:
    scheme, rest = url.split("://")
    user = rest.split(":")[0]
    return f"{scheme}://{user}:{quote(password, safe='')}@{rest.split('@')[1]}"


def test_awkward_passwords_that_are_right(command: Make, tmp_path: Path, awkward: dict[str, str]) -> None:
    run = command(**awkward)
    done = run("run", "--json")
    report = run("report", "latest")

    assert done.returncode == 0, done.stderr
    assert {probe["status"] for probe in json.loads(done.stdout)["probes"]} == {"pass"}
    for secret in (AWKWARD, awkward["UPSTASH_REDIS_REST_TOKEN"]):
        assert_absent(secret, tmp_path, done.stdout, done.stderr, report.stdout)


def test_awkward_passwords_that_are_wrong(command: Make, tmp_path: Path, lab: Lab) -> None:
    environment = dict(lab.environment)
    for name in ("DATABASE_URL", "POSTGRES_URL", "UPSTASH_REDIS_URL"):
        environment[name] = with_password(environment[name])
    environment["UPSTASH_REDIS_REST_TOKEN"] = TOKEN

    done = command(**environment)("run", "--json")

    assert done.returncode == 1, done.stderr
    for probe in read_run(next((tmp_path / "reports").iterdir()))["probes"]:
        assert probe["error"] is not None, probe["name"]
        assert (probe["error"]["failure"], probe["error"]["operation"]) == ("auth_failed", "authenticate")
    for secret in (AWKWARD, TOKEN):
        assert_absent(secret, tmp_path, done.stdout, done.stderr)


def test_one_probe_by_name_says_no_secret(command: Make, lab: Lab) -> None:
    environment = {**lab.environment, "DATABASE_URL": with_password(lab.environment["DATABASE_URL"])}

    for flags in ((), ("--json",)):
        done = command(**environment)("probe", "tcp.asyncpg", *flags)

        assert done.returncode == 1
        for form in forms(AWKWARD):
            assert form not in (done.stdout + done.stderr).encode()
