"""Who the servers run as.

Postgres refuses to run as root. The lab, when it is root, starts it as an unprivileged account that every
system has: no account is created, and no permission of a folder that is not the lab's is changed.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.lab.errors import LabError

_CANDIDATES = ("nobody", "daemon")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that servers are started as."""

    name: str
    uid: int
    gid: int

    def own(self, *paths: Path) -> None:
        """Hand files or folders of the lab over to this account."""
        for path in paths:
            os.chown(path, self.uid, self.gid)


def unprivileged_account() -> Account | None:
    """The account to drop to: None when the lab is not root and there is nothing to drop.

    Raises:
        LabError: the lab is root and this system has no unprivileged account.
    """
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise LabError(
        "Postgres does not run as root, and there is no account 'nobody' to drop to: run as another user"
    )


def popen_arguments(account: Account | None) -> dict[str, Any]:
    """The arguments of `subprocess.Popen` that start a program as ``account``, without further groups."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def reachable_by_others(path: Path) -> bool:
    """Whether an account that owns nothing here may read and enter ``path``, by all folders above it."""
    path = path.resolve()
    above = all(folder.stat().st_mode & 0o001 for folder in path.parents)
    return above and path.stat().st_mode & 0o005 == 0o005
