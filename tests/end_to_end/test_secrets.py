"""No password and no token in anything that a run writes or prints, in no form."""

from __future__ import annotations

import base64
import http.server
import json
import threading
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
        yield base64.b64encode(padding + raw)[4:-4]  # without what its neighbours decide


def said_back(secret: str) -> Iterator[str]:
    """A secret as a server can say it back."""
    yield from (secret, repr(secret), json.dumps(secret), quote(secret, safe=""), quote_plus(secret))
    yield secret.encode().hex()
    yield from (base64.b64encode((user + secret).encode()).decode() for user in ("", "u:", "us:", "usr:"))


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


def test_a_driver_that_prints_its_connection_string(command: Make, tmp_path: Path, lab: Lab) -> None:
    crossed = with_password(lab.environment["DATABASE_URL"]).replace("postgresql://", "postgresql+asyncpg://")

    done = command(DATABASE_URL=crossed)("run", "--only", "tcp.psycopg", "--json")

    (probe,) = json.loads(done.stdout)["probes"]
    assert "[redacted:" in probe["error"]["message"], "it no longer prints it: find another driver for this"
    assert_absent(AWKWARD, tmp_path, done.stdout, done.stderr)


class Parrot(http.server.BaseHTTPRequestHandler):
    """A REST server that says the token back, in every form it can stand in."""

    def do_POST(self) -> None:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        body = json.dumps({"error": "ERR you said " + " and ".join(said_back(token))}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def parrot() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Parrot) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_server_that_says_the_token_back(command: Make, tmp_path: Path, parrot: str) -> None:
    run = command(UPSTASH_REDIS_REST_URL=parrot, UPSTASH_REDIS_REST_TOKEN=TOKEN)

    done = run("run", "--only", "push.upstash-rest", "--json")
    live = run("probe", "push.upstash-rest")

    (probe,) = json.loads(done.stdout)["probes"]
    assert "you said [redacted:" in probe["error"]["message"]
    assert_absent(TOKEN, tmp_path, done.stdout, done.stderr, live.stdout, live.stderr)


def test_one_probe_by_name_says_no_secret(command: Make, lab: Lab) -> None:
    environment = {**lab.environment, "DATABASE_URL": with_password(lab.environment["DATABASE_URL"])}

    for flags in ((), ("--json",)):
        done = command(**environment)("probe", "tcp.asyncpg", *flags)

        assert done.returncode == 1
        for form in forms(AWKWARD):
            assert form not in (done.stdout + done.stderr).encode()
