"""The queue, without I/O: a conversation yields commands and is answered with replies.

A queue is a Redis list of job ids, oldest first: a worker takes from its left end (``LPOP``, ``BLMOVE``).
Beside it stands one key a job, ``{<queue>}:queued:<job id>:<generation>``, that says the job has been queued;
it lives for the deduplication window. Within the window a job is queued once however often it is pushed, over
either transport, also after its worker has taken it; past it a push would queue it again. The generation is
the outbox entry's: a job that was deleted and created again has the same id and is another one.

Where there is a fallback, a third kind of key, ``{<queue>}:endpoint:<fingerprint>``, proves that it leads to
the same database: each push through the preferred endpoint leaves it there, and a push through the fallback
asks for it in the same atomic step.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from repro.persistence.dsn import parse_url
from repro.persistence.errors import OutcomeUnknown
from repro.persistence.outcome import NOT_PROVED

T = TypeVar("T")

Reply: TypeAlias = "str | int | list[Reply] | None"
"""What a server answers: texts are decoded as UTF-8."""

DEDUPLICATION_WINDOW_S = 7 * 24 * 3600
"""For how many seconds the server remembers that a job has been queued."""

BATCH = 1_000
"""Jobs in one step: some 120 kB, well under the smallest request limit of Upstash (1 MB)."""

PUSH_SCRIPT = """\
local new, marks, refusal = {}, {}, nil
for i = 2, #ARGV do
  local reply = redis.pcall('SET', KEYS[i], '1', 'NX', 'EX', ARGV[1])
  if reply and reply.err then
    refusal = reply
    break
  end
  if reply then
    new[#new + 1] = ARGV[i]
    marks[#marks + 1] = KEYS[i]
  end
end
if not refusal and #new > 0 then
  local reply = redis.pcall('RPUSH', KEYS[1], unpack(new))
  if type(reply) == 'table' then refusal = reply end
end
if refusal then
  for _, mark in ipairs(marks) do
    local reply = redis.pcall('DEL', mark)
    if type(reply) == 'table' then redis.pcall('SET', mark, '1', 'PX', 1) end
  end
  return refusal
end
return #new"""
"""Queues each job that has no mark yet, and marks it. A script that fails half-way is not undone by the
server, so this one undoes itself: an error means that no job was queued and none is marked. Its marks come
first, for a SET that worked can be taken back even by a user who may not DEL; an RPUSH could not."""

_GIVE_PROOF = "redis.call('SET', KEYS[#KEYS], '1', 'EX', ARGV[1])\n"

_ASK_PROOF = f"""\
if redis.call('EXISTS', KEYS[#KEYS]) == 0 then
  return redis.error_reply('{NOT_PROVED} this database was never reached through the preferred endpoint')
end
"""


_CODE = re.compile(r"[A-Z][A-Z0-9_]*(?= |$)")

_NO_PERMISSION = re.compile(r"ACL failure|has no permissions|can't run this command")
"""How servers say NOPERM from inside a script."""


def code_in(message: str) -> str | None:
    """The error code in the text of an error reply, such as ``NOPERM``.

    Layout: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
    """
    if _NO_PERMISSION.search(message):
        return "NOPERM"
    found = _CODE.match(message)
    return None if found is None else found.group()


@dataclass(frozen=True, slots=True)
class Command:
    """One command, its name first, every argument as text."""

    args: tuple[str, ...]


class UnexpectedReply(OutcomeUnknown):
    """A reply of a kind that the command does not have: whoever answered, it was hardly the queue."""


Conversation: TypeAlias = Generator[Command, Reply, T]
"""Commands that end in a `T`."""


ProofBy: TypeAlias = Literal["give", "ask"]


@dataclass(frozen=True, slots=True)
class Proof:
    """Proves that two endpoints lead to one database.

    Args:
        endpoint: the fingerprint of the preferred endpoint; see `fingerprint`.
        by: ``give`` on a push through that endpoint, ``ask`` on one through another.
    """

    endpoint: str
    by: ProofBy


def fingerprint(url: str) -> str:
    """A name for an endpoint that tells nothing of its password.

    Args:
        url: ``redis://`` or ``rediss://``; its host, port and database count.
    """
    parts = parse_url(url)
    what = f"{parts.host.lower()}:{parts.port or 6379}/{parts.query.get('db') or parts.path.strip('/') or 0}"
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def push(
    queue: str,
    job_ids: Sequence[str],
    *,
    generation: str = "",
    window_s: int = DEDUPLICATION_WINDOW_S,
    proof: Proof | None = None,
) -> Conversation[int]:
    """Queue jobs, each once, in order; one atomic step on the server for each thousand.

    Args:
        queue: the list's key.
        job_ids: what is queued.
        generation: a push of the same ids under another one is no repeat.
        window_s: for how many seconds a repeat is recognised.
        proof: where there are two endpoints.

    Returns:
        How many had not been queued before.
    """
    queued = 0
    for part in batches(job_ids):
        queued += _integer((yield push_command(queue, part, generation, window_s=window_s, proof=proof)))
    return queued


def push_command(
    queue: str, job_ids: Sequence[str], generation: str = "", *, window_s: int, proof: Proof | None
) -> Command:
    """The command that queues one batch."""
    keys = [queue, *marker_keys(queue, job_ids, generation)]
    script = PUSH_SCRIPT
    if proof is not None:
        keys.append(f"{{{queue}}}:endpoint:{proof.endpoint}")
        script = (_GIVE_PROOF if proof.by == "give" else _ASK_PROOF) + PUSH_SCRIPT
    return Command(("EVAL", script, str(len(keys)), *keys, str(window_s), *job_ids))


def batches(job_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The jobs, in portions of one step each."""
    for start in range(0, len(job_ids), BATCH):
        yield job_ids[start : start + BATCH]


def marker_keys(queue: str, job_ids: Sequence[str], generation: str = "") -> list[str]:
    """The keys that mark jobs as queued. The braces keep them in the list's own slot of a cluster."""
    end = f":{generation}" if generation else ""
    return [f"{{{queue}}}:queued:{job_id}{end}" for job_id in job_ids]


def read_back(queue: str) -> Conversation[list[str]]:
    """All that is queued, oldest first. For a probe's own queue: an application's may be long."""
    reply = yield Command(("LRANGE", queue, "0", "-1"))
    if not isinstance(reply, list):
        raise UnexpectedReply(f"the server answered LRANGE with {type(reply).__name__}")
    return [str(each) for each in reply]


def remove(queue: str, job_ids: Sequence[str]) -> Conversation[int]:
    """Remove a queue and the marks of its jobs.

    Returns:
        How many keys there were.
    """
    removed = 0
    for part in [*batches(job_ids)] or [()]:
        keys = [queue, *marker_keys(queue, part)]
        removed += _integer((yield Command(("DEL", *keys))))
    return removed


def _integer(reply: Reply) -> int:
    if not isinstance(reply, int):
        raise UnexpectedReply(f"the server answered with {type(reply).__name__} where a number is due")
    return reply
