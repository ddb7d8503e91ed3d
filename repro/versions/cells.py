"""A plan in the environment of a cell."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Sequence

from repro.environments import node, python
from repro.environments.pins import Cell
from repro.observe.catalog import PACKAGES, Entry
from repro.observe.plan import Plan
from repro.observe.process import SETTINGS
from repro.probe.node import NODE_FOLDER


def prepared(
    cell: Cell, plan: Plan, tell: Callable[[str], None], stop: threading.Event | None = None
) -> tuple[Plan, dict[str, str]]:
    """The plan with the cell's interpreter and Node packages, and what of the cell is installed in them.

    Args:
        cell: its packages are installed where they are not yet.
        plan: whose probes say what else they need.
        tell: is told what takes time.
        stop: ends what takes time when it is set, from another thread.

    Raises:
        NotInstallable: a Python package cannot be had.
        NodeUnavailable: a package of Node's cannot be had.
        Stopped: it was stopped.
    """
    # an installer may run a package's own code: it is not shown where the database is
    environ = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    versions: dict[str, str] = {}
    if of_python := (*cell.of("python"), *cell.of("pypi")):
        environment = python.provide(of_python, _needed(plan.entries), environ, tell, stop)
        versions.update({pin.name: environment.versions.get(pin.name, "") for pin in cell.of("pypi")})
        plan = dataclasses.replace(plan, interpreter=environment.interpreter)
    if any(entry.is_node for entry in plan.entries):
        instead = [pin.requirement for pin in cell.of("npm")]
        folder = node.provide(environ, tell, instead=instead, stop=stop)
        versions.update({f"npm:{pin.name}": node.installed(folder, pin.name) for pin in cell.of("npm")})
        plan = dataclasses.replace(plan, inherited={**plan.inherited, NODE_FOLDER: str(folder)})
    return plan, versions


def _needed(entries: Sequence[Entry]) -> list[str]:
    """The requirements of the Python probes among these."""
    return sorted({each for entry in entries for each in PACKAGES.get(entry.name, ())})
