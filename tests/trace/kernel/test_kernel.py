"""Real programs under the real kernel: every attempt with its result, and the program none the wiser."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from repro.trace.kernel import KernelSource
from repro.trace.kernel.attempts import ABANDONED
from tests.trace.kernel.clients import CLIENTS
from tests.trace.kernel.conftest import Watched, python, watched

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel is not Linux")

CLIENTS_SCRIPT = Path(__file__).with_name("clients.py")

Both = Callable[[Sequence[str]], list[str]]


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port of both families on which nobody listens; it is held, so that nobody else gets it."""
    with ExitStack() as stack:
        four = stack.enter_context(socket.socket())
        four.bind(("127.0.0.1", 0))
        port = four.getsockname()[1]
        if socket.has_ipv6:
            six = stack.enter_context(socket.socket(socket.AF_INET6))
            six.bind(("::1", port))
        yield port


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port whose listener takes nobody more: attempts stay without an answer."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def refused(address: str, port: int) -> tuple[str, str, str]:
    return f"{address}:{port}", "connection_refused", "ECONNREFUSED"


@pytest.mark.parametrize("name", CLIENTS)
def test_localhost_with_nobody_there_shows_both_addresses(
    name: str, nobody: int, both_families: Both
) -> None:
    seen = watched(both_families([sys.executable, str(CLIENTS_SCRIPT), name, str(nobody)]))
    assert seen.code == 0, seen.output
    assert seen.view.source == "seccomp"
    assert set(seen.attempts) == {refused("[::1]", nobody), refused("127.0.0.1", nobody)}


PROGRAMS = {
    "psql": ["-w", "postgresql://u@localhost:{port}/d"],
    "curl": ["-s", "http://localhost:{port}/"],
    "node": ["-e", "require('net').connect({port}, 'localhost').on('error', () => 0)"],
    "bash": ["-c", "exec 3<>/dev/tcp/localhost/{port}"],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_so_do_programs_in_other_languages(program: str, nobody: int, both_families: Both) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    words = [word.replace("{port}", str(nobody)) for word in PROGRAMS[program]]
    seen = watched(both_families([program, *words]))
    assert set(seen.attempts) == {refused("[::1]", nobody), refused("127.0.0.1", nobody)}, seen.output


BLOCKING = "import socket\ns = socket.socket()\ns.settimeout({wait})\n"
DIAL = """
try:
    s.connect(("127.0.0.1", {port}))
    print("connected", s.getpeername()[1])
except {error}:
    print("late")
"""
ALARM = """
import signal
signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
signal.setitimer(signal.ITIMER_REAL, 0.3)
"""
FOREVER = "print('on', flush=True)\nimport socket; socket.create_connection(('127.0.0.1', {port}))"


def test_a_success_shows_the_address_and_the_program_talks_to_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen = watched(python(BLOCKING.format(wait="None") + DIAL.format(port=port, error="OSError")))
        stream, _ = server.accept()
        stream.close()
    assert seen.output == f"connected {port}\n"
    assert seen.attempts == [(f"127.0.0.1:{port}", None, None)]


@pytest.mark.parametrize("wait", ["0.3", "None"])
def test_an_attempt_without_an_answer_is_shown_when_it_is_given_up(wait: str, black_hole: int) -> None:
    """With a timeout Python's socket is non-blocking; without one a signal ends the blocking call."""
    dial = DIAL.format(port=black_hole, error="(TimeoutError, ZeroDivisionError)")
    seen = watched(python((ALARM if wait == "None" else "") + BLOCKING.format(wait=wait) + dial))
    assert seen.output == "late\n"
    assert seen.attempts == [(f"127.0.0.1:{black_hole}", ABANDONED, None)]
    assert 0.25 < seen.connects[0].t - seen.connects[0].t0 < 10


def test_a_blocking_attempt_delays_nobody_s_end(black_hole: int) -> None:
    events = []
    source = KernelSource(lambda process, event: events.append(event))
    code = python(
        f"print('on', flush=True)\nimport socket; socket.create_connection(('127.0.0.1', {black_hole}))"
    )
    with subprocess.Popen(
        source.command(code), pass_fds=source.descriptors, stdout=subprocess.PIPE
    ) as process:
        source.watch()
        assert process.stdout is not None
        process.stdout.readline()
        while not source._supervisor or not source._supervisor._connections._workers:
            assert process.poll() is None
        process.kill()
    begun = time.monotonic()
    source.stop()
    assert time.monotonic() - begun < 5  # the kernel itself would try for two minutes
    assert [event.failure for event in events] == [ABANDONED]


def test_children_threads_and_every_kind_of_socket_are_seen(nobody: int) -> None:
    code = (
        "import socket, subprocess, sys, threading\n"
        "def dial():\n for _ in range(5):\n  socket.socket().connect_ex(('127.0.0.1', PORT))\n"
        "threads = [threading.Thread(target=dial) for _ in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "if len(sys.argv) < 2: subprocess.run([sys.executable, '-c', CODE, 'child'], check=True)\n"
        "socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', PORT))\n"
        "u = socket.socket(socket.AF_UNIX); u.connect_ex('/nowhere')\n"
    ).replace("PORT", str(nobody))
    seen = watched(python(f"CODE = {code!r}\nexec(CODE.replace('CODE', repr(CODE)))"))
    assert seen.code == 0, seen.output
    assert seen.attempts == [refused("127.0.0.1", nobody)] * 40
    assert len({process for process, _ in seen.events}) == 2


def test_a_resolver_s_questions_are_seen_and_its_datagrams_are_no_attempts(tmp_path: Path) -> None:
    """The name is under .invalid; whether anybody answers on this machine does not matter."""
    seen = watched(python("import socket\ntry: socket.getaddrinfo('host.invalid', 1)\nexcept OSError: pass"))
    names = {event.fields["dns.name"] for _, event in seen.events if event.op == "dns.query"}
    if not names:
        pytest.skip("this machine's resolver sends no such datagrams")
    assert any(name.startswith("host.invalid") for name in names)
    assert seen.connects == []


def test_the_exit_code_and_a_signal_are_the_program_s_own() -> None:
    assert watched(python("import sys; sys.exit(7)")).code == 7
    assert watched(python("import os; os.kill(os.getpid(), 15)")).code == -signal.SIGTERM
    assert watched(["/nowhere/at/all"]).code == 127


def test_a_filter_that_is_there_already_is_said_and_strace_takes_over(nobody: int, tmp_path: Path) -> None:
    inner = tmp_path / "inner.py"
    inner.write_text(
        "import sys\n"
        "from tests.trace.kernel.conftest import python, watched\n"
        f"seen = watched(python('import socket; socket.socket().connect_ex((\"127.0.0.1\", {nobody}))'))\n"
        "print(seen.code, seen.view.source, seen.view.reason, seen.attempts)\n"
    )
    outer: Watched = watched(["env", f"PYTHONPATH={Path.cwd()}", sys.executable, str(inner)])
    source = "strace" if shutil.which("strace") else "None"
    expected = [refused("127.0.0.1", nobody)] if source == "strace" else []
    assert outer.output.strip() == f"0 {source} another tracer's filter is in place already {expected}"


def test_the_program_does_not_outlive_a_tracer_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "tracer.py"
    script.write_text(
        "import subprocess, sys\n"
        "from repro.trace.kernel import KernelSource\n"
        "source = KernelSource(print)\n"
        "process = subprocess.Popen(source.command(['sleep', '600']), pass_fds=source.descriptors)\n"
        "source.watch(); source.view()\n"
        "print(process.pid, flush=True)\n"
        "process.wait()\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as tracer:
        assert tracer.stdout is not None
        pid = int(tracer.stdout.readline())
        handle = os.pidfd_open(pid)
        tracer.kill()
        assert _ended(handle)


def _ended(handle: int) -> bool:
    ready, _, _ = select.select([handle], [], [], 20)
    os.close(handle)
    return bool(ready)


def test_a_program_that_writes_without_asking_is_seen_as_connected() -> None:
    """Some wait for the socket to become writable and never ask for SO_ERROR."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            "import select, socket\ns = socket.socket(); s.setblocking(False)\n"
            f"s.connect_ex(('127.0.0.1', {port}))\nselect.select([], [s], [])\ns.send(b'x')\n"
            "s.setblocking(True)\ns.recv(1)\n"
        )

        def serve() -> None:
            stream, _ = server.accept()
            stream.recv(1)
            time.sleep(0.2)  # the supervisor looks at it meanwhile, as the program never tells
            stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        seen = watched(python(code))
        thread.join()
    assert seen.attempts == [(f"127.0.0.1:{port}", None, None)]


def test_a_signal_ends_the_wait_and_not_the_attempt(black_hole: int) -> None:
    """The handler returns: Python calls ``connect`` again, and waits for the attempt that was made."""
    code = (
        "import os, signal, socket, threading, time\n"
        "count = []\nsignal.signal(signal.SIGALRM, lambda *_: count.append(1))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)\n"
        "def leave():\n time.sleep(0.6); os.write(1, b'%d' % (len(count) > 3)); os._exit(0)\n"
        "threading.Thread(target=leave).start()\n"
        f"socket.socket().connect(('127.0.0.1', {black_hole}))\n"
    )
    seen = watched(python(code))
    assert seen.output == "1"
    assert seen.attempts == [(f"127.0.0.1:{black_hole}", ABANDONED, None)]


def test_a_call_that_cannot_succeed_harms_no_later_one(nobody: int) -> None:
    code = (
        "import ctypes, os, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "s = socket.socket()\n"
        "libc.connect(s.fileno(), ctypes.c_void_p(-1), 16); print(ctypes.get_errno())\n"
        f"a = b'\\2\\0' + ({nobody}).to_bytes(2, 'big') + b'\\x7f\\0\\0\\1' + bytes(8)\n"
        "r, w = os.pipe(); libc.connect(w, a, 16); print(ctypes.get_errno())\n"
        "os.close(w); print(os.read(r, 1))\n"
        f"print(s.connect_ex(('127.0.0.1', {nobody})))\n"
    )
    seen = watched(python(code))
    assert seen.output.split() == ["14", "88", "b''", "111"]
    assert seen.attempts == [refused("127.0.0.1", nobody)]


def test_a_connect_that_is_called_again_is_one_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            "import errno, socket\ns = socket.socket(); s.setblocking(False)\n"
            f"while s.connect_ex(('127.0.0.1', {port})) not in (0, errno.EISCONN): pass\n"
        )
        seen = watched(python(code))
        server.accept()[0].close()
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert seen.attempts == [(f"127.0.0.1:{port}", None, None)]


def test_what_a_program_leaves_behind_goes_on_when_the_tracer_is_killed(tmp_path: Path, nobody: int) -> None:
    """A grandchild, which nobody ends: without a keeper its connects would fail with ENOSYS."""
    told, go = tmp_path / "told", tmp_path / "go"
    os.mkfifo(go)
    late = (
        f"import socket; open({str(go)!r}).read()\n"
        f"result = socket.socket().connect_ex(('127.0.0.1', {nobody}))\n"
        f"open({str(told)!r}, 'w').write(str(result))"
    )
    script = tmp_path / "tracer.py"
    script.write_text(
        "import subprocess, sys\n"
        "from repro.trace.kernel import KernelSource\n"
        "source = KernelSource(print)\n"
        f"late = {late!r}\n"
        "inner = 'import subprocess, sys, time;'\n"
        "inner += 'p = subprocess.Popen([sys.executable, \"-c\", sys.argv[1]]);'\n"
        "inner += 'print(p.pid, flush=True); time.sleep(600)'\n"
        "command = source.command([sys.executable, '-c', inner, late])\n"
        "process = subprocess.Popen(command, pass_fds=source.descriptors)\n"
        "source.watch(); process.wait()\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as tracer:
        assert tracer.stdout is not None
        handle = os.pidfd_open(int(tracer.stdout.readline()))
        tracer.kill()
    go.write_text("go")
    assert _ended(handle)
    assert told.read_text() == "111"
