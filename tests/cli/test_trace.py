"""`repro trace -- COMMAND`: events on standard error; output and exit code are the program's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.cli import main
from repro.document import validate_event
from repro.lab.process import Lab

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel is not Linux")


def repro_trace(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "repro", "trace", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
    )


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def nobody() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def refusing(port: int) -> list[str]:
    return python(f"import socket; print(socket.socket().connect_ex(('127.0.0.1', {port}))); exit(3)")


def test_events_go_to_standard_error_and_all_else_is_the_program_s(nobody: int) -> None:
    done = repro_trace("--", *refusing(nobody))
    assert (done.stdout, done.returncode) == ("111\n", 3)
    first, *_, last = done.stderr.splitlines()
    assert f"connect 127.0.0.1:{nobody}" in first
    assert "ECONNREFUSED" in first
    assert last == "trace   exit code 3; 1 connect, 1 failed, 1 event"


def test_the_two_dashes_may_be_left_out_and_options_of_the_program_are_its_own(nobody: int) -> None:
    done = repro_trace("--no-tap", sys.executable, "-c", "print('--tls')")
    assert (done.stdout, done.returncode) == ("--tls\n", 0)
    assert done.stderr == "trace   exit code 0; no connects, 0 events\n"


def test_lines_of_json_hold_to_the_published_schema(nobody: int, tmp_path: Path) -> None:
    out = tmp_path / "trace.jsonl"
    done = repro_trace("--format", "json", "-o", str(out), "--", *refusing(nobody))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for line in lines:
        validate_event(line)
    assert [line["op"] for line in lines] == ["visibility", "connect"]
    assert lines[0]["kernel"] == "seccomp"
    assert json.loads(done.stderr.splitlines()[0]) == lines[1]


def test_as_node_says_it(nobody: int) -> None:
    done = repro_trace("--format", "node", "--", *refusing(nobody))
    assert f"connect: attempting to connect to 127.0.0.1:{nobody} (addressType: 4)" in done.stderr


def test_messages_of_a_database_without_a_value_anywhere(lab: Lab, tmp_path: Path) -> None:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    files = {name: tmp_path / f"trace.{name}" for name in ("jsonl", "pcapng", "otel", "ooni")}
    url = lab.environment["DATABASE_URL"]
    done = repro_trace(
        *("--tls", "-o", str(files["jsonl"]), "--pcapng", str(files["pcapng"])),
        *("--otel", str(files["otel"]), "--ooni", str(files["ooni"])),
        *("--", "psql", "-X", "-At", "-c", "SELECT 'planted secret'", url),
        SSL_CERT_FILE=lab.environment["SSL_CERT_FILE"],
        DATABASE_URL=url,
    )
    assert done.stdout == "planted secret\n", done.stderr
    assert "-> Query SELECT ?" in done.stderr
    assert "CommandComplete" in done.stderr
    everything = done.stderr.encode() + b"".join(path.read_bytes() for path in files.values())
    for secret in (b"planted", url.split(":")[2].split("@")[0].encode()):
        assert secret not in everything
    assert files["pcapng"].read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert '"network.peer.address": "127.0.0.1"' in files["otel"].read_text()
    assert json.loads(files["ooni"].read_text())["tcp_connect"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "give a command behind `--`"),
        (["-o", "/nowhere/t.jsonl", "--", "true"], "there is no folder /nowhere"),
        (["-o", "/tmp", "--", "true"], "is a folder; give a file"),
        (["--tls", "--no-tap", "--", "true"], "not allowed with argument"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_nothing_is_started(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", *words]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.err.count("\n") == 1


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    assert repro_trace("--", "/nowhere/at/all").returncode == 127


WAITS = """
import signal, sys, time
got = []
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
signal.signal(signal.SIGINT, lambda *_: got.append(1))
print('on', flush=True)
while not got:
    time.sleep(0.01)  # a signal.pause() might begin when the signal has come
sys.exit(7 + len(got))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 9), (signal.SIGINT, 8), (signal.SIGHUP, 7)])
def test_a_signal_to_the_tracer_alone_is_the_program_s(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    out = tmp_path / "trace.jsonl"
    with subprocess.Popen(
        [sys.executable, "-m", "repro", "trace", "-o", str(out), "--", *python(WAITS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(number)
        process.wait(30)
    assert process.returncode == code
    assert out.exists()


def test_ctrl_c_in_a_terminal_reaches_the_program() -> None:
    """It goes to the whole group; that it is not handed on too, is held in test_asked."""
    code = WAITS.replace("sys.exit(7 + len", "time.sleep(1)  # for a second one\nsys.exit(7 + len")
    terminal, inside = os.openpty()
    take_it = "import fcntl, os, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    take_it += "os.execv(sys.argv[1], sys.argv[1:])"
    traced = [sys.executable, "-m", "repro", "trace", "--", *python(code)]
    with subprocess.Popen(
        [*python(take_it), *traced], stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    ) as process:
        os.close(inside)
        said = b""
        while b"on\r\n" not in said:
            said += os.read(terminal, 1024)
        os.write(terminal, b"\x03")
        process.wait(30)
    os.close(terminal)
    assert process.returncode == 8


def test_what_is_left_behind_holds_the_end_up_no_longer_than_its_grace(tmp_path: Path) -> None:
    left = tmp_path / "pid"
    script = f"sleep 60 >/dev/null 2>&1 & echo $! > '{left}'; echo on; wait"
    with subprocess.Popen(
        [sys.executable, "-m", "repro", "trace", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert process.returncode == 128 + signal.SIGTERM
    os.kill(int(left.read_text()), signal.SIGKILL)  # it was there: nobody but its parent was asked


def test_what_the_program_leaves_running_is_waited_for(nobody: int) -> None:
    """Its connects would fail without us: as strace does, the trace goes on until the last has ended."""
    child = f"import socket; socket.socket().connect_ex(('127.0.0.1', {nobody}))"
    begun = time.monotonic()
    done = repro_trace(
        "--", "sh", "-c", f'(sleep 0.3; exec "{sys.executable}" -c "{child}") >/dev/null 2>&1 & exit 0'
    )
    assert done.returncode == 0
    assert time.monotonic() - begun >= 0.3
    assert f"connect 127.0.0.1:{nobody}" in done.stderr
