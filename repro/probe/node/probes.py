"""Probes of Node drivers: what their scripts in ``probes/`` say, with the packages' versions."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from repro.persistence.endpoints import Endpoint
from repro.probe.database import DatabaseProbe
from repro.probe.node.bridge import Bridge
from repro.probe.node.driver import NodeBatchDriver, NodeDriver, NodeTransport
from repro.probe.push import PushProbe
from repro.probe.request import Request

NODE_FOLDER = "TXREPRO_NODE"
"""The variable that names the folder with the scripts and their packages."""

NODE_MISSING = "TXREPRO_NODE_MISSING"
"""The variable that says why there is none."""

_VERSION_S = 10.0

Predict = Callable[[Request], Sequence[Endpoint]]


def database(
    name: str, transport: str, package: str, script: str, predict: Predict, **more: Any
) -> DatabaseProbe:
    """A probe of a database driver.

    Args:
        name: the probe's name, such as ``node.pg``.
        transport: ``tcp``, ``http`` or ``websocket``.
        package: of npm; its version is the driver's.
        script: in ``probes/node``.
        predict: what it will dial.
        more: further fields of the probe.
    """
    kind = NodeBatchDriver if transport == "http" else NodeDriver
    return DatabaseProbe(
        predict=predict,
        connect=lambda _module, request: _opened(kind, script, request),
        pool_size=10,  # the default of each of these pools
        **_common(name, transport, package),
        **more,
    )


def push(name: str, transport: str, package: str, script: str, predict: Predict) -> PushProbe:
    """A probe of a queue client; its arguments are those of `database`."""
    return PushProbe(
        predict=predict,
        connect=lambda _module, request: _opened(NodeTransport, script, request),
        **_common(name, transport, package),
    )


def _common(name: str, transport: str, package: str) -> dict[str, Any]:
    return {
        "name": name,
        "transport": transport,
        "package": None,
        "uses": "repro.probe.node.driver",
        "missing": _missing,
        "driver": lambda: {"name": package, "version": installed().get(package)},
        "versions": lambda: {**_node(), **installed()},
    }


def _missing() -> str | None:
    if _folder() is not None:
        return None
    return os.environ.get(NODE_MISSING) or "its packages are not there; repro run --node installs them"


def _opened(kind: Callable[[Bridge], Any], script: str, request: Request) -> Any:
    folder = _folder()
    assert folder is not None  # noqa: S101 - the probe is skipped without one
    bridge = Bridge(folder, script, {**request.variables, **_urls(request)})
    try:
        bridge.open()
    except BaseException:
        bridge.kill()
        bridge.close()
        raise
    return kind(bridge)


def _urls(request: Request) -> dict[str, str]:
    """The database's URL under each name that one of these packages reads."""
    if not request.settings.database_url:
        return {}
    names = ("DATABASE_URL", "POSTGRES_URL", "POSTGRES_URL_NON_POOLING")
    return {name: request.variables.get(name) or request.database_url for name in names}


def _folder() -> Path | None:
    path = os.environ.get(NODE_FOLDER)
    return Path(path) if path else None


def _node() -> dict[str, str]:
    """Node's own version; nothing where it does not say."""
    try:
        told = subprocess.run(
            ["node", "--version"], capture_output=True, encoding="utf-8", timeout=_VERSION_S, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return {"node": told.strip().removeprefix("v")} if told.startswith("v") else {}


def installed() -> dict[str, str]:
    """The versions of the packages; one that is there more than once is told with its places.

    A package nested in another has a configuration of its own, which is a cause.
    """
    folder = _folder()
    if folder is None:
        return {}
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    direct = set(lock["packages"][""]["dependencies"])
    found: dict[str, list[tuple[str, str]]] = {}
    for path, entry in lock["packages"].items():
        outer, _, name = path.rpartition("node_modules/")
        if path:
            found.setdefault(name, []).append(
                (outer.removeprefix("node_modules/").strip("/"), entry["version"])
            )
    versions = {name: places[0][1] for name, places in sorted(found.items()) if name in direct}
    for name, places in sorted(found.items()):
        for outer, version in places:
            if outer and name in direct:
                versions[f"{name} in {outer}"] = version
    return versions
