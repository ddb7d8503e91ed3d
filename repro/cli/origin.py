"""``repro lab run origin``: the failure that this tool began with, and what lay behind it.

Three acts on one real Postgres: the serverless drivers with nothing on 443; the same through a gateway, where
all seems well; and transactions at once, where the default client loses its atomicity.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from repro.cli import errors, output, session, staging
from repro.cli.errors import plain
from repro.document import Outcome
from repro.events import Peer
from repro.lab import own_network
from repro.lab.errors import LabError
from repro.lab.listeners import is_free
from repro.observe.catalog import NODE, Entry
from repro.observe.plan import DEFAULT_DEADLINE_S, Plan
from repro.observe.progress import Silent
from repro.observe.run import observe
from repro.probe.node import NODE_MISSING

SERVERLESS_PORT = 443
"""Where the serverless packages dial, whatever port the URL names."""

_DATABASE = [entry for entry in NODE if entry.needs[0] == "DATABASE_URL"]


def run(arguments: argparse.Namespace) -> int:
    """Show it.

    Raises:
        CannotTest: there is no Node, port 443 is not to be had free, or the lab does not start.
    """
    session.check_lab_servers(arguments)
    packages = session.node_packages()  # first: another network may not reach a registry
    if NODE_MISSING in packages:
        raise errors.CannotTest(f"the original drivers: {packages[NODE_MISSING]}")
    nothing_on_443()
    try:
        with staging.running_lab(arguments) as lab:
            told = _Told(lab.environment, packages)
            told.first_act()
            told.second_act()
            told.third_act()
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    return errors.OK


def nothing_on_443() -> None:
    """Be where nobody listens on 443: on this machine's network, else on one of this process's own.

    Raises:
        CannotTest: somebody listens there, and no other network is allowed.
    """
    if is_free(SERVERLESS_PORT):
        return
    taken = f"something listens on port {SERVERLESS_PORT} of localhost, where the original had nothing"
    try:
        own_network.enter()
    except OSError as error:
        why = error.strerror or error
        raise errors.CannotTest(f"{taken}; stop it (a network of its own is not to be had: {why})") from error
    errors.tell(f"network {taken}: this runs on a network of its own")


class _Told:
    """The three acts, told on standard output.

    Args:
        lab: the lab's environment.
        packages: where the Node packages are.
    """

    def __init__(self, lab: Mapping[str, str], packages: Mapping[str, str]) -> None:
        self._packages = packages
        self._lab = lab
        self._direct = {"DATABASE_URL": lab["DATABASE_URL"]}
        self._gateway = {
            **self._direct,
            **{name: lab[name] for name in ("NEON_FETCH_ENDPOINT", "NEON_WS_PROXY")},
        }

    def first_act(self) -> None:
        """A local Postgres, and nothing on 443."""
        _say("1. A local Postgres, its URL in .env, nothing on port 443")
        _say("")
        for outcome, lines in self._tried(self._direct, _DATABASE, commit=False):
            _say(f"   {_verdict(outcome)}")
            if outcome["name"] == "node.drizzle-vercel-sql":
                self._chain(outcome, lines)
        _say("")

    def second_act(self) -> None:
        """The same through a gateway."""
        _say("2. The same, with a gateway for the serverless protocol: one transaction at a time")
        _say("")
        for outcome, _ in self._tried(self._gateway, _DATABASE, commit=False):
            _say(f"   {_verdict(outcome)}")
        _say("")

    def third_act(self) -> None:
        """Transactions at once."""
        _say("3. The same again, with transactions at once, each with another await inside")
        _say("")
        for outcome, _ in self._tried(self._gateway, _DATABASE, commit=True):
            _say(f"   {_verdict(outcome)}")
            if outcome["atomicity"]["status"] == "broken" and outcome["error"] is not None:
                _say(f"       {plain(outcome['error']['message'])}")
        _say("")
        _say("   BEGIN, the statements and COMMIT of drizzle(sql) each take any connection of the pool.")
        _say("   drizzle(createPool()) and drizzle-orm/node-postgres take one for the whole transaction.")

    def _tried(
        self, variables: Mapping[str, str], entries: Sequence[Entry], *, commit: bool
    ) -> list[tuple[Outcome, list[dict[str, Any]]]]:
        environment = {
            name: self._lab[name] for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS") if name in self._lab
        }
        plan = Plan(
            run_id=session.new_run_id(),
            kind="env",
            variables=variables,
            entries=entries,
            deadline_s=DEFAULT_DEADLINE_S,
            commit=commit,
            inherited={**self._packages, **environment},
        )
        seen = observe(plan, Silent())
        if seen.interrupted:
            raise KeyboardInterrupt
        return [(outcome, seen.events.get(outcome["name"], [])) for outcome in seen.outcomes]

    def _chain(self, outcome: Outcome, lines: Sequence[Mapping[str, Any]]) -> None:
        error = outcome["error"]
        for depth, link in enumerate([] if error is None else error["chain"]):
            code = f" [{link['code']}]" if link["code"] else ""
            message = plain(link["message"]) or "(no message)"
            _say(f"       {'  ' * depth}{plain(link['type'])}: {message}{code}")
        for line in lines:
            if line["op"] == "connect" and line["peer"] is not None:
                where = Peer(line["peer"]["address"], line["peer"]["port"])
                _say(f"       dialled {where}: {line['errno'] or 'connected'}, says the {line['src']}")


def _verdict(outcome: Outcome) -> str:
    error = outcome["error"]
    why = "" if error is None else f"  {error['failure']} at {error['operation']}"
    predicted = outcome["predicted"][0]["url"] if outcome["predicted"] else ""
    return f"{outcome['status']:<5} {outcome['name']:<25} {predicted:<34}{why}".rstrip()


def _say(text: str) -> None:
    output.write(f"{text}\n")
