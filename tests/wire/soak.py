"""Feeds random and changed inputs to every decoder: ``python -m tests.wire.soak --inputs N --seed S``.

It is no test that runs by itself. It holds that nothing is raised, no buffer grows beyond its bound, and each
failure is a known one; of one input in eight, that the same bytes in other pieces give the same messages.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from repro.events import FAILURES
from repro.wire.duplex import Duplex
from repro.wire.message import Message
from repro.wire.pqtrace import traced
from repro.wire.sql import redact_message, redact_sql
from tests.wire.streams import CASES, LARGEST_BUFFER, PQTRACE, Segment, mutate, rechunk

SECRET = "Xs3cr3t+Zebra/9Q"
VALID = {name: segments(SECRET) for name, (_, segments) in CASES.items()}
POOL = [segment for segments in VALID.values() for segment in segments]
STATEMENTS = [
    "SELECT $a$x$a$, E'\\'y', 'z' /* /* 1 */ */ FROM \"t\" -- end\nWHERE a = 1.5e-3",
    'duplicate key value violates unique constraint "jobs_pkey" DETAIL: Key (id)=(7) of relation "jobs"',
]


def segments_for(name: str, source: random.Random, *, whole: bool) -> list[Segment]:
    """A third is random bytes or a mixture of all protocols, the rest are conversations with changes."""
    if source.random() < 1 / 6:
        sizes = (1, 5, 30, 300)
        return [_random_segment(source, source.choice(sizes)) for _ in range(source.randint(1, 8))]
    if source.random() < 1 / 5:
        return source.choices(POOL, k=source.randint(1, 8))
    valid = VALID[name] if whole else short(VALID[name], source)
    return mutate(valid, source)


def _random_segment(source: random.Random, size: int) -> Segment:
    return ("client" if source.random() < 0.5 else "server"), source.randbytes(size)


def short(segments: list[Segment], source: random.Random) -> list[Segment]:
    """A few of the segments, from their beginning or from their middle."""
    at = source.choice((0, source.randrange(len(segments))))
    return [(sender, data[:120]) for sender, data in segments[at : at + 4]]


def decode(decoder: Duplex, segments: Sequence[Segment]) -> tuple[list[Message], int]:
    """The messages, and the largest buffer on the way."""
    messages: list[Message] = []
    largest = 0
    for sender, data in segments:
        messages += decoder.feed(sender, data)
        largest = max(largest, decoder.buffered)
    messages += decoder.end("client") + decoder.end("server")
    return messages, largest


def bytes_input(name: str, source: random.Random, *, whole: bool) -> tuple[int, int]:
    """One input to a decoder of bytes: the number of messages, and the largest buffer."""
    make = CASES[name][0]
    segments = segments_for(name, source, whole=whole)
    messages, largest = decode(make(), segments)
    if source.random() < 1 / 8:
        pieces = rechunk([(sender, data[:2000]) for sender, data in segments], source)
        held, other = decode(make(), pieces), decode(make(), _joined(pieces))
        largest = max(largest, held[1], other[1])
        assert held[0] == other[0], "other pieces give other messages"
    assert largest <= LARGEST_BUFFER, f"{largest} bytes are kept"
    assert all(message.failure is None or message.failure in FAILURES for message in messages)
    return len(messages), largest


def _joined(pieces: list[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for sender, data in pieces:
        before = joined.pop()[1] if joined and joined[-1][0] == sender else b""
        joined.append((sender, before + data))
    return joined


def text_input(
    read: Callable[[str], int], text: str, source: random.Random, *, whole: bool
) -> tuple[int, int]:
    """One input to a decoder of text."""
    del whole  # they are short always
    changed = mutate([("client", text.encode())], source)[0][1]
    return read(changed.decode("utf-8", "replace")), 0


def _read_statement(text: str) -> int:
    redact_sql(text)
    redact_sql(text, backslashes=True)
    redact_message(text)
    return 0


DECODERS: dict[str, Callable[..., tuple[int, int]]] = {
    **{name: partial(bytes_input, name) for name in sorted(CASES)},
    "pqtrace": partial(text_input, lambda text: len(list(traced(text))), PQTRACE),
    **{f"sql-{number}": partial(text_input, _read_statement, text) for number, text in enumerate(STATEMENTS)},
}


def main() -> int:
    """Runs, prints one line, and is 1 if anything was raised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input, to repeat one")
    parser.add_argument(
        "--short", action="store_true", help="inputs of a few hundred bytes: many more of them"
    )
    options = parser.parse_args()
    source = random.Random()
    names = list(DECODERS)
    messages = exceptions = largest = 0
    slowest = (0.0, 0)
    begun = time.perf_counter()
    for number in range(options.first, options.first + options.inputs):
        source.seed((options.seed << 32) + number)
        name = source.choice(names)
        before = time.thread_time()
        try:
            said, kept = DECODERS[name](source, whole=not options.short)
        except Exception:  # noqa: BLE001 - it counts them all
            exceptions += 1
            sys.stderr.write(f"{name}, --seed {options.seed} --first {number}:\n{traceback.format_exc()}")
            continue
        slowest = max(slowest, (time.thread_time() - before, number))
        messages += said
        largest = max(largest, kept)
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(
        f"inputs={options.inputs} messages={messages} exceptions={exceptions} largest_buffer={largest} "
        f"slowest_ms={slowest[0] * 1e3:.0f} slowest_input={slowest[1]} peak_mb={peak_mb} "
        f"seed={options.seed} seconds={seconds:.0f}\n"
    )
    return 1 if exceptions else 0


if __name__ == "__main__":
    sys.exit(main())
