"""What the lab's process and its parent say to each other: one JSON line in, one JSON line out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict


@dataclass(frozen=True, slots=True)
class LabConfig:
    """What a lab is to be made of.

    Args:
        postgres_bindir: the folder of other Postgres programs than the installed wheel's.
        redis_server: another Redis or Valkey program than the installed wheel's.
    """

    postgres_bindir: Path | None = None
    redis_server: Path | None = None

    def as_line(self) -> bytes:
        """The line that the lab's process reads."""
        return json.dumps(asdict(self), default=str).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> LabConfig:
        """Read that line.

        Raises:
            ValueError: it is no JSON object.
            TypeError: it has other fields.
        """
        fields: dict[str, str | None] = json.loads(line)
        return cls(**{name: None if value is None else Path(value) for name, value in fields.items()})


class ServerInfo(TypedDict):
    """One server of the lab.

    ``port`` is the one with TLS and ``plain_port`` the one without, which for Postgres are the same. The
    process of a gateway is the lab's own. Where ``tls`` is ``front``, another program ends TLS before the
    server: channel binding does not work then, and a round trip takes some 0.2 ms more.
    """

    name: str
    version: str
    pid: int
    port: int
    plain_port: int
    tls: Literal["own", "front"]


class Ready(TypedDict):
    """The lab's answer when all of it runs.

    ``environment`` is all that a client needs, with TLS; ``plain`` has the same endpoints without TLS.
    ``watchdog_pid`` is the process that cleans up ``folders`` and servers if the lab cannot.
    """

    environment: dict[str, str]
    plain: dict[str, str]
    servers: list[ServerInfo]
    read_only_token: str
    pid: int
    watchdog_pid: int
    folders: list[str]


class Failed(TypedDict):
    """The lab's answer when it could not start."""

    error: str


def as_line(message: Ready | Failed) -> bytes:
    """The line that the lab's process writes."""
    return json.dumps(message).encode() + b"\n"


def read_answer(line: bytes) -> dict[str, Any]:
    """Read that line: a `Ready` or a `Failed`.

    Raises:
        ValueError: it is no JSON object.
    """
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind of error for one kind of cause
    return answer
