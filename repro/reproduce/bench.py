"""Where programs are tried: an environment with their driver and nothing else, built once, and the target."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from repro.document import Outcome
from repro.environment_facts import IN_FORCE
from repro.environments import node, python
from repro.environments.pins import Pin
from repro.observe.catalog import Entry
from repro.observe.plan import Plan
from repro.observe.process import SETTINGS, overlaid
from repro.observe.progress import Silent
from repro.observe.run import observe
from repro.probe.reproduction import PROGRAM
from repro.reproduce.case import ACCOMPANYING
from repro.reproduce.drivers import Driver, target_url
from repro.reproduce.program import Program

LONGEST_S = 15.0
"""Seconds of one trial; a driver's own limits are shorter."""

MOST_KEPT = 0.5
"""Of the deadline, what may be kept for running the smallest program by itself in the end."""

SHORTEST_S = 2.0
"""Seconds that must be left for one more trial."""

_LOADS = {"python": "json", "node": "repro.probe.node.driver"}
"""What is loaded before a trial's time begins; a program imports its driver itself."""


class OutOfTime(Exception):  # noqa: N818 - it says what happened
    """The deadline leaves no time for one more trial."""


class Interrupted(Exception):  # noqa: N818 - it says what happened
    """Somebody stopped it."""


class NoEnvironment(RuntimeError):  # noqa: N818 - it says what is missing
    """The driver cannot be installed here; the message is one line."""


@dataclass(frozen=True, slots=True)
class Site:
    """What programs are pointed at.

    Args:
        variables: the target's settings, and other variables that come with it.
        environment: changes to this process's environment; None takes a variable away.
    """

    variables: Mapping[str, str]
    environment: Mapping[str, str | None] = field(default_factory=dict)

    def in_force(self) -> dict[str, str]:
        """The whole environment of a program, without the target's settings."""
        others = {name: value for name, value in self.variables.items() if name not in SETTINGS}
        return {**overlaid(os.environ, self.environment), **others}


class Bench:
    """Tries programs of one driver. Use it as a context manager.

    Args:
        driver: which one.
        site: what they are pointed at.
        versions: of the driver's packages, by their names as they are installed.
        deadline_s: seconds for everything.
        tell: is told what takes time.

    Raises:
        NoEnvironment: the packages cannot be installed here.
    """

    def __init__(
        self,
        driver: Driver,
        site: Site,
        versions: Mapping[str, str],
        deadline_s: float,
        tell: Callable[[str], None],
    ) -> None:
        self.driver = driver
        self.site = site
        self._ends = time.monotonic() + deadline_s
        self._most_kept_s = deadline_s * MOST_KEPT
        self._kept_s = 0.0
        self._numbers = itertools.count(1)
        self._versions = versions
        self._tell = tell
        self._interpreter: Path | None = None
        self._modules: Path | None = None
        self._scripts: Path | None = None
        try:
            if driver.language == "python":
                self._interpreter = self._python_with(driver.packages)
            else:
                wanted = [f"{name}@{version}" if version else name for name, version in versions.items()]
                self._modules = node.alone(os.environ, tell, wanted)
                self._scripts = node.provide(os.environ, tell)
        except (python.NotInstallable, node.NodeUnavailable) as error:
            raise NoEnvironment(str(error)) from error
        self._folder = tempfile.TemporaryDirectory(prefix="txrepro-reproduction-")
        if self._modules is not None:
            (Path(self._folder.name) / "node_modules").symlink_to(self._modules)

    def _python_with(self, packages: Sequence[str]) -> Path:
        """A Python that has some of the driver's packages, and what they need."""
        known = ((name.partition("[")[0], self._versions[name]) for name in packages)
        pins = [Pin("pypi", name, version) for name, version in known if version]
        return python.provide(pins, packages, os.environ, self._tell).interpreter

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self._ends - time.monotonic()

    def runner(self, program: Program) -> str:
        """What runs a program by itself: with the packages that it imports, and no others.

        Raises:
            NoEnvironment: these cannot be installed here.
        """
        if self._interpreter is None:
            return "node"
        try:
            return str(self._python_with(program.needs))
        except python.NotInstallable as error:
            raise NoEnvironment(str(error)) from error

    def laid(self, program: Program) -> Path:
        """The program's file, in a folder of its own in which there is nothing else."""
        folder = Path(self._folder.name) / str(next(self._numbers))
        folder.mkdir()
        file = folder / program.file
        file.write_text(program.text, encoding="utf-8")
        return file

    def variables(self, program: Program) -> dict[str, str]:
        """The values of the variables that a program wants."""
        known = {**self.site.in_force(), **self.site.variables}
        if program.driver.effect == "commit":
            known = {**known, self.driver.variable: target_url(self.driver, self.site.variables)}
        return {name: known[name] for name in program.settings if known.get(name)}

    def left_out(self, program: Program) -> list[str]:
        """The variables of this environment that drivers read and the program does not want."""
        kept = set(program.settings)
        return [
            name
            for name in self.site.in_force()
            if name not in kept and (IN_FORCE.fullmatch(name) or name in ACCOMPANYING or name in SETTINGS)
        ]

    def environment(self, program: Program) -> dict[str, str]:
        """The environment in which a program runs by itself."""
        left_out = set(self.left_out(program))
        kept = {name: value for name, value in self.site.in_force().items() if name not in left_out}
        return {**kept, **self.variables(program)}

    def tried(self, program: Program) -> Outcome:
        """What a program comes to, judged like a probe.

        Raises:
            OutOfTime: there is no time for it.
            Interrupted: somebody stopped it.
        """
        left = self.left_s - self._kept_s
        if left < SHORTEST_S:
            raise OutOfTime
        file = self.laid(program)
        variables = self.variables(program)
        settings = {name: value for name, value in variables.items() if name in SETTINGS}
        plan = Plan(
            run_id="reproduction",
            kind="env",
            variables=settings or _made_up(program),
            entries=[Entry(self.driver.probe, "reproduction.py", (self.driver.variable,))],
            deadline_s=min(LONGEST_S, left),
            inherited={
                **self.site.environment,
                **{name: value for name, value in variables.items() if name not in SETTINGS},
                **dict.fromkeys(self.left_out(program)),
                PROGRAM: self._asked(file),
            },
            interpreter=self._interpreter,
        )
        seen = observe(plan, Silent())
        if seen.interrupted:
            raise Interrupted
        return seen.outcomes[0]

    def keep(self, seconds: float) -> None:
        """Keep some of the time for what comes after the trials, as far as that is reasonable."""
        self._kept_s = min(seconds, self._most_kept_s)

    def _asked(self, file: Path) -> str:
        return json.dumps(
            {
                "path": str(file),
                "probe": self.driver.probe,
                "transport": self.driver.transport,
                "effect": self.driver.effect,
                "loads": _LOADS[self.driver.language],
                "node": None if self._scripts is None else str(self._scripts),
            }
        )


def _made_up(program: Program) -> dict[str, str]:
    """Settings that the kit takes for some; the program reads none."""
    token = (
        {"UPSTASH_REDIS_REST_TOKEN": "token"} if program.driver.variable == "UPSTASH_REDIS_REST_URL" else {}
    )
    return {program.driver.variable: program.place.base("1"), **token}
