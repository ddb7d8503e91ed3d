"""The queue, without I/O: a conversation yields commands and is answered with replies.

A queue is a Redis list of job ids, oldest first: a worker takes from its left end (``LPOP``, ``BLMOVE``).
Beside it stands one key a job, ``{<queue>}:queued:<job id>``, that says the job has been queued; it lives for
the deduplication window (about 150 bytes a job in the server's memory). Within the window a job is queued
once however often it is pushed, over either transport, also after its worker has taken it; past it a push
would queue it again.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Reply: TypeAlias = "str | int | list[Reply] | None"
"""What a server answers: texts are decoded as UTF-8."""

DEDUPLICATION_WINDOW_S = 7 * 24 * 3600
"""For how many seconds the server remembers that a job has been queued."""

BATCH = 1_000
"""Jobs in one step: some 120 kB, well under the smallest request limit of Upstash (1 MB)."""

PUSH_SCRIPT = """\
local queued = 0
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then
    redis.call('RPUSH', KEYS[1], ARGV[i])
    redis.call('SET', KEYS[i], '1', 'EX', ARGV[1])
    queued = queued + 1
  end
end
return queued"""
"""Queues each job that has not been queued. The list comes first: should it refuse (another type, out of
memory) the script ends there, and no job is marked that was not queued."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, its name first, every argument as text."""

    args: tuple[str, ...]


Conversation: TypeAlias = Generator[Command, Reply, T]
"""Commands that end in a `T`."""


def push(queue: str, job_ids: Sequence[str], *, window_s: int = DEDUPLICATION_WINDOW_S) -> Conversation[int]:
    """Queue jobs, each once, in order; one atomic step on the server for each thousand.

    Args:
        queue: the list's key.
        job_ids: what is queued.
        window_s: for how many seconds a repeat is recognised.

    Returns:
        How many had not been queued before.
    """
    queued = 0
    for start in range(0, len(job_ids), BATCH):
        part = job_ids[start : start + BATCH]
        keys = [queue, *marker_keys(queue, part)]
        reply = yield Command(("EVAL", PUSH_SCRIPT, str(len(keys)), *keys, str(window_s), *part))
        queued += _integer(reply)
    return queued


def marker_keys(queue: str, job_ids: Sequence[str]) -> list[str]:
    """The keys that mark jobs as queued. The braces keep them in the list's own slot of a cluster."""
    return [f"{{{queue}}}:queued:{job_id}" for job_id in job_ids]


def read_back(queue: str) -> Conversation[list[str]]:
    """All that is queued, oldest first. For a probe's own queue: an application's may be long."""
    reply = yield Command(("LRANGE", queue, "0", "-1"))
    if not isinstance(reply, list):
        raise TypeError(f"the server answered LRANGE with {type(reply).__name__}")
    return [str(each) for each in reply]


def remove(queue: str, job_ids: Sequence[str]) -> Conversation[int]:
    """Remove a queue and the marks of its jobs.

    Returns:
        How many keys there were.
    """
    removed = 0
    for start in range(0, max(len(job_ids), 1), BATCH):
        keys = [queue, *marker_keys(queue, job_ids[start : start + BATCH])]
        removed += _integer((yield Command(("DEL", *keys))))
    return removed


def _integer(reply: Reply) -> int:
    if not isinstance(reply, int):
        raise TypeError(f"the server answered with {type(reply).__name__} where a number is due")
    return reply
