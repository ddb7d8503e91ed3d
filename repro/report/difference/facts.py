"""The facts of two runs side by side, as rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from repro.document import FAILING, ChainLink, Finding, Outcome, RunDocument, StageStatus
from repro.report import proof
from repro.report.difference.meaning import Meaning
from repro.report.difference.model import MOST_EVENTS, Line, Row, Section, Side
from repro.report.escape import one_line
from repro.report.facts import NAMES, TARGET_NAMES
from repro.report.facts import told as pieces
from repro.report.matrix import tally
from repro.trace.formats import fields

ABSENT = "not in this run"

_VERSIONS = {"drivers": "installed", "servers": "server", "lab": "of the lab"}
"""Groups of the environment that are versions by name, and what is said of them."""

Told = Mapping[str, str]
"""Facts of one run by their names."""


class Rows:
    """Makes rows of what two runs say, with what it means in each.

    Args:
        a: of the first run.
        b: of the second one.
    """

    def __init__(self, a: Meaning, b: Meaning) -> None:
        self._a, self._b = a, b

    def of(self, a: Told, b: Told) -> list[Row]:
        """A row for each name of which one of them says something, in order."""
        names = [name for name in dict.fromkeys((*a, *b)) if a.get(name) or b.get(name)]
        return [self._row(name, one_line(a.get(name, "")), one_line(b.get(name, ""))) for name in names]

    def _row(self, name: str, a: str, b: str) -> Row:
        return Row(one_line(name), a, b, same=self._a.of_fact(a) == self._b.of_fact(b))


def results(a: Side, b: Side, rows: Rows, chosen: Collection[str]) -> list[Section]:
    """What came of both runs: the verdict, each probe, each finding.

    Args:
        a: the first run.
        b: the second one.
        rows: makes the rows.
        chosen: the names of the probes that are looked at.
    """
    documents = a.document, b.document
    return [
        Section("verdict", rows.of(*(_verdict(each) for each in documents))),
        Section("probes", _probes(*documents, rows, chosen)),
        Section("findings", rows.of(*(_findings(each["findings"], chosen) for each in documents))),
    ]


def _verdict(document: RunDocument) -> Told:
    return {"verdict": document["verdict"], "probes": tally(document["probes"])}


def _probes(a: RunDocument, b: RunDocument, rows: Rows, chosen: Collection[str]) -> list[Row]:
    named = [{each["name"]: ended(each) for each in document["probes"]} for document in (a, b)]
    names = [name for name in dict.fromkeys((*named[0], *named[1])) if name in chosen]
    names.sort(key=lambda name: name not in named[0] or name not in named[1])
    return rows.of(*({name: each.get(name, ABSENT) for name in names} for each in named))


def ended(outcome: Outcome) -> str:
    """What a probe came to: ``pass``, or ``fail at connect: connection_refused``."""
    error = outcome["error"]
    if error is not None and outcome["status"] in FAILING:
        return f"{outcome['status']} at {error['operation']}: {error['failure']}"
    return f"skip: {outcome['reason']}" if outcome["status"] == "skip" else outcome["status"]


def _findings(findings: Iterable[Finding], chosen: Collection[str]) -> Told:
    return {
        finding["cause"] or finding["title"]: f"{proof.word(finding)}: {', '.join(finding['probes'])}"
        for finding in findings
        if not set(finding["probes"]).isdisjoint(chosen)
    }


def of_probe(outcome: Outcome) -> Told:
    """The facts of one probe: what it was to dial, how far it came, and how it failed."""
    return {
        "result": outcome["status"],
        "reason": outcome["reason"] or "",
        "predicted": ", ".join(each["url"] for each in outcome["predicted"]),
        "stages passed": _stages(outcome, "pass"),
        "stage failed": _stages(outcome, "fail"),
        "stages that do not apply": _stages(outcome, "not_applicable"),
        **_error(outcome),
        "effect applied": outcome["applied"],
        "atomicity found": outcome["atomicity"]["status"].replace("_", " "),
        "backends": str(len(outcome["atomicity"]["backends"])),
        "transaction ids": str(len(outcome["atomicity"]["xids"])),
        **{f"note {number}": note for number, note in enumerate(outcome.get("notes", []), start=1)},
    }


def _stages(outcome: Outcome, status: StageStatus) -> str:
    return " ".join(stage["name"] for stage in outcome["stages"] if stage["status"] == status)


def _error(outcome: Outcome) -> Told:
    error = outcome["error"]
    if error is None:
        return {}
    codes = filter(None, (error["errno"], error["sqlstate"] and f"SQLSTATE {error['sqlstate']}"))
    told = {
        "failure": f"{error['failure']} at {error['operation']}",
        "codes": ", ".join(codes),
        "failed at the address": error["address"] or "",
    }
    links = error["chain"] or [ChainLink(type=error["type"], message=error["message"], code=None)]
    return told | {
        f"error {depth}": f"{link['type']}: {link['message']}" for depth, link in enumerate(links, start=1)
    }


def surroundings(a: Side, b: Side, rows: Rows, chosen: Collection[str]) -> list[Section]:
    """What both were run with, the versions first.

    Args:
        a: the first run.
        b: the second one.
        rows: makes the rows.
        chosen: the names of the probes that are looked at.
    """
    settings = _settings(a, b, chosen)
    sides = a.document, b.document
    return [
        Section("versions", rows.of(*_versions(*sides, chosen))),
        Section("environment", rows.of(*map(_environment, sides))),
        Section("variables in force", rows.of(*_variables(*sides))),
        Section("target", rows.of(*map(_target, sides))),
        Section("server's settings, as drivers were told", rows.of(*settings)),
        Section("transaction", rows.of(*map(_transaction, sides))),
    ]


def _versions(a: RunDocument, b: RunDocument, chosen: Collection[str]) -> tuple[Told, Told]:
    """The installed versions, then those that were seen by the probes that both runs tried."""
    tried = [{each["name"] for each in run["probes"] if each["status"] != "skip"} for run in (a, b)]
    both = tried[0] & tried[1] & set(chosen)
    first, second = (_installed(run) | _seen(run, both) for run in (a, b))
    return first, second


def _installed(document: RunDocument) -> dict[str, str]:
    facts = document["environment"]
    found = {document["tool"]["name"]: document["tool"]["version"]}
    found |= {NAMES[name]: ", ".join(pieces(facts.get(name))) for name in ("python", "openssl", "libpq")}
    for name, of_what in _VERSIONS.items():
        group = facts.get(name)
        if isinstance(group, Mapping):
            found |= {f"{each} ({of_what})": str(version) for each, version in group.items()}
    return found


def _seen(document: RunDocument, probes: Collection[str]) -> dict[str, str]:
    """The versions that probes tell themselves: of Node's packages, of libraries in C, of the server."""
    found: dict[str, dict[str, None]] = {}
    for outcome in document["probes"]:
        if outcome["name"] in probes:
            driver, version = outcome["driver"]["name"], outcome["driver"]["version"]
            told = {**outcome.get("versions", {}), **({driver: version} if driver and version else {})}
            for name, each in told.items():
                found.setdefault(f"{name} (seen by probes)", {})[each] = None
    return {name: ", ".join(versions) for name, versions in found.items()}


def _environment(document: RunDocument) -> Told:
    apart = {"python", "openssl", "libpq", "variables", *_VERSIONS}
    rest = {name: value for name, value in document["environment"].items() if name not in apart}
    return {label: told for name, value in rest.items() for label, told in _flat(name, value)}


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A fact, or each of its parts: ``Platform system`` and ``Platform machine``."""
    label = NAMES.get(name, TARGET_NAMES.get(name, name))
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield f"{label} {inner}", ", ".join(pieces(each))
    else:
        yield label, ", ".join(pieces(value))


def _variables(a: RunDocument, b: RunDocument) -> tuple[Told, Told]:
    """Whether each variable that a driver heeds is set; their values are in no document."""
    named = [pieces(document["environment"].get("variables")) for document in (a, b)]
    names = sorted({*named[0], *named[1]})
    first, second = ({name: "set" if name in each else "not set" for name in names} for each in named)
    return first, second


def _target(document: RunDocument) -> Told:
    target = document["target"]
    found = {"target": "the lab" if target.get("kind") == "lab" else "the user's own"}
    for name, value in target.items():
        if name != "kind":
            inner = value.items() if isinstance(value, Mapping) else [(name, value)]
            found |= {label: told for each in inner for label, told in _flat(*each)}
    return found


def _settings(a: Side, b: Side, chosen: Collection[str]) -> tuple[Told, Told]:
    """What the server told in both runs at login, over all probes that it told something in both."""
    told = [{name: dict(_told_by_server(lines)) for name, lines in each.events.items()} for each in (a, b)]
    both = [name for name in told[0] if name in chosen and told[0][name] and told[1].get(name)]
    first, second = (_joined(each[name] for name in both) for each in told)
    return first, second


def _told_by_server(lines: Iterable[Line]) -> Iterator[tuple[str, str]]:
    for line in islice(lines, MOST_EVENTS):
        name, value = fields.text(line, "pg.parameter"), fields.text(line, "pg.parameter_value")
        if name and value and name != "server_version":  # it stands among the versions
            yield name, value


def _joined(settings: Iterable[Mapping[str, str]]) -> Told:
    found: dict[str, dict[str, None]] = {}
    for each in settings:
        for name, value in each.items():
            found.setdefault(name, {})[value] = None
    return {name: ", ".join(values) for name, values in sorted(found.items())}


def _transaction(document: RunDocument) -> Told:
    statements = document["transaction"]["statements"]
    numbered = {f"statement {number}": text for number, text in enumerate(statements, start=1)}
    return {"effect": document["transaction"]["effect"], **numbered}
