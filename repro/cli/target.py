"""Where the database and the queue are: the environment over ``--env-file``, the lab when nothing is set.

The target is resolved and judged before anything is started or dialled. Every value keeps the place it came
from, so that a wrong one is reported with the line that has to be changed, and never with the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from repro.cli import dotenv
from repro.cli.errors import UsageError
from repro.persistence.errors import SettingsError
from repro.persistence.settings import Settings

DECIDING = (
    "DATABASE_URL",
    "POSTGRES_URL",
    "UPSTASH_REDIS_URL",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
)
"""One of these set means that the target is not the lab."""

ACCOMPANYING = ("POSTGRES_URL_NON_POOLING", "NEON_FETCH_ENDPOINT", "NEON_WS_PROXY")
"""Settings that belong to a target and do not make one."""

SETTINGS = (*DECIDING, *ACCOMPANYING)

_PASSED_ON = re.compile(
    r"PG[A-Z]+|(?:HTTPS?|ALL|NO|WSS?)_PROXY|(?:https?|all|no|wss?)_proxy"
    r"|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|NODE_EXTRA_CA_CERTS|NODE_TLS_REJECT_UNAUTHORIZED"
)
"""What else of an environment file a probe should see: drivers read these by themselves."""

_REFERENCE = re.compile(r"\$\{[A-Za-z_]\w*\}")
_MOST_BYTES = 1 << 20
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Target:
    """What a run is pointed at.

    Args:
        kind: the lab, or whatever the variables name.
        variables: the settings, and every other variable of the environment file that the probes should see.
            For
            the lab the settings are left out: it brings its own.
        places: where each variable comes from: ``environment`` or ``.env:3``.
        notes: what a person should know of how it was resolved, a sentence each, without any value.
        overridden: where the file names a variable that the environment sets otherwise, which goes before it.
    """

    kind: Literal["lab", "env"]
    variables: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    overridden: Mapping[str, str] = field(default_factory=dict)

    def with_what_is_overridden(self, fix: Sequence[str]) -> list[str]:
        """Remedies, with one before them for each variable they name that the environment has otherwise."""
        named = set(re.findall(r"\w+", " ".join(fix)))
        return [
            f"{name} of the environment goes before the one at {place}: unset it, or set it to that value."
            for name, place in self.overridden.items()
            if name in named
        ] + list(fix)

    @property
    def sources(self) -> dict[str, str]:
        """Where each comes from: ``DATABASE_URL in the environment`` or ``DATABASE_URL at .env:3``."""
        return {name: _source(name, place) for name, place in self.places.items()}

    def sentence(self) -> str:
        """The target in one line, for the head of everything that is shown."""
        if self.kind == "lab":
            return "the lab"
        telling = [
            name for name in self.places if name in SETTINGS and not _goes_without_saying(name, self.places)
        ]
        if len(telling) == 1:
            return self.sources[telling[0]]
        return "; ".join(
            f"{', '.join(names)} {where}" for where, names in _by_origin(telling, self.places).items()
        )


def _goes_without_saying(name: str, places: Mapping[str, str]) -> bool:
    """Whether another variable says it all: one that goes before this, or that this belongs to."""
    if name == "POSTGRES_URL_NON_POOLING":
        return True
    other = {"POSTGRES_URL": "DATABASE_URL", "UPSTASH_REDIS_REST_TOKEN": "UPSTASH_REDIS_REST_URL"}.get(name)
    return other in places


def _by_origin(names: Iterable[str], places: Mapping[str, str]) -> dict[str, list[str]]:
    origins: dict[str, list[str]] = {}
    for name in names:
        place = places[name]
        where = "in the environment" if place == ENVIRONMENT else f"in {place.rpartition(':')[0]}"
        origins.setdefault(where, []).append(name)
    return origins


def _source(name: str, place: str) -> str:
    return f"{name} in the environment" if place == ENVIRONMENT else f"{name} at {place}"


def resolve(environ: Mapping[str, str], *, wanted: str | None = None, env_file: Path | None = None) -> Target:
    """Find the target and judge it.

    Args:
        environ: the process's environment.
        wanted: ``lab`` or ``env`` where a flag says so.
        env_file: an environment file; a variable of the environment goes before one of the file.

    Raises:
        UsageError: the file cannot be read or misspells a setting, a value is of no use to any driver, or
            ``env`` is wanted and nothing is set.
    """
    entries = {} if env_file is None else read_env_file(env_file)
    variables, places, overridden = _merged(environ, _that_matter(entries), env_file)
    notes = [f"{name} at {place} is overridden by the environment" for name, place in overridden.items()]
    chosen = [name for name in DECIDING if name in variables]
    if wanted == "env" and not chosen:
        raise UsageError(_nothing_set(env_file))
    if wanted is None and not chosen:
        _refuse_misspelt(entries, env_file)
    if wanted == "lab" or not chosen:
        return _lab(variables, places, notes, asked=wanted == "lab", env_file=env_file)
    _judge(environ, variables, places)
    return Target("env", variables, places, tuple(notes), overridden)


def _refuse_misspelt(entries: Mapping[str, dotenv.Entry], env_file: Path | None) -> None:
    """A file that misspells the only setting would quietly test the lab, and call that a pass."""
    for name, entry in entries.items():
        meant = get_close_matches(name, DECIDING, n=1, cutoff=0.85)
        if meant:
            raise UsageError(
                f"{name} ({env_file}:{entry.line}): no such setting; is {meant[0]} meant? For the lab, "
                "add --target lab"
            )


def _nothing_set(env_file: Path | None) -> str:
    return f"--target env: {_none_is_set(env_file)}; set one, or leave --target out [cfg-url-missing]"


def _none_is_set(env_file: Path | None) -> str:
    beside = "" if env_file is None else f" here or in {env_file}"
    return f"no DATABASE_URL, POSTGRES_URL or UPSTASH_REDIS_* is set{beside}"


def _merged(
    environ: Mapping[str, str], entries: Mapping[str, dotenv.Entry], env_file: Path | None
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The variables, where each comes from, and where those stand that the environment has otherwise."""
    variables = {name: environ[name] for name in SETTINGS if name in environ}
    places = dict.fromkeys(variables, ENVIRONMENT)
    overridden = {}
    for name, entry in entries.items():
        place = f"{env_file}:{entry.line}"
        if name in environ:
            if environ[name] != entry.value:
                overridden[name] = place
            continue
        _refuse_reference(entry, place)
        variables[name], places[name] = entry.value, place
    return variables, places, overridden


def _refuse_reference(entry: dotenv.Entry, place: str) -> None:
    if not entry.literal and _REFERENCE.search(entry.value):
        raise UsageError(
            f"{entry.name} ({place}): refers to another variable, which is not expanded here; "
            "write the value out, or put it in single quotes if it is meant as it stands"
        )


def _lab(
    variables: Mapping[str, str],
    places: Mapping[str, str],
    notes: Iterable[str],
    *,
    asked: bool,
    env_file: Path | None,
) -> Target:
    ignored = [_source(name, places[name]) for name in SETTINGS if name in variables]
    kept = {name: value for name, value in variables.items() if name not in SETTINGS}
    said = [note for note in notes if note.split(" ", 1)[0] not in SETTINGS]
    if not asked:
        said.insert(0, _none_is_set(env_file))
    if ignored:
        said.append(f"ignored: {', '.join(ignored)}")
    return Target("lab", kept, {name: places[name] for name in kept}, tuple(said))


def _judge(environ: Mapping[str, str], variables: Mapping[str, str], places: Mapping[str, str]) -> None:
    try:
        Settings.from_environment({**environ, **variables})
    except SettingsError as error:
        place = f" ({places[error.variable]}):" if error.variable in places else ""
        raise UsageError(
            f"{error.variable}{place} {error.problem}; {error.remedy} [{error.cause}]"
        ) from error


def read_env_file(env_file: Path) -> dict[str, dotenv.Entry]:
    """The file's variables, the last assignment of each."""
    try:
        with env_file.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise UsageError(
            f"--env-file {env_file}: cannot be read ({problem}); name a readable file"
        ) from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"--env-file {env_file}: is larger than 1 MiB; name an environment file")
    try:
        entries = dotenv.parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{env_file}:{line}: is not UTF-8 text; save the file as UTF-8") from error
    except dotenv.DotenvError as error:
        raise UsageError(f"{env_file}:{error.line}: {error}") from error
    return {entry.name: entry for entry in entries}


def _that_matter(entries: Mapping[str, dotenv.Entry]) -> dict[str, dotenv.Entry]:
    """Those of the file's variables that a probe should see."""
    return {name: entry for name, entry in entries.items() if name in SETTINGS or _PASSED_ON.fullmatch(name)}
