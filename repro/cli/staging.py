"""What probes are pointed at while a command runs: a target that is there, or the lab, or it with a fault."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator

from repro.cli import errors
from repro.cli.target import Target
from repro.lab.process import Lab
from repro.lab.scenarios import BY_NAME
from repro.lab.scenarios.scenario import Scenario, Scene

READY_S = 60.0
"""Seconds to wait for the lab; it takes about one."""


def named(scenario: str | None) -> Scenario | None:
    """The scenario that ``--scenario`` names; None where none is.

    Raises:
        UsageError: none has this name.
    """
    if scenario is None:
        return None
    if scenario not in BY_NAME:
        raise errors.UsageError(
            f"--scenario: none is called {errors.quoted(scenario)}; see `repro lab scenarios`"
        )
    return BY_NAME[scenario]


@contextlib.contextmanager
def running_lab(arguments: argparse.Namespace) -> Iterator[Lab]:
    """A lab with the servers that the flags name, as long as the block.

    Raises:
        LabError: it does not start.
    """
    with Lab.launch(postgres_bindir=arguments.postgres_bindir, redis_server=arguments.redis_server) as lab:
        lab.wait_ready(READY_S)
        yield lab


@contextlib.contextmanager
def on(aimed: Target, arguments: argparse.Namespace, scenario: Scenario | None) -> Iterator[Scene]:
    """What the probes are pointed at, as long as the block.

    Args:
        aimed: the target; the lab where a scenario is named.
        arguments: with the flags of the lab's servers.
        scenario: what is wrong in the lab; None for nothing.

    Raises:
        LabError: the lab does not start.
    """
    if aimed.kind == "env":
        yield Scene(aimed.variables)
        return
    with running_lab(arguments) as lab:
        if scenario is None:
            yield Scene({**aimed.variables, **lab.environment})
            return
        with scenario.stage(lab) as scene:
            yield scene
