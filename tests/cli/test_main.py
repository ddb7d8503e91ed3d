"""The whole command line as somebody types it: help, examples, and everything that can be typed wrong."""

from __future__ import annotations

import argparse
import itertools
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from repro.cli import main, parse
from repro.cli.errors import UsageError
from repro.cli.parser import build
from repro.observe.catalog import NAMES

SECRET = "s3cret-passw0rd"
URL = f"postgresql://u:{SECRET}@localhost:1/d"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and an environment without a target."""
    monkeypatch.chdir(tmp_path)
    for name in [
        name for name in os.environ if name.startswith(("UPSTASH_", "NEON_", "POSTGRES_", "DATABASE_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("REPRO_DEBUG", raising=False)


@pytest.mark.parametrize(
    ("argv", "environ", "words"),
    [
        (["rnu"], {}, "; did you mean run?; see `repro --help`"),
        (["zzz"], {}, "no such choice (choose from "),
        (["run", "--comit"], {}, "unknown option --comit; did you mean --commit?; see `repro run --help`"),
        (["run", "--zzzzz=x"], {}, "unknown option --zzzzz; see `repro run --help`"),
        (["lab", "up", "extra"], {}, "too many arguments; see `repro lab up --help`"),
        ([URL], {}, "no such choice"),
        (["run", URL], {}, "put it into DATABASE_URL"),
        (["run", "--database", URL], {}, "unknown option --database"),
        (["run", f"--database={URL}"], {}, "unknown option --database"),
        (["run", f"-p{SECRET}"], {}, "unknown option -p"),
        (["run", "--js"], {}, "unknown option --js"),
        (["run", "--target", URL], {}, "no such choice"),
        (["run", "--env-file", URL], {}, "give a path"),
        (["run", "--env-file"], {}, "expected one argument"),
        (["run", "--env-file", "no-such.env"], {}, "--env-file no-such.env: cannot be read"),
        (["run", "--only", "tcp.psycpg"], {}, "did you mean tcp.psycopg?"),
        (["run", "--only", "nodes.*"], {}, NAMES[-1]),
        (["run", "--only", "node.*"], {}, "names Node probes; add --node"),
        (["run", "--only", URL], {}, "no probe is called that"),
        (["run", "--only", "tcp.raw,,nonsense"], {}, "no probe is called nonsense"),
        (["run", "--only", " , "], {}, "names no probe"),
        (["run", "--deadline", "0"], {}, "a number of seconds above zero"),
        (["run", "--deadline", "-1"], {}, "--deadline"),
        (["run", "--deadline", "soon"], {}, "a number of seconds above zero"),
        (["run", "--deadline", "nan"], {}, "a number of seconds above zero"),
        (["run", "--deadline", "inf"], {}, "a number of seconds above zero"),
        (["run", "--target", "env"], {}, "no DATABASE_URL, POSTGRES_URL"),
        (["run"], {"DATABASE_URL": ""}, "DATABASE_URL (environment): "),
        (["run"], {"DATABASE_URL": "undefined"}, "[cfg-url-missing]"),
        (["run"], {"DATABASE_URL": "redis://h.test"}, "give postgresql://USER:PASSWORD@HOST:PORT/NAME"),
        (["run"], {"DATABASE_URL": f"https://u:{SECRET}@h.test"}, "[config-wrong-kind]"),
        (["run"], {"POSTGRES_URL": f"postgresql://u:{SECRET}#@h.test/d"}, "percent-encode"),
        (["run"], {"UPSTASH_REDIS_URL": f"https://:{SECRET}@h.test"}, "[redis-rest-url]"),
        (["run", "--postgres-bindir", "/"], {"DATABASE_URL": URL}, "is for the lab"),
        (["run", "--postgres-bindir", "nowhere"], {}, "nowhere/postgres is no program"),
        (["run", "--redis-server", "/"], {}, "--redis-server: / is no program"),
        (["run", "--out", os.devnull], {}, f"--out {os.devnull}: cannot be written to"),
        (["run", "--out", f"{os.devnull}/x"], {}, f"--out {os.devnull}/x: cannot be written to"),
        (["probe"], {}, "required: NAME"),
        (["probe", "tcp.*"], {}, "no probe is called tcp.*"),
        (["probe", URL], {}, "no probe is called that"),
        (["probe", "ws.neon"], {"DATABASE_URL": "null"}, "[cfg-url-missing]"),
        (["report"], {}, "name a RUN"),
        (["report", "latest"], {}, "no run in reports yet"),
        (["report", "20200101-nonsense"], {}, "no run '20200101-nonsense'"),
        (["report", URL], {}, "no run"),
        (["report", "latest", "--output", URL], {}, "give a path"),
        (["report", "latest", "--format", "pdf"], {}, "no such choice"),
        (["bench", "--only", "tcp.oracle"], {}, "no probe is called tcp.oracle"),
        (["bench", "--only", "node.pg"], {}, "cross a pipe to Node"),
        (["bench", "--budget", "tcp.asyncpg"], {}, "give NAME=LIMIT"),
        (["bench", "--budget", f"{URL}=x"], {}, "give NAME=LIMIT"),
        (["bench", "--budget", "tcp.oracle=2"], {}, "names no probe that is measured"),
        (["bench", "--budget", "tcp.raw=2"], {}, "give it a time"),
        (["bench", "--repeat", "0"], {}, "must be a number from 1 to 1000"),
        (["bench", "--seed", "-1"], {}, "must be a whole number"),
        (["bench"], {"DATABASE_URL": "undefined"}, "DATABASE_URL"),
        (["lab"], {}, "name a command"),
        (["lab", "down"], {}, "no such choice"),
        (["lab", "up", "--redis-server", "nowhere"], {}, "nowhere is no program"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    argv: list[str],
    environ: dict[str, str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    code = main(argv)

    shown = capsys.readouterr()
    assert code == 2
    assert shown.out == ""
    assert shown.err.startswith("repro: ")
    assert words in shown.err
    assert shown.err.count("\n") == 1
    assert SECRET not in shown.err
    assert not list(Path.cwd().iterdir())


def parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """A parser and those of its commands, without end."""
    actions = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return [
        parser,
        *(each for action in actions for below in action.choices.values() for each in parsers(below)),
    ]


ALL = {parser.prog: parser for parser in parsers(build())}


@pytest.mark.parametrize("prog", ALL)
def test_every_command_has_help_with_examples_that_can_be_parsed(prog: str) -> None:
    epilog = ALL[prog].epilog
    assert epilog is not None
    head, *lines = epilog.split("\n\n")[0].splitlines()

    examples = [line.strip().partition("  ")[0] for line in lines if not line.startswith("   ")]

    assert head == "examples:"
    assert examples
    for example in examples:
        typed = shlex.split(example.partition(";")[0].partition(">")[0])
        words = list(itertools.dropwhile(lambda word: "=" in word, typed))  # what is set for the command
        if words[0] == "repro":
            assert callable(parse(words[1:]).execute)


@pytest.mark.parametrize("prog", ALL)
def test_help_reads_well_and_is_ascii(prog: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    text = ALL[prog].format_help()

    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80


def test_help_lists_the_commands_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])

    assert left.value.code == 0
    commands = {
        "run",
        "probe",
        "decide",
        "diff",
        "trace",
        "report",
        "explain",
        "lab",
        "lab up",
        "lab run",
        "lab scenarios",
        "lab gateway",
        "bench",
        "matrix",
        "bisect",
        "merge",
        "minimise",
    }
    assert set(ALL) == {"repro", *(f"repro {name}" for name in commands)}
    assert "run the probes on the target" in capsys.readouterr().out


def test_nothing_asked_is_answered_with_help_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert "examples:" in shown.err


def test_an_option_is_not_abbreviated() -> None:
    with pytest.raises(UsageError):
        parse(["run", "--dead", "3"])


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from repro.cli.parser import build; build().format_help();"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    heavy = {
        "rich",
        "jsonschema",
        "asyncio",
        "psycopg",
        "asyncpg",
        "httpx",
        "redis",
        "sqlalchemy",
        "websockets",
    }
    assert heavy.isdisjoint(loaded)
    assert {"dataclasses", "subprocess", "json", "ssl"}.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("argv", "loaded"),
    [
        ([], set()),
        (["--help"], set()),
        (["diff", "run", "probe"], {"diff"}),
        (["--help", "lab"], {"lab"}),
        (["rnu"], set()),
    ],
)
def test_only_the_command_that_was_named_is_loaded(argv: list[str], loaded: set[str]) -> None:
    script = (
        "import sys; from repro.cli.parser import COMMANDS, build; build(sys.argv[1:]).format_help();"
        "print(*(name for name in COMMANDS if f'repro.cli.{name}' in sys.modules), 'typing' in sys.modules)"
    )

    *commands, typing = subprocess.run(
        [sys.executable, "-c", script, *argv], capture_output=True, text=True, check=True
    ).stdout.split()

    assert set(commands) == loaded
    assert typing == "False"


@pytest.mark.parametrize("columns", ["40", "200", "0", "wide", None])
def test_help_is_the_same_whichever_command_is_loaded_and_as_wide_as_argparse_has_it(
    columns: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    whole = build()

    text = whole.format_help()

    assert text == build(()).format_help() == build(("lab",)).format_help()
    whole.formatter_class = argparse.RawDescriptionHelpFormatter
    assert text == whole.format_help()


def test_a_reader_that_leaves_is_no_error() -> None:
    command = [sys.executable, "-m", "repro", "--version"]
    reader, writer = os.pipe()
    os.close(reader)

    left = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)

    assert (left.returncode, left.stderr) == (0, b"")
