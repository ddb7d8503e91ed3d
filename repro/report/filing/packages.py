"""Which packages a run holds, of which ecosystem, in which version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.document import Outcome, RunDocument


def ecosystem(outcome: Outcome) -> str:
    """Where the packages of a probe come from: ``npm`` for one of Node, else ``pypi``."""
    name = outcome["name"]
    return "npm" if name.startswith("node.") or ".node-" in name else "pypi"


def driver(outcome: Outcome) -> str | None:
    """The package that a probe stands for, as ``pypi:psycopg``; None where it has no driver of its own."""
    name = outcome["driver"]["name"]
    if not name or outcome["driver"]["version"] is None or name == "standard library":
        return None
    return f"{ecosystem(outcome)}:{name.casefold()}"


def loaded(outcome: Outcome) -> set[str]:
    """The packages that a probe tells of, its driver among them, as ``pypi:asyncpg``.

    A probe of Node tells of all that are installed for it.
    """
    where, name = ecosystem(outcome), driver(outcome)
    beside = {f"{where}:{each.casefold()}" for each in outcome.get("versions", {})}
    return beside | ({name} if name is not None else set())


def version(document: RunDocument, outcomes: Sequence[Outcome], package: str) -> str | None:
    """The version of a package, as these probes loaded it; else as any probe did.

    Args:
        document: the run.
        outcomes: the probes that are looked at first.
        package: such as ``npm:drizzle-orm``.
    """
    known = dict(_loaded(document, (*outcomes, *document["probes"])))
    return known.get(package.casefold())


def _loaded(document: RunDocument, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    """Every package with its version; those that count most come last."""
    drivers = document["environment"].get("drivers")
    if isinstance(drivers, dict):
        yield from ((f"pypi:{name.casefold()}", str(told)) for name, told in drivers.items())
    for outcome in reversed(outcomes):
        where = ecosystem(outcome)
        for name, told in outcome.get("versions", {}).items():
            yield f"{where}:{name.casefold()}", told
        if outcome["driver"]["name"] and outcome["driver"]["version"]:
            yield f"{where}:{outcome['driver']['name'].casefold()}", outcome["driver"]["version"]
