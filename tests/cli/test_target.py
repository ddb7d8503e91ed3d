"""Which target is meant, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.cli import target
from repro.cli.errors import UsageError
from repro.observe.process import SETTINGS

URL = "postgresql://u:s3cret-passw0rd@localhost:5432/d"


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(".env")


def test_the_settings_are_those_that_no_probe_inherits() -> None:
    assert set(target.SETTINGS) == SETTINGS


def test_the_lab_is_the_target_when_nothing_is_set() -> None:
    found = target.resolve({"HOME": "/root", "NEON_WS_PROXY": "localhost:1/v2"})

    assert found.kind == "lab"
    assert found.variables == {}
    assert found.notes == (
        "no DATABASE_URL, POSTGRES_URL or UPSTASH_REDIS_* is set",
        "ignored: NEON_WS_PROXY in the environment",
    )


@pytest.mark.parametrize("name", ["DATABASE_URL", "POSTGRES_URL"])
def test_one_setting_makes_a_target(name: str) -> None:
    found = target.resolve({name: URL, "PATH": "/bin"})

    assert found == target.Target("env", {name: URL}, {name: "environment"})
    assert found.sentence() == f"{name} in the environment"


def test_the_environment_goes_before_the_file(env_file: Path) -> None:
    env_file.write_text(
        f"# mine\nDATABASE_URL={URL}x\nexport POSTGRES_URL='{URL}'\nSTRIPE_KEY=sk\nPGSSLMODE=require\n"
    )

    found = target.resolve({"DATABASE_URL": URL}, env_file=env_file)

    assert found.variables == {"DATABASE_URL": URL, "POSTGRES_URL": URL, "PGSSLMODE": "require"}
    assert found.sources == {
        "DATABASE_URL": "DATABASE_URL in the environment",
        "POSTGRES_URL": "POSTGRES_URL at .env:3",
        "PGSSLMODE": "PGSSLMODE at .env:5",
    }
    assert found.notes == ("DATABASE_URL at .env:2 is overridden by the environment",)
    assert found.sentence() == "DATABASE_URL in the environment"


def test_a_remedy_that_names_what_the_environment_overrides_says_so_first(env_file: Path) -> None:
    env_file.write_text(f"DATABASE_URL={URL}\nSSL_CERT_FILE=/lab/ca.pem\nPGHOST=a.test\n")
    environ = {"SSL_CERT_FILE": "/etc/ssl/cert.pem", "PGHOST": "b.test"}
    found = target.resolve(environ, env_file=env_file)
    fix = ["Trust the authority: SSL_CERT_FILE for Python.", "Or set PGHOSTADDR."]

    first, *rest = found.with_what_is_overridden(fix)

    assert first.startswith("SSL_CERT_FILE of the environment goes before the one at .env:2: unset it")
    assert rest == fix
    assert found.with_what_is_overridden(["Wait."]) == ["Wait."]


def test_a_target_of_many_settings_is_told_in_one_line(env_file: Path) -> None:
    env_file.write_text(
        f"DATABASE_URL={URL}\nPOSTGRES_URL_NON_POOLING={URL}\nUPSTASH_REDIS_URL=redis://:p@h.test\n"
        "UPSTASH_REDIS_REST_URL=https://h.test\nUPSTASH_REDIS_REST_TOKEN=t\n"
    )

    found = target.resolve({"NEON_WS_PROXY": "h.test/v2"}, env_file=env_file)

    assert found.sentence() == (
        "NEON_WS_PROXY in the environment; DATABASE_URL, UPSTASH_REDIS_URL, UPSTASH_REDIS_REST_URL in .env"
    )


@pytest.mark.parametrize(
    "name",
    [
        "PGSSLMODE",
        "PGPASSWORD",
        "HTTPS_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
        "ALL_PROXY",
    ],
)
def test_what_drivers_read_by_themselves_is_passed_on(name: str, env_file: Path) -> None:
    env_file.write_text(f"{name}=x\n")

    assert target.resolve({}, env_file=env_file).variables == {name: "x"}


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "PATH", "LD_PRELOAD", "PYTHONPATH", "NODE_OPTIONS"])
def test_nothing_else_of_a_file_is_passed_on(name: str, env_file: Path) -> None:
    env_file.write_text(f"{name}=x\n")

    assert target.resolve({}, env_file=env_file).variables == {}


def test_a_flag_goes_before_the_environment_and_says_what_it_ignores(env_file: Path) -> None:
    env_file.write_text("UPSTASH_REDIS_URL=undefined\n")

    found = target.resolve({"DATABASE_URL": ""}, wanted="lab", env_file=env_file)

    assert (found.kind, found.variables) == ("lab", {})
    assert found.notes == ("ignored: DATABASE_URL in the environment, UPSTASH_REDIS_URL at .env:1",)


def test_a_host_of_the_environment_completes_a_url() -> None:
    assert target.resolve({"DATABASE_URL": "postgresql:///d", "PGHOST": "localhost"}).kind == "env"


@pytest.mark.parametrize(
    ("environ", "content", "begins", "ends"),
    [
        ({"DATABASE_URL": ""}, "", "DATABASE_URL (environment): ", "[cfg-url-missing]"),
        ({"DATABASE_URL": "  "}, "", "DATABASE_URL (environment): ", "[cfg-url-missing]"),
        ({"POSTGRES_URL": "undefined"}, "", "POSTGRES_URL (environment): ", "[cfg-url-missing]"),
        ({}, "\nDATABASE_URL=null", "DATABASE_URL (.env:2): ", "[cfg-url-missing]"),
        ({"DATABASE_URL": "s3cret-nothing"}, "", "DATABASE_URL (environment): ", "]"),
        ({"DATABASE_URL": "mysql://u:s3cret@h/d"}, "", "DATABASE_URL (environment): ", "]"),
        ({"DATABASE_URL": "https://u:s3cret@h/d"}, "", "DATABASE_URL (environment): ", "[config-wrong-kind]"),
        ({"DATABASE_URL": "postgresql://u:s3cret/@h/d"}, "", "DATABASE_URL (environment): ", "]"),
        ({"DATABASE_URL": "postgresql://u:s3cret@h:99999/d"}, "", "DATABASE_URL (environment): ", "]"),
        ({"DATABASE_URL": "postgresql:///s3cret"}, "", "DATABASE_URL (environment): ", "]"),
        ({"UPSTASH_REDIS_URL": "https://s3cret.test"}, "", "UPSTASH_REDIS_URL (env", "[redis-rest-url]"),
        (
            {"UPSTASH_REDIS_REST_URL": "rediss://:s3cret@h:1", "UPSTASH_REDIS_REST_TOKEN": "s3cret"},
            "",
            "UPSTASH_REDIS_REST_URL (environment): ",
            "[up-redis-url-in-rest]",
        ),
        ({"UPSTASH_REDIS_REST_URL": "https://h.test"}, "", "UPSTASH_REDIS_REST_TOKEN is not set, and ", "]"),
        (
            {},
            "DATABASE_URL=postgresql://${U}:s3cret@h/d",
            "DATABASE_URL (.env:1): refers to another",
            "stands",
        ),
        ({}, "DATABASE_URL='s3cret", ".env:1: opens a '", "sign"),
        ({}, "s3cret", ".env:1: is no NAME=value line", "#"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_with_its_place_and_never_itself(
    environ: dict[str, str], content: str, begins: str, ends: str, env_file: Path
) -> None:
    env_file.write_text(content)

    with pytest.raises(UsageError) as caught:
        target.resolve(environ, env_file=env_file)

    line = str(caught.value)
    assert line.startswith(begins)
    assert line.endswith(ends)
    assert "s3cret" not in line
    assert "\n" not in line


def test_a_reference_in_single_quotes_is_meant_as_it_stands(env_file: Path) -> None:
    env_file.write_text("DATABASE_URL='postgresql://u:${x}@h/d'")

    assert target.resolve({}, env_file=env_file).variables["DATABASE_URL"] == "postgresql://u:${x}@h/d"


def test_a_target_that_is_wanted_must_be_there(env_file: Path) -> None:
    env_file.write_text("PGHOST=h\n")

    with pytest.raises(
        UsageError, match=r"--target env: no DATABASE_URL.*or in \.env; .*\[cfg-url-missing\]"
    ):
        target.resolve({}, wanted="env", env_file=env_file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"A=1\nB=\xff\xfe", r"\.env:2: is not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(content: bytes | None, words: str, env_file: Path) -> None:
    if content is not None:
        env_file.write_bytes(content)

    with pytest.raises(UsageError, match=words):
        target.resolve({}, env_file=env_file)


def test_a_folder_is_no_environment_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        target.resolve({}, env_file=tmp_path)


def test_a_file_that_misspells_its_only_setting_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.env"
    file.write_text("OTHER=1\nDATABSE_URL=postgresql://u:hunter22@db.invalid/x\n")

    with pytest.raises(UsageError) as refused:
        target.resolve({}, env_file=file)

    assert f"DATABSE_URL ({file}:2)" in str(refused.value)
    assert "is DATABASE_URL meant?" in str(refused.value)
    assert "hunter22" not in str(refused.value)
    assert target.resolve({}, wanted="lab", env_file=file).kind == "lab"
