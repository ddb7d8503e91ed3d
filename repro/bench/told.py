"""What a bench says, in words that the terminal and the page share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.bench.document import BenchDocument, BudgetRecord, ProbeRecord, RatioRecord, Rounds, Times
from repro.bench.lineup import BASELINES, Work

_ENDED = {
    "deadline": "the deadline came first",
    "interrupted": "it was interrupted",
}
_DURING = {
    "first": "the first time",
    "connect": "while it connected",
    "transact": "in a later round",
    "cleanup": "while it cleaned up",
}
_FAR_FROM_ONE = 1.10
"""A machine on which a driver differs from itself by more is busy with something else."""


def by_time(document: BenchDocument, work: Work) -> list[ProbeRecord]:
    """The probes of a work that were timed, by place and median; one that only connected comes last."""
    timed = [
        each for each in document["probes"] if each["work"] == work and (each["effect"] or each["connect"])
    ]
    return sorted(timed, key=_standing)


def _standing(probe: ProbeRecord) -> tuple[float, float]:
    last = float("inf")
    median_ms = last if probe["effect"] is None else probe["effect"]["median_ms"]
    return last if probe["place"] is None else probe["place"], median_ms


def milliseconds(value: float) -> str:
    """A time with three figures: ``0.342 ms``, ``3.42 ms``, ``34.2 ms``, ``342 ms``, ``3.42 s``."""
    if value >= 999.5:
        return f"{value / 1000:.2f} s"
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.9995 else 3
    return f"{value:.{digits}f} ms"


def median(times: Times | None) -> str:
    """A median; a dash where there is none."""
    return "-" if times is None else milliseconds(times["median_ms"])


def slow(times: Times | None) -> str:
    """What 95 of 100 stay within; a dash where there are too few."""
    return "-" if times is None or times["p95_ms"] is None else milliseconds(times["p95_ms"])


def between(times: Times | None) -> str:
    """The interval of a median; a dash where that cannot be said."""
    if times is None or times["interval_ms"] is None:
        return "-"
    low, high = times["interval_ms"]
    return f"{milliseconds(low)} to {milliseconds(high)}"


def ratio_alone(found: RatioRecord | None) -> str:
    """A ratio without its interval: ``1.09 times``; nothing where there is none."""
    return "" if found is None else f"{found['value']:.2f} times"


def ratio(found: RatioRecord | None, *, baseline: bool = False) -> str:
    """A ratio with its interval: ``1.09 (1.05 to 1.13)``."""
    if baseline:
        return "1"
    if found is None:
        return "-"
    if found["interval"] is None:
        return f"{found['value']:.2f} (too few rounds to say how sure)"
    low, high = found["interval"]
    return f"{found['value']:.2f} ({low:.2f} to {high:.2f})"


def failure(probe: ProbeRecord) -> str:
    """How a probe failed: ``connection_refused at connect, in its first transaction: refused``."""
    error = probe["error"]
    if error is None:
        return probe["reason"] or probe["status"]
    where = f" at {error['operation']}" if error["operation"] else ""
    return f"{error['failure']}{where}, {_DURING[error['during']]}: {error['message']}"


def budget(record: BudgetRecord) -> str:
    """What became of a budget: ``exceeded: 1.82 (1.75 to 1.90) of 1.50``."""
    limit = _amount(record["limit"], record)
    if record["found"] is None:
        return f"not measured: the limit is {limit}"
    found = _amount(record["found"], record)
    if record["interval"] is not None:
        low, high = (_amount(each, record) for each in record["interval"])
        found = f"{found} ({low} to {high})"
    words = {
        "kept": f"kept: {found} of {limit}",
        "exceeded": f"exceeded: {found}, and the limit is {limit}",
        "unclear": f"too close to say: {found}, and the limit is {limit}; more rounds (--repeat) tell",
    }
    return words[record["verdict"]]


def _amount(value: float, record: BudgetRecord) -> str:
    return f"{value:.2f}" if record["unit"] == "ratio" else milliseconds(value)


def notes(document: BenchDocument, work: Work) -> Iterator[str]:
    """What a reader must know before believing the times of a work, a sentence each."""
    if not by_time(document, work):
        return
    yield from _noise(document, work)
    yield from _alike(document, work)
    yield from _gateways(document, work)
    if document["effect"] == "rollback" and work == "transaction":
        yield (
            "Each transaction made its temporary tables first, and that is counted: drivers look more alike "
            "than they are. --commit times the production transaction alone, in a schema that is dropped."
        )
    if not any(each["baseline"] and each["effect"] for each in document["probes"] if each["work"] == work):
        yield f"{BASELINES[work]} was not timed, so there is nothing to hold the others against."


def _gateways(document: BenchDocument, work: Work) -> Iterator[str]:
    """Which of them go through gateways of the lab, whose pace is not that of any service."""
    through = [each["name"] for each in by_time(document, work) if each["transport"] in {"http", "websocket"}]
    if through and document["target"].get("kind") == "lab":
        yield f"Through the lab's own gateways, whose pace is no service's: {', '.join(through)}."


def _noise(document: BenchDocument, work: Work) -> Iterator[str]:
    """How far the machine's noise reaches: what the baseline differs from itself."""
    for control in document["controls"]:
        found = control["ratio"]
        if control["work"] != work or found is None:
            continue
        far = max(found["value"], 1 / found["value"]) if found["value"] else 1.0
        busy = "; this machine is busy: measure again on a quiet one" if far > _FAR_FROM_ONE else ""
        yield f"Noise: {control['name']} held against itself takes {ratio(found)} times as long{busy}."


def _alike(document: BenchDocument, work: Work) -> Iterator[str]:
    """Those that cannot be told apart, in one sentence."""
    names = [each["name"] for each in by_time(document, work) if each["effect"]]
    found = [
        " and ".join(filter(None, (", ".join(group[:-1]), group[-1]))) for group in groups(document, names)
    ]
    if found:
        yield f"Cannot be told apart: {'; '.join(found)}."


def groups(document: BenchDocument, names: Sequence[str]) -> list[list[str]]:
    """Runs of names of which each two are alike, none inside another.

    Args:
        document: knows which two are.
        names: in order.
    """
    alike = {frozenset(each["probes"]) for each in document["alike"]}
    found: list[list[str]] = []
    reached = 0
    for place, name in enumerate(names):
        end = place + 1
        while end < len(names) and all(frozenset((each, names[end])) in alike for each in names[place:end]):
            end += 1
        if end - place > 1 and end > reached:
            found.append([name, *names[place + 1 : end]])
            reached = end
    return found


def method(document: BenchDocument) -> str:
    """How it was measured, in one sentence."""
    how = document["method"]
    text = (
        f"{_rounds(how['connects'])} connects and {_rounds(how['transactions'])} repetitions of each on a "
        f"warm connection, {how['warm_up']} before them not counted, in shuffled order (seed {how['seed']}); "
        f"medians with their {how['confidence'] * 100:.0f} % intervals"
    )
    ended = _ENDED.get(how["ended"])
    return f"{text}; {ended}" if ended else text


def _rounds(rounds: Rounds) -> str:
    asked, done = rounds["asked"], rounds["done"]
    return f"{done}" if asked == done else f"{done} of {asked}"
