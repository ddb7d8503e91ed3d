from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from repro.lab.account import Account, popen_arguments, reachable_by_others, unprivileged_account
from repro.lab.postgres_binaries import find_postgres
from repro.lab.process import Lab, LabError

SOURCE = Path(__file__).parents[2]
PACKAGES = [Path(path) for path in sys.path if path.endswith("site-packages")]
PLANTED = "planted-by-the-user-0123456789"

PARENT = """
import json, sys
from repro.lab.process import Lab
with Lab.launch() as lab:
    lab.wait_ready(60)
    state = {"pids": lab.pids, "folders": [str(f) for f in lab.folders], "environment": lab.environment,
             "read_only_token": lab.read_only_token, "servers": lab.servers}
    if "connect" in sys.argv:
        import psycopg
        psycopg.connect(lab.environment["DATABASE_URL"]).close()
    print(json.dumps(state), flush=True)
    sys.stdin.read()
"""

Eventually = Callable[[Callable[[], bool]], bool]
IsRunning = Callable[[int], bool]


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds a lab until its standard input ends."""
    environment = os.environ | {
        "PYTHONPATH": str(SOURCE),
        "DATABASE_URL": f"postgresql://u:{PLANTED}@db.invalid/d",
    }
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        yield process
        process.kill()


def has_ipv6_loopback() -> bool:
    with socket.socket(socket.AF_INET6) as trial:
        try:
            trial.bind(("::1", 0))
        except OSError:
            return False
    return True


def state_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    state = json.loads(process.stdout.readline())
    assert isinstance(state, dict)
    return state


def gone(state: dict[str, Any], is_running: IsRunning) -> bool:
    return not any(map(is_running, state["pids"])) and not any(
        Path(folder).exists() for folder in state["folders"]
    )


def test_the_environment_is_the_contract(lab: Lab) -> None:
    environment = lab.environment
    assert set(environment) == {
        "DATABASE_URL",
        "POSTGRES_URL",
        "POSTGRES_URL_NON_POOLING",
        "NEON_FETCH_ENDPOINT",
        "NEON_WS_PROXY",
        "UPSTASH_REDIS_URL",
        "UPSTASH_REDIS_REST_URL",
        "UPSTASH_REDIS_REST_TOKEN",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
    }
    ports = {server["name"]: server["port"] for server in lab.servers}
    assert (
        environment["DATABASE_URL"] == environment["POSTGRES_URL"] == environment["POSTGRES_URL_NON_POOLING"]
    )
    assert environment["NEON_FETCH_ENDPOINT"] == f"https://localhost:{ports['neon']}/sql"
    assert environment["NEON_WS_PROXY"] == f"localhost:{ports['neon']}/v2"
    assert environment["UPSTASH_REDIS_REST_URL"] == f"https://localhost:{ports['upstash']}"
    assert urlsplit(environment["UPSTASH_REDIS_URL"]).port == ports["valkey"]
    assert Path(environment["SSL_CERT_FILE"]).read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_every_server_is_described(lab: Lab, is_running: IsRunning) -> None:
    assert [server["name"] for server in lab.servers] == ["postgres", "valkey", "neon", "upstash"]
    assert [server["tls"] for server in lab.servers[1:]] == ["front", "own", "own"]
    assert all(server["version"] for server in lab.servers)
    assert all(map(is_running, lab.pids))


def test_nothing_is_left_after_stop(is_running: IsRunning) -> None:
    lab = Lab.launch()
    lab.wait_ready(60)
    state = {"pids": lab.pids, "folders": lab.folders}
    assert not gone(state, is_running)
    lab.stop()
    lab.stop()
    assert gone(state, is_running)


def test_nothing_is_left_when_stopped_at_once(is_running: IsRunning) -> None:
    lab = Lab.launch()
    lab.stop()
    assert not is_running(lab._process.pid)
    with pytest.raises(LabError, match="was stopped"):
        lab.wait_ready(1)
    with pytest.raises(LabError, match="not ready"):
        _ = lab.environment


def test_whoever_waits_is_told_when_the_lab_is_stopped() -> None:
    lab = Lab.launch()
    told: list[BaseException] = []

    def wait() -> None:
        try:
            lab.wait_ready(60)
        except LabError as error:
            told.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    lab.stop()
    waiting.join(30)
    assert len(told) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_lab(number: signal.Signals, is_running: IsRunning, eventually: Eventually) -> None:
    with Lab.launch() as lab:
        lab.wait_ready(60)
        state = {"pids": lab.pids, "folders": lab.folders}
        os.kill(lab._process.pid, number)
        assert lab._process.wait(30) == 0
        assert eventually(lambda: gone(state, is_running))


def test_nothing_is_left_when_the_parent_is_killed(
    parent: subprocess.Popen[bytes], is_running: IsRunning, eventually: Eventually
) -> None:
    state = state_of(parent)
    parent.kill()
    assert eventually(lambda: gone(state, is_running))


def test_nothing_is_left_when_the_lab_is_killed(is_running: IsRunning, eventually: Eventually) -> None:
    with Lab.launch() as lab:
        lab.wait_ready(60)
        state = {"pids": lab.pids, "folders": lab.folders}
        with psycopg.connect(lab.environment["DATABASE_URL"]) as session:
            os.kill(lab._process.pid, signal.SIGKILL)
            assert eventually(lambda: gone(state, is_running))
            with pytest.raises(psycopg.OperationalError):
                session.execute("select 1")


def test_nothing_is_left_when_the_lab_is_killed_while_it_starts(
    is_running: IsRunning, eventually: Eventually
) -> None:
    """Killed once initdb runs: as soon as the lab has a child besides its watchdog."""
    with Lab.launch() as lab:
        pid = lab._process.pid
        children: set[int] = set()

        def has_children() -> bool:
            children.update(children_of(pid))
            return len(children) >= 2

        assert eventually(has_children)
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not any(map(is_running, children)))


def children_of(pid: int) -> list[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True, timeout=20
    )
    pairs = (line.split() for line in listing.stdout.splitlines())
    return [int(child) for child, its_parent in pairs if int(its_parent) == pid]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc here")
def test_no_secret_is_in_a_command_line_or_an_environment(parent: subprocess.Popen[bytes]) -> None:
    state = state_of(parent)
    environment = state["environment"]
    passwords = [urlsplit(environment[name]).password for name in ("DATABASE_URL", "UPSTASH_REDIS_URL")]
    secrets = [PLANTED, environment["UPSTASH_REDIS_REST_TOKEN"], state["read_only_token"], *passwords]
    pids = [*state["pids"], *(child for pid in state["pids"] for child in children_of(pid))]
    for pid in pids:
        told = b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
        assert not [secret for secret in secrets if secret.encode() in told]


def test_a_lab_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    with (
        Lab.launch(postgres_bindir=tmp_path) as lab,
        pytest.raises(LabError, match="--postgres-bindir") as caught,
    ):
        lab.wait_ready(60)
    assert "\n" not in str(caught.value)


def test_a_lab_that_takes_too_long_is_said() -> None:
    with Lab.launch() as lab:
        with pytest.raises(LabError, match=r"not ready after 0\.001 s"):
            lab.wait_ready(0.001)
        lab.wait_ready(60)


def test_missing_packages_are_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the base installation: the lab's process does not find trustme."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'trustme' else find(name, *rest)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{SOURCE}{os.pathsep}{tmp_path}")
    with Lab.launch() as lab, pytest.raises(LabError, match=r"\(trustme\): pip install 'txrepro\[all\]'"):
        lab.wait_ready(60)


@pytest.mark.skipif(not has_ipv6_loopback(), reason="no IPv6 loopback address here")
def test_every_server_is_on_both_addresses_where_localhost_has_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on most machines: the lab's process resolves ``localhost`` to ``::1`` first."""
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\n"
        "resolve = socket.getaddrinfo\n"
        "def both(host, *rest, **options):\n"
        "    hosts = ['::1', '127.0.0.1'] if host == 'localhost' else [host]\n"
        "    return [answer for each in hosts for answer in resolve(each, *rest, **options)]\n"
        "socket.getaddrinfo = both\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{SOURCE}{os.pathsep}{tmp_path}")
    with Lab.launch() as lab:
        lab.wait_ready(60)
        for address in ("::1", "127.0.0.1"):
            for port in (port for server in lab.servers for port in (server["port"], server["plain_port"])):
                socket.create_connection((address, port), timeout=10).close()
            url = f"{lab.environment['DATABASE_URL']}?sslmode=verify-full&channel_binding=require"
            psycopg.connect(url, hostaddr=address, sslrootcert=lab.environment["SSL_CERT_FILE"]).close()


def test_settings_of_libpq_and_openssl_do_not_reach_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
    monkeypatch.setenv("OPENSSL_CONF", "/nonexistent")
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    with Lab.launch() as lab:
        lab.wait_ready(60)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_root_starts_a_postgres_from_below_a_closed_folder(tmp_path: Path) -> None:
    installed = find_postgres()
    tmp_path.chmod(0o700)
    root = tmp_path / installed.root.name
    shutil.copytree(installed.root, root, symlinks=True)
    if installed.libraries is not None:
        shutil.copytree(installed.libraries, tmp_path / installed.libraries.name)
    with Lab.launch(postgres_bindir=root / installed.bindir.relative_to(installed.root)) as lab:
        lab.wait_ready(60)
        assert len(lab.folders) == 2
        psycopg.connect(lab.environment["DATABASE_URL"]).close()
    assert not any(folder.exists() for folder in lab.folders)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def ordinary() -> Account:
    """The account of an ordinary user, and the reason where it cannot be used."""
    account = unprivileged_account()
    if account is None:
        pytest.skip("the whole suite runs as an ordinary user already")
    for folder in (SOURCE, *PACKAGES):
        if not reachable_by_others(folder):
            pytest.skip(f"an ordinary user cannot read {folder}")
    return account


@pytest.fixture
def interpreter() -> str:
    """A Python of this version that an ordinary user may run."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin")):
        if path is not None and all(map(reachable_by_others, (Path(path), Path(path).resolve()))):
            return path
    pytest.skip(f"no {version} that an ordinary user may run")


def test_an_ordinary_user_without_a_home_can_run_it(
    ordinary: Account, interpreter: str, is_running: IsRunning
) -> None:
    folder = Path(tempfile.mkdtemp())
    ordinary.own(folder)
    try:
        with subprocess.Popen(
            [interpreter, "-c", PARENT, "connect"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": os.pathsep.join(map(str, [SOURCE, *PACKAGES])),
                "TMPDIR": str(folder),
            },
            **popen_arguments(ordinary),
        ) as process:
            state = state_of(process)
            uids = {Path(f"/proc/{pid}").stat().st_uid for pid in state["pids"]}
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(30) == 0
        assert uids == {ordinary.uid}
        assert gone(state, is_running)
        assert list(folder.iterdir()) == []
    finally:
        shutil.rmtree(folder)


def test_a_server_that_ends_by_itself_is_told(eventually: Eventually) -> None:
    with Lab.launch() as lab:
        lab.wait_ready(60)
        assert lab.ended() == []

        pids = {server["name"]: server["pid"] for server in lab.servers}
        os.kill(pids["valkey"], signal.SIGKILL)

        assert eventually(lambda: lab.ended() == ["valkey"])


def test_a_client_finds_nothing_on_the_ports_of_a_stopped_lab() -> None:
    with Lab.launch() as lab:
        lab.wait_ready(60)
    for port in (port for server in lab.servers for port in (server["port"], server["plain_port"])):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
