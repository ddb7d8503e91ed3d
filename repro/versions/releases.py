"""The versions of a package that there are, in their order, as pip and npm tell them."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

from packaging.version import InvalidVersion, Version

from repro.environments.node import NodeUnavailable, program
from repro.environments.pins import Ecosystem

LOOKUP_S = 60.0
_SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


class NoReleases(RuntimeError):  # noqa: N818 - it says what is missing
    """The versions of a package cannot be looked up; the message is one line."""


def releases(ecosystem: Ecosystem, name: str, environ: Mapping[str, str], *, pre: bool) -> list[str]:
    """The versions of a package, the oldest first.

    Args:
        ecosystem: ``pypi`` or ``npm``.
        name: of the package.
        environ: where the programs are looked up.
        pre: pre-releases too.

    Raises:
        NoReleases: if they cannot be looked up, or there are none.
    """
    found = _npm(name, environ, pre=pre) if ecosystem == "npm" else _pypi(name, environ, pre=pre)
    if not found:
        raise NoReleases(f"no version of {name} is known")
    return found


def _pypi(name: str, environ: Mapping[str, str], *, pre: bool) -> list[str]:
    said = _said([*_pip(), "index", "versions", name, *(["--pre"] if pre else [])], environ, name)
    listed = re.search(r"^Available versions: (.*)$", said, re.MULTILINE)
    return in_order(listed[1].split(", ") if listed else [])


def _pip() -> list[str]:
    """Pip asks the index that is set for this machine; where it is not installed uv brings it."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - only environments need it
    except ImportError as error:
        raise NoReleases("neither pip nor uv is installed: pip install 'txrepro[all]'") from error
    return [str(find_uv_bin()), "tool", "run", "pip"]


def in_order(versions: Sequence[str]) -> list[str]:
    """Versions of Python packages, the oldest first (PEP 440); what is none is left out."""
    known = []
    for text in versions:
        try:
            known.append((Version(text), text))
        except InvalidVersion:
            continue
    return [text for _, text in sorted(known)]


def _npm(name: str, environ: Mapping[str, str], *, pre: bool) -> list[str]:
    try:
        npm = program("npm", environ)
    except NodeUnavailable as error:
        raise NoReleases(str(error)) from error
    said = _said([npm, "view", name, "versions", "--json"], environ, name)
    try:
        listed = json.loads(said)
    except ValueError as error:
        raise NoReleases(f"npm says no versions of {name}") from error
    return in_semver_order([listed] if isinstance(listed, str) else listed, pre=pre)


def in_semver_order(versions: Sequence[str], *, pre: bool) -> list[str]:
    """Versions of Node's packages, the oldest first (semver 2.0, 11); what is none is left out.

    Args:
        versions: in any order.
        pre: pre-releases too.
    """
    known = [(match, text) for text in versions if (match := _SEMVER.fullmatch(text))]
    return [text for match, text in sorted(known, key=lambda each: _key(each[0])) if pre or not match[4]]


def _key(match: re.Match[str]) -> tuple[object, ...]:
    numbers = tuple(int(match[group]) for group in (1, 2, 3))
    # a release comes after its pre-releases
    return (numbers, match[4] is None, [_part(part) for part in (match[4] or "").split(".")])


def _part(text: str) -> tuple[bool, int, str]:
    """Numbers before words. Builds such as ``10-42c284e`` stand beside their number, not among the words."""
    number = re.match(r"\d*", text)
    digits = number[0] if number else ""
    return (not digits, int(digits or 0), text[len(digits) :])


def _said(command: Sequence[str], environ: Mapping[str, str], name: str) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LOOKUP_S,
            check=False,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired as error:
        raise NoReleases(f"the versions of {name} were not told within {LOOKUP_S:.0f} s") from error
    except OSError as error:
        raise NoReleases(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        told = re.sub(r"//[^/@\s]+@", "//", lines[-1]) if lines else f"exit code {done.returncode}"
        raise NoReleases(f"the versions of {name} cannot be looked up: {told[:200]}")
    return done.stdout
