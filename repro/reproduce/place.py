"""Where a reproduction finds its target: the environment, a made-up address, or a stand-in inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

StandIn = Literal["nobody", "silent", "closes", "http", "ssh"]

_OF_FAILURE: Mapping[str, StandIn] = {
    "connection_refused": "nobody",
    "timeout": "silent",
    "eof": "closes",
    "connection_reset": "closes",
}

_OF_CAUSE: Mapping[str, StandIn] = {
    "sl-localhost-443": "nobody",
    "tcp-refused": "nobody",
    "px-env-down": "nobody",
    "sl-fetch-dropped": "closes",
    "tcp-accept-then-close": "closes",
    "tcp-port-is-http": "http",
    "tcp-port-is-ssh": "ssh",
}


def stand_in_for(failure: str, causes: Sequence[str]) -> StandIn | None:
    """What may stand in for the target; None where nothing can.

    Where a cause was found, only what has that cause may: a connection that ends looks alike whether nobody
    understood the first word or somebody is in the way.

    Args:
        failure: of the closed vocabulary.
        causes: the ids of what was found for the probe.
    """
    if not causes:
        return _OF_FAILURE.get(failure)
    return next((_OF_CAUSE[cause] for cause in causes if cause in _OF_CAUSE), None)


WORDS: dict[StandIn, str] = {
    "nobody": "no server is needed: nobody listens at the address that it dials",
    "silent": "in the server's place it starts one that accepts connections and stays silent",
    "closes": "in the server's place it starts one that accepts connections and ends them at the first word",
    "http": "in the server's place it starts one that answers like HTTP",
    "ssh": "in the server's place it starts one that greets like SSH",
}
"""What stands in for the target, in words."""

THE_TARGET = "the target is the one that the environment names"

GREETINGS: dict[StandIn, str] = {
    "http": "HTTP/1.1 400 Bad Request\r\n\r\n",
    "ssh": "SSH-2.0-OpenSSH_9.2\r\n",
}
"""What such a server says first."""

NOBODY_S_PORT = 1
"""tcpmux: hardly any machine has it (RFC 1078), and an ordinary user cannot listen there."""


MADE_UP = "made-up"
"""The value of a secret parameter where something stands in for the target."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the target is.

    Args:
        variable: the environment's, for the target that it names.
        stand_in: what is put in its place; None for the target itself.
        keeps_its_port: the driver dials a port that does not come from the URL, so that any URL will do.
        host: of a made-up URL, where nothing is started.
    """

    variable: str
    stand_in: StandIn | None = None
    keeps_its_port: bool = False
    host: str = "127.0.0.1"

    @property
    def serves(self) -> bool:
        """Whether the program starts a server of its own."""
        return self.stand_in not in {None, "nobody"}

    def base(self, port: str) -> str:
        """The made-up URL, without a query.

        Args:
            port: as text of the program's language.
        """
        where = f"{self.host}:{port}"
        if self.variable == "UPSTASH_REDIS_URL":
            return f"redis://default:password@{where}"
        if self.variable == "UPSTASH_REDIS_REST_URL":
            return f"http://{where}"
        return f"postgresql://user:password@{where}/name"

    @property
    def fixed_port(self) -> str:
        """The port of a made-up URL where no server is started."""
        return "5432" if self.keeps_its_port else str(NOBODY_S_PORT)
