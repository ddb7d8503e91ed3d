"""Finds the files that are not Python modules, alike in a checkout, an editable install and a wheel.

In a checkout, and in an editable install of one, ``probes/`` and ``ISSUE_TEMPLATE.md`` stand beside the
package; a wheel carries both inside it, in ``_data``.
"""

from __future__ import annotations

import atexit
import functools
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


class ResourceMissing(RuntimeError):  # noqa: N818 - it says what happened
    """A file that belongs to the installation is not there: the installation is broken."""


def issue_template() -> str:
    """The text of ``ISSUE_TEMPLATE.md``.

    Raises:
        ResourceMissing: the installation is broken.
    """
    return _find("ISSUE_TEMPLATE.md").read_text(encoding="utf-8")


def probe_script(name: str) -> Path:
    """The path of a probe's script.

    Args:
        name: its path below ``probes/``, such as ``tcp_psycopg.py``.

    Raises:
        ResourceMissing: the installation is broken.
    """
    return _find(f"probes/{name}")


def probes_folder() -> Path:
    """The folder of the probe scripts.

    Raises:
        ResourceMissing: the installation is broken.
    """
    return _find("probes")


def _find(name: str) -> Path:
    for home in _homes(PACKAGE):
        found = home / name
        if found.exists():
            return found
    raise ResourceMissing(
        f"{name} is missing from this installation of txrepro, in {PACKAGE}; install it again"
    )


def _homes(package: Path) -> tuple[Path, ...]:
    """A wheel's own data comes first: beside an installed package stand other people's files."""
    data = package / "_data"
    return (data,) if data.is_dir() else (package.parent,)


def package_alone() -> Path:
    """A folder in which this package can be imported, and nothing that is installed beside it.

    In a checkout that is the checkout. Beside an installed package stand others, so that a link to it is
    made in a folder of its own; it lasts as long as this process.
    """
    home = PACKAGE.parent
    return home if home.name not in {"site-packages", "dist-packages"} else _linked(PACKAGE)


@functools.cache
def _linked(package: Path) -> Path:
    folder = tempfile.TemporaryDirectory(prefix="txrepro-package-")
    atexit.register(folder.cleanup)
    (Path(folder.name) / package.name).symlink_to(package)
    return Path(folder.name)
