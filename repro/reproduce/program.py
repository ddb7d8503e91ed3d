"""A reproduction as a file: its text, and the commands that run it."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.reproduce import node_program, python_program
from repro.reproduce.case import Case, having
from repro.reproduce.drivers import Driver
from repro.reproduce.place import THE_TARGET, WORDS, Place

_WIDTH = 100

_FORMS: Mapping[str, str] = {
    "DATABASE_URL": "postgresql://USER:PASSWORD@HOST:PORT/NAME",
    "POSTGRES_URL": "postgresql://USER:PASSWORD@HOST:PORT/NAME",
    "UPSTASH_REDIS_URL": "rediss://default:PASSWORD@HOST:PORT",
    "UPSTASH_REDIS_REST_URL": "https://HOST",
    "UPSTASH_REDIS_REST_TOKEN": "TOKEN",
    "NEON_WS_PROXY": "HOST:PORT/v2",
    "NEON_FETCH_ENDPOINT": "https://HOST:PORT/sql",
}
"""What a person has to put in the place of each setting."""


@dataclass(frozen=True, slots=True)
class Program:
    """One reproduction.

    Args:
        driver: whose.
        case: the parts that it is made of.
        place: where its target is.
        versions: of the packages that it needs, by their names as they are installed.
        failure: how it fails, in one sentence.
        origin: where it comes from, in one sentence.
        causes: the ids of what was found for the probe.
    """

    driver: Driver
    case: Case
    place: Place
    versions: Mapping[str, str]
    failure: str = ""
    origin: str = ""
    causes: Sequence[str] = ()

    @property
    def file(self) -> str:
        """The name of its file."""
        end = "py" if self.driver.language == "python" else "mjs"
        return f"{self.driver.probe.replace('.', '_').replace('-', '_')}.{end}"

    @property
    def packages(self) -> list[str]:
        """What has to be installed, as pip or npm is asked for it."""
        sign = "==" if self.driver.language == "python" else "@"
        needed = ((name, self.versions[name]) for name in self.needs)
        return [f"{name}{sign}{version}" if version else name for name, version in needed]

    @property
    def needs(self) -> list[str]:
        """The names of the packages that it imports."""
        tunnel_only = self.driver.logs_in_apart and not having(self.case, "login")
        return [name for name in self.versions if not (tunnel_only and name.startswith("psycopg"))]

    @property
    def install(self) -> str:
        """The command that installs its packages."""
        if self.driver.language == "python":
            return "python -m pip install " + " ".join(
                f"'{each}'" if "[" in each else each for each in self.packages
            )
        return "npm install " + " ".join(self.packages)

    @property
    def command(self) -> str:
        """The command that runs it, with the form of each setting that it wants."""
        program = "python" if self.driver.language == "python" else "node"
        wanted = [f"{name}={self._form(name)}" for name in self.settings]
        return " ".join([*wanted, program, self.file])

    def _form(self, name: str) -> str:
        told = next((part.text for part in having(self.case, "variable") if part.name == name), "")
        if told:
            return shlex.quote(told)
        hidden = [part.name for part in having(self.case, "parameter") if not part.text]
        asked = (
            "?" + "&".join(f"{each}=…" for each in hidden) if hidden and name == self.driver.variable else ""
        )
        return shlex.quote(f"{_FORMS.get(name, '…')}{asked}") if asked else _FORMS.get(name, "…")

    @property
    def settings(self) -> list[str]:
        """The variables that it wants."""
        names = [part.name for part in having(self.case, "variable")]
        if self.place.stand_in is not None:
            return names
        token = ["UPSTASH_REDIS_REST_TOKEN"] if self.driver.variable == "UPSTASH_REDIS_REST_URL" else []
        return [self.driver.variable, *token, *names]

    @property
    def text(self) -> str:
        """The program."""
        write = python_program.render if self.driver.language == "python" else node_program.render
        return write(self.driver, self.case, self.place, self._head())

    def _head(self) -> Sequence[str]:
        told = [self.failure or "A reproduction.", "", f"    {self.install}", f"    {self.command}", ""]
        told += textwrap.wrap(f"{self.needed[0].upper()}{self.needed[1:]}. {self.origin}".strip(), _WIDTH)
        return told

    @property
    def needed(self) -> str:
        """What it needs of a target, in words."""
        return THE_TARGET if self.place.stand_in is None else WORDS[self.place.stand_in]
