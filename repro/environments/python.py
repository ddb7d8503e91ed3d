"""Environments of Python packages, built by uv and kept in a cache: the interpreter of a cell's probes.

A folder is named by all that goes into it, and is complete or not there. What uv has downloaded before is
taken without the network; so a cell that was built once, or whose packages were, needs none. Only *latest*
asks the network first, once a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from repro.environments import installer
from repro.environments.node import cache_folder
from repro.environments.pins import Pin
from repro.environments.scratch import scratch

BUILD_S = 300.0
_LOCK_S = 2 * BUILD_S
_PAUSE_S = 0.05
_OFFLINE = "--offline"

_FINDING = threading.Lock()
"""uv asks `sysconfig`, whose first use by two threads gives one of them nothing (Python 3.11)."""


class NotInstallable(RuntimeError):  # noqa: N818 - it says what is missing
    """These packages cannot be had here; the message is one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment.

    Args:
        interpreter: its Python.
        versions: what is installed in it, by name.
    """

    interpreter: Path
    versions: Mapping[str, str]


def provide(
    pins: Sequence[Pin],
    needed: Sequence[str],
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    stop: threading.Event | None = None,
) -> Environment:
    """An environment with these packages.

    Args:
        pins: of Python packages, and at most one of the interpreter.
        needed: requirements of the probes, such as ``psycopg[binary]``; a pin of the package narrows it.
        environ: where the cache and the programs are looked up.
        tell: is told what takes time.
        stop: ends what takes time when it is set, from another thread.

    Raises:
        NotInstallable: if that cannot be had.
        Stopped: it was stopped.
    """
    uv = _uv()
    requirements = _requirements(pins, needed)
    python = next((pin.wanted for pin in pins if pin.ecosystem == "python"), sys.executable)
    newest = any(pin.wanted == "latest" for pin in pins)
    today = time.strftime("%F", time.gmtime()) if newest else ""
    place = _cache(environ) / _digest([python, today, platform.platform(), sys.version, *requirements])
    with _locked(place, stop):
        if not place.exists():
            tell(f"installing {', '.join(requirements)}")
            _build(_Uv(uv, environ, stop), place, python, requirements, newest=newest)
    told = json.loads((place / "versions.json").read_text(encoding="utf-8"))
    return Environment(_interpreter(place), told)


def _uv() -> str:
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - only environments need it
    except ImportError as error:
        raise NotInstallable("uv is not installed: pip install 'txrepro[all]'") from error
    try:
        with _FINDING:
            return str(find_uv_bin())
    except FileNotFoundError as error:
        raise NotInstallable("the program of uv is missing: pip install --force-reinstall uv") from error


def _requirements(pins: Sequence[Pin], needed: Sequence[str]) -> list[str]:
    """What is wanted and what is needed: a needed package takes the version of its pin."""
    wanted = {bare(pin.name): pin for pin in pins if pin.ecosystem == "pypi"}
    found = []
    for requirement in needed:
        pin = wanted.pop(bare(requirement), None)
        found.append(requirement if pin is None else _narrowed(requirement, pin))
    return sorted([*found, *(_narrowed(pin.name, pin) for pin in wanted.values())])


def _narrowed(requirement: str, pin: Pin) -> str:
    if pin.wanted == "oldest":
        return f"{requirement}{_lower_bound(bare(pin.name))}"
    return requirement + pin.requirement.removeprefix(pin.name)


def _lower_bound(name: str) -> str:
    """The oldest version that this program supports, as ``==3.2.9``; empty where it says nothing of it."""
    try:
        declared = requires("txrepro") or []
    except PackageNotFoundError:
        return ""
    for requirement in declared:
        if bare(requirement) == name:
            bound = re.search(r">=([\w.]+)", requirement)
            return f"=={bound[1]}" if bound else ""
    return ""


def bare(requirement: str) -> str:
    """A package's name in its normal form (PEP 503), without extras and versions."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", name[0]).lower() if name else ""


def _build(uv: _Uv, place: Path, python: str, requirements: Sequence[str], *, newest: bool) -> None:
    """Build beside the place, and move there when all is complete; uv's environments can be moved."""
    with scratch(place.parent) as folder:
        made = folder / "environment"
        uv.run("venv", "--relocatable", "--python", python, str(made))
        uv.install(_interpreter(made), requirements, newest=newest)
        listed = uv.run("pip", "list", "--python", str(_interpreter(made)), "--format", "json")
        versions = {each["name"]: each["version"] for each in json.loads(listed)}
        (made / "versions.json").write_text(json.dumps(versions), encoding="utf-8")
        shutil.move(made, place)


class _Uv:
    """The program uv.

    Args:
        program: its path.
        environ: what it inherits.
        stop: ends it when it is set.
    """

    def __init__(self, program: str, environ: Mapping[str, str], stop: threading.Event | None) -> None:
        self._program = program
        self._stop = stop
        self._environ = {
            **{name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
        }

    def install(self, interpreter: Path, requirements: Sequence[str], *, newest: bool) -> None:
        """Install packages without the network, else with it; the other way round where the newest is wanted.

        Raises:
            NotInstallable: neither way; what it says is of the way with the network, which knows more.
        """
        if not requirements:
            return
        command = ["pip", "install", "--python", str(interpreter), "--compile-bytecode", *requirements]
        if not newest:
            with contextlib.suppress(NotInstallable):
                self.run(*command, _OFFLINE)
                return
            self.run(*command)
            return
        try:
            self.run(*command, "--refresh")
        except NotInstallable as error:
            try:
                self.run(*command, _OFFLINE)
            except NotInstallable:
                raise error from None

    def run(self, *arguments: str) -> str:
        """Run it to its end, and answer with what it printed.

        Raises:
            NotInstallable: it failed.
            Stopped: it was stopped.
        """
        try:
            done = installer.run([self._program, *arguments], self._environ, BUILD_S, stop=self._stop)
        except TimeoutError as error:
            raise NotInstallable(f"uv did not end within {BUILD_S:.0f} s") from error
        except OSError as error:
            raise NotInstallable(f"uv cannot be run: {error.strerror}") from error
        if done.returncode:
            raise NotInstallable(_reason(done.stderr) or f"uv left with exit code {done.returncode}")
        return done.stdout


def _reason(said: str) -> str:
    """The complaint of uv on one line, without its drawing and without anybody's password."""
    lines = [re.sub(r"^[^\w`]+", "", line).strip() for line in said.splitlines()]
    told = " ".join(line for line in lines if line and not line.startswith(("Using ", "hint:", "warning:")))
    return re.sub(r"//[^/@\s]+@", "//", told.removeprefix("error: "))[:240]


def _interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"


def _cache(environ: Mapping[str, str]) -> Path:
    folder = cache_folder(environ).parent / "python"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotInstallable(f"the cache {folder} cannot be written: {error.strerror}") from error
    return folder


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _locked(place: Path, stop: threading.Event | None) -> Iterator[None]:
    """One build of a place at a time, also among processes."""
    import fcntl  # noqa: PLC0415 - not on Windows

    give_up = time.monotonic() + _LOCK_S
    with place.with_suffix(".lock").open(
        "w"
    ) as file:  # it stays: another process may wait for this very file
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > give_up:
                    raise NotInstallable(f"another process has been building {place} for too long") from error
                if stop is not None and stop.is_set():
                    raise installer.Stopped("stopped before its end") from error
                time.sleep(_PAUSE_S)
        yield
