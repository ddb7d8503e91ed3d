"""The packages of the Node probes: installed once by npm from the committed lock file, into a cache.

The cache is keyed by the lock file and by the scripts that stand beside the packages, so that another version
of either is another folder; a complete folder is moved to its place at once, so that two installations at the
same time cannot spoil each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from repro.environments import installer
from repro.environments.scratch import scratch
from repro.resources import probes_folder

OLDEST = 20
"""The oldest Node that the pinned packages run on."""

INSTALL_S = 300.0
_LOCKED = ("package.json", "package-lock.json")
"""What npm reads and, where a version is asked for, writes anew: a probe reads there what is installed."""


class NodeUnavailable(RuntimeError):  # noqa: N818 - it says what is missing
    """There is no Node, or its packages cannot be installed; the message is one line."""


def provide(
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    *,
    scripts: Path | None = None,
    instead: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> Path:
    """A folder with scripts beside the packages that they import.

    Args:
        environ: where the cache and the programs are looked up.
        tell: is told what takes time.
        scripts: where the scripts, their ``package.json`` and their lock file are; those of the Node probes.
        instead: packages in the place of the locked ones, as npm is asked for them: ``drizzle-orm@0.44.0``.
        stop: ends what takes time when it is set, from another thread.

    Raises:
        NodeUnavailable: if that cannot be had.
        Stopped: it was stopped.
    """
    check(environ)
    scripts = scripts or probes_folder() / "node"
    packages = _packages(scripts, environ, tell, instead, stop)
    return _beside(packages, scripts, environ, instead)


def alone(environ: Mapping[str, str], tell: Callable[[str], None], packages: Sequence[str]) -> Path:
    """The ``node_modules`` of some packages and what they need, as ``npm install`` gives in an empty folder.

    Args:
        environ: where the cache and the programs are looked up.
        tell: is told what takes time.
        packages: as npm is asked for them: ``pg@8.23.1``.

    Raises:
        NodeUnavailable: if that cannot be had.
    """
    check(environ)
    cache = cache_folder(environ)
    place = cache / f"alone-{_digest(more=packages)}"
    if not place.exists():
        tell(f"installing {', '.join(packages)} with npm")
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with scratch(cache) as folder:
                _npm(["install", "--prefer-offline", *packages], folder, environ)
                _publish(_complete(folder), place)
        except OSError as error:
            raise NodeUnavailable(f"the cache {cache} cannot be written: {error.strerror}") from error
    return place / "node_modules"


def installed(folder: Path, name: str) -> str:
    """The version of a package beside scripts; empty where it is not there.

    Args:
        folder: as `provide` gave it.
        name: of the package.
    """
    try:
        told = json.loads((folder / "node_modules" / name / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(told.get("version", ""))


def program(name: str, environ: Mapping[str, str]) -> str:
    """The path of a program.

    Raises:
        NodeUnavailable: if it is not installed.
    """
    path = shutil.which(name, path=environ.get("PATH"))
    if path is None:
        raise NodeUnavailable(f"{name} is not installed: the Node probes need Node {OLDEST} or later and npm")
    return path


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where installed packages are kept."""
    given = environ.get("XDG_CACHE_HOME")
    if not given or not Path(given).is_absolute():  # a relative one is to be ignored, says its specification
        given = str(Path(environ.get("HOME") or Path.home()) / ".cache")
    return Path(given) / "txrepro" / "node"


def check(environ: Mapping[str, str]) -> None:
    """See that there is a Node, and that it is not too old.

    Args:
        environ: where it is looked up.

    Raises:
        NodeUnavailable: if not.
    """
    command = [program("node", environ), "--version"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
        major = int(told.lstrip("v").partition(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NodeUnavailable(f"node does not tell its version: {type(error).__name__}") from error
    if major < OLDEST:
        raise NodeUnavailable(f"node is {told}; the Node probes need Node {OLDEST} or later")


def _packages(
    scripts: Path,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    instead: Sequence[str],
    stop: threading.Event | None,
) -> Path:
    """What npm makes of the lock file, with some packages in another version, installed once."""
    cache = cache_folder(environ)
    place = cache / f"packages-{_digest(*_lock_of(scripts), more=_key(instead))}"
    if not place.exists():
        tell(f"installing {', '.join(instead) or 'the pinned packages'} with npm")
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with scratch(cache) as folder:
                _install(scripts, folder, environ, instead, stop)
                _publish(_complete(folder, *_LOCKED), place)
        except OSError as error:
            raise NodeUnavailable(f"the cache {cache} cannot be written: {error.strerror}") from error
    return place


def _key(packages: Sequence[str]) -> list[str]:
    """What names packages in the cache: what is the latest is another thing every day."""
    latest = any(each.endswith("@latest") for each in packages)
    return [*packages, *([time.strftime("%F", time.gmtime())] if latest else [])]


def _install(
    scripts: Path,
    folder: Path,
    environ: Mapping[str, str],
    instead: Sequence[str],
    stop: threading.Event | None,
) -> None:
    for file in _lock_of(scripts):
        shutil.copy(file, folder)
    # a version that others of the locked packages do not expect is what a cell is for
    asked = ["install", "--save-exact", "--legacy-peer-deps", *instead] if instead else ["ci"]
    _npm(asked, folder, environ, stop)


def _npm(
    asked: Sequence[str], folder: Path, environ: Mapping[str, str], stop: threading.Event | None = None
) -> None:
    command = [program("npm", environ), *asked, "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = installer.run(command, environ, INSTALL_S, folder=folder, stop=stop)
    except TimeoutError as error:
        raise NodeUnavailable(f"npm did not end within {INSTALL_S:.0f} s") from error
    if done.returncode:
        raise NodeUnavailable(f"npm cannot install the packages: {_reason(done.stderr) or done.returncode}")
    if not (folder / "node_modules").is_dir():
        raise NodeUnavailable("npm installed nothing, and said nothing of it")


def _reason(said: str) -> str:
    """The first words of npm's complaint, on one line, without anybody's password."""
    lines = [line.partition("npm error")[2].strip() for line in said.splitlines() if "npm error" in line]
    told = " ".join(line for line in lines if line and not line.startswith("A complete log"))
    return re.sub(r"//[^/@\s]+@", "//", told)[:200]


def _complete(folder: Path, *beside: str) -> Path:
    """A folder in it with what is kept of an installation, to be moved to its place."""
    complete = folder / "complete"
    complete.mkdir()
    for name in ("node_modules", *beside):  # packages find each other by the name of their folder
        (folder / name).rename(complete / name)
    return complete


def _publish(folder: Path, place: Path) -> None:
    """Move a complete folder to its place, unless somebody was faster."""
    try:
        folder.rename(place)
    except OSError:
        if not place.exists():
            raise


def _beside(packages: Path, scripts: Path, environ: Mapping[str, str], instead: Sequence[str]) -> Path:
    """The scripts beside the packages: an import is resolved from where its file stands."""
    cache = cache_folder(environ)
    sources = sorted([*scripts.glob("*.mjs"), *scripts.glob("*.cjs")])
    place = cache / f"scripts-{_digest(*_lock_of(scripts), *sources, more=_key(instead))}"
    if place.exists():
        return place
    try:
        with scratch(cache) as folder:
            whole = folder / "whole"
            whole.mkdir()
            for source in [*sources, *_lock_of(packages)]:
                shutil.copy(source, whole)
            (whole / "node_modules").symlink_to(packages / "node_modules")
            with contextlib.suppress(FileExistsError):
                _publish(whole, place)
    except OSError as error:
        raise NodeUnavailable(f"the cache {cache} cannot be written: {error.strerror}") from error
    return place


def _lock_of(folder: Path) -> list[Path]:
    return [folder / name for name in _LOCKED]


def _digest(*files: Path, more: Sequence[str] = ()) -> str:
    digest = hashlib.sha256("\0".join(more).encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
