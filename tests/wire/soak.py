"""Feeds random and changed inputs to every decoder: ``python -m tests.wire.soak --inputs N --seed S``."""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from repro.wire.duplex import Duplex
from tests.wire.streams import CASES, Segment, mutate, rechunk

SECRET = "Xs3cr3t+Zebra/9Q"


def random_segments(source: random.Random) -> list[Segment]:
    """Random bytes, or the segments of two conversations mixed."""
    if source.random() < 0.5:
        return [
            (source.choice(("client", "server")), source.randbytes(source.choice((1, 5, 30, 300))))
            for _ in range(source.randint(1, 8))
        ]
    pool = [segment for name in source.choices(sorted(CASES), k=2) for segment in CASES[name][1](SECRET)]
    return source.choices(pool, k=source.randint(1, 8))


def short(segments: list[Segment], source: random.Random) -> list[Segment]:
    """A few of the segments, from their beginning or from their middle."""
    at = source.choice((0, source.randrange(len(segments))))
    return [(sender, data[:120]) for sender, data in segments[at : at + 4]]


def one_input(decoder: Duplex, segments: list[Segment]) -> tuple[int, int]:
    """The number of messages, and the largest buffer."""
    messages = largest = 0
    for sender, data in segments:
        messages += len(decoder.feed(sender, data))
        largest = max(largest, decoder.buffered)
    return messages + len(decoder.end("client")) + len(decoder.end("server")), largest


def main() -> int:
    """Runs, prints one line, and is 1 if anything was raised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--short", action="store_true", help="inputs of a few hundred bytes: many more of them"
    )
    options = parser.parse_args()
    source = random.Random(options.seed)
    ready = {name: segments(SECRET) for name, (_, segments) in CASES.items()}
    messages = exceptions = largest = 0
    begun = time.perf_counter()
    for index in range(options.inputs):
        name = source.choice(sorted(CASES))
        valid = short(ready[name], source) if options.short else ready[name]
        segments = mutate(valid, source) if index % 3 else random_segments(source)
        if source.random() < 0.2:
            segments = rechunk([(sender, data[:2000]) for sender, data in segments], source)
        try:
            said, kept = one_input(CASES[name][0](), segments)
        except Exception:  # noqa: BLE001 - it counts them all
            exceptions += 1
            traceback.print_exc()
            continue
        messages += said
        largest = max(largest, kept)
    seconds = time.perf_counter() - begun
    sys.stdout.write(
        f"inputs={options.inputs} messages={messages} exceptions={exceptions} largest_buffer={largest} "
        f"seed={options.seed} seconds={seconds:.0f}\n"
    )
    return 1 if exceptions else 0


if __name__ == "__main__":
    sys.exit(main())
