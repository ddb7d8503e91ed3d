"""What an application asks to be saved, and what it gets back.

Every id is made here, from the idempotency key: a repeat has the same ids without reading anything, and no
sequence is touched.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

NAMESPACE = uuid.UUID("6f2b0c1e-54d1-5a53-9f5e-0d9c6b1d1f0a")
"""The namespace of orchestration ids (RFC 9562, version 5). Changing it changes every id."""

MAX_KEY_CHARACTERS = 512
"""A unique index takes no entry over 2,704 bytes; this many characters of four bytes each still fit."""

_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True)
class Job:
    """One thing to be done.

    Args:
        kind: what sort of job it is; a worker chooses by it.
        payload: what the worker needs, as a JSON object.

    Raises:
        TypeError: if the payload cannot be written as JSON.
        ValueError: if the kind is empty, or either holds what Postgres cannot store (NUL, lone surrogates,
            NaN).
    """

    kind: str
    payload: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check_text("a job's kind", self.kind)
        if _NUL_IN_JSON.search(self.payload_json):
            raise ValueError("a job's payload holds a NUL character, which Postgres cannot store")
        self.payload_json.encode()

    @cached_property
    def payload_json(self) -> str:
        """The payload as JSON text, in the one form that is stored and compared."""
        return json.dumps(
            self.payload, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )


@dataclass(frozen=True)
class OrchestrationRequest:
    """Jobs that belong together: all are saved, or none.

    Args:
        idempotency_key: the caller's own name for this request, 1 to 512 characters. The same key is the same
            orchestration, for as long as that is kept. Whoever can guess it can guess the ids.
        jobs: at least one, in the order in which they are to be queued.

    Raises:
        ValueError: if there is no job, or the key cannot be stored.
    """

    idempotency_key: str
    jobs: Sequence[Job]

    def __post_init__(self) -> None:
        _check_text("an idempotency key", self.idempotency_key)
        if len(self.idempotency_key) > MAX_KEY_CHARACTERS:
            raise ValueError(f"an idempotency key has at most {MAX_KEY_CHARACTERS} characters")
        if not self.jobs:
            raise ValueError("an orchestration has at least one job")
        object.__setattr__(self, "jobs", tuple(self.jobs))

    @cached_property
    def orchestration_id(self) -> str:
        """The orchestration's id: a version 5 UUID of the key."""
        return str(uuid.uuid5(NAMESPACE, self.idempotency_key))

    @cached_property
    def job_ids(self) -> tuple[str, ...]:
        """The jobs' ids, in order: version 5 UUIDs of the orchestration and the job's position."""
        namespace = uuid.UUID(self.orchestration_id)
        return tuple(str(uuid.uuid5(namespace, str(position))) for position in range(1, len(self.jobs) + 1))

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 of the jobs: tells a repeat from another request under the same key."""
        content = [[job.kind, job.payload_json] for job in self.jobs]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CreatedJobs:
    """What `create_jobs` came to.

    Args:
        orchestration_id: a UUID as text.
        job_ids: one UUID for each job, in the request's order.
        created: False if they were there: made by an earlier call, or by an attempt of this one whose answer
            was lost and that cannot be told from one (over HTTP).
    """

    orchestration_id: str
    job_ids: tuple[str, ...]
    created: bool

    @property
    def status(self) -> Literal["created", "already_created"]:
        """The same in words."""
        return "created" if self.created else "already_created"


@dataclass(frozen=True, slots=True)
class Claim:
    """One orchestration whose jobs this relay may queue until its lease runs out.

    Args:
        orchestration_id: a UUID as text.
        token: the fencing token; a later claim of the same orchestration has a higher one.
        generation: tells this entry of the outbox from an earlier one under the same id, which was deleted.
        job_ids: its jobs' ids, in order.
    """

    orchestration_id: str
    token: int
    generation: str
    job_ids: tuple[str, ...]


def _check_text(what: str, text: str) -> None:
    if not text:
        raise ValueError(f"{what} is empty")
    if "\0" in text:
        raise ValueError(f"{what} holds a NUL character, which Postgres cannot store")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is not valid Unicode") from error
