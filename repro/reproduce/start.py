"""The program that a reduction starts from: all that a probe of a run did, in the versions that it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.document import Finding, Outcome, RunDocument
from repro.reproduce.case import whole
from repro.reproduce.drivers import Driver
from repro.reproduce.place import Place
from repro.reproduce.program import Program
from repro.reproduce.sameness import sentence


def program_of(
    document: RunDocument,
    outcome: Outcome,
    driver: Driver,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
) -> Program:
    """The whole program.

    Args:
        document: the run.
        outcome: of the probe, which failed.
        driver: the probe's.
        variables: the target's settings, under their environment names.
        environ: the environment of a program, without them.
    """
    versions = versions_in(document, outcome, driver)
    found = [each for each in document["findings"] if driver.probe in each["probes"] and each["cause"]]
    name = driver.packages[0]
    return Program(
        driver,
        whole(driver, variables, environ, durable=document["transaction"]["effect"] == "commit"),
        Place(driver.variable),
        versions,
        failure=f"{name.partition('[')[0]} {versions[name]}".strip() + f": {sentence(outcome)}.",
        origin=_origin(document, driver, found),
        causes=[each["cause"] for each in found if each["cause"]],
    )


def versions_in(document: RunDocument, outcome: Outcome, driver: Driver) -> dict[str, str]:
    """The versions of a driver's packages in a run; empty for one of which it says nothing."""
    known: dict[str, str] = {}
    for told in (document["environment"].get("drivers"), outcome.get("versions")):
        known |= {str(name).lower(): str(version) for name, version in (told or {}).items()}
    if outcome["driver"]["name"] and outcome["driver"]["version"]:
        known[outcome["driver"]["name"].lower()] = outcome["driver"]["version"]
    return {name: known.get(name.partition("[")[0].lower(), "") for name in driver.packages}


def _origin(document: RunDocument, driver: Driver, found: Sequence[Finding]) -> str:
    """Where it comes from, and what was found there: what the target has to be like."""
    made = f"Made by txrepro from the run {document['run_id']}, probe {driver.probe}"
    causes = "; ".join(f"{each['title']} ({each['cause']}, {each['proof']})" for each in found)
    return f"{made}, where it found: {causes}." if causes else f"{made}."
