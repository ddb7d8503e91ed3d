"""The messages of the Postgres protocol: their names, and how long each may be.

https://www.postgresql.org/docs/current/protocol-message-formats.html; the limits are those of
the server (``SocketBackend`` in src/backend/tcop/postgres.c) and of libpq (``pqParseInput3`` in
fe-protocol3.c), both of which give up on what exceeds them.
"""

from __future__ import annotations

from typing import Final

SMALL: Final = 10_000
MIDDLE: Final = 30_000
AUTHENTICATION: Final = 65_535
LARGE: Final = (1 << 30) - 1

STARTUP_LONGEST: Final = 10_000

SSL_REQUEST: Final = 80877103
GSSENC_REQUEST: Final = 80877104
CANCEL_REQUEST: Final = 80877102

FRONTEND: Final = {
    "B": ("Bind", LARGE),
    "C": ("Close", SMALL),
    "d": ("CopyData", LARGE),
    "c": ("CopyDone", SMALL),
    "f": ("CopyFail", SMALL),
    "D": ("Describe", SMALL),
    "E": ("Execute", SMALL),
    "H": ("Flush", SMALL),
    "F": ("FunctionCall", LARGE),
    "P": ("Parse", LARGE),
    "Q": ("Query", LARGE),
    "S": ("Sync", SMALL),
    "X": ("Terminate", SMALL),
    "p": ("PasswordMessage", AUTHENTICATION),
}

BACKEND: Final = {
    "R": ("Authentication", MIDDLE),
    "K": ("BackendKeyData", MIDDLE),
    "2": ("BindComplete", MIDDLE),
    "3": ("CloseComplete", MIDDLE),
    "C": ("CommandComplete", MIDDLE),
    "d": ("CopyData", LARGE),
    "c": ("CopyDone", MIDDLE),
    "G": ("CopyInResponse", MIDDLE),
    "H": ("CopyOutResponse", MIDDLE),
    "W": ("CopyBothResponse", MIDDLE),
    "D": ("DataRow", LARGE),
    "I": ("EmptyQueryResponse", MIDDLE),
    "E": ("ErrorResponse", LARGE),
    "V": ("FunctionCallResponse", LARGE),
    "v": ("NegotiateProtocolVersion", MIDDLE),
    "n": ("NoData", MIDDLE),
    "N": ("NoticeResponse", LARGE),
    "A": ("NotificationResponse", LARGE),
    "t": ("ParameterDescription", LARGE),
    "S": ("ParameterStatus", MIDDLE),
    "1": ("ParseComplete", MIDDLE),
    "s": ("PortalSuspended", MIDDLE),
    "Z": ("ReadyForQuery", MIDDLE),
    "T": ("RowDescription", LARGE),
}

AUTHENTICATIONS: Final = {
    0: "Ok",
    2: "KerberosV5",
    3: "CleartextPassword",
    5: "MD5Password",
    7: "GSS",
    8: "GSSContinue",
    9: "SSPI",
    10: "SASL",
    11: "SASLContinue",
    12: "SASLFinal",
}

ANSWERS: Final = {
    7: "GSSResponse",
    8: "GSSResponse",
    9: "GSSResponse",
    10: "SASLInitialResponse",
    11: "SASLResponse",
}
"""What a client's ``p`` is after a request for authentication; otherwise it is a PasswordMessage."""

MECHANISMS: Final = frozenset(
    {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512", "OAUTHBEARER", "PLAIN"}
)

_GIVEN: Final = """
user database options replication client_encoding DateStyle IntervalStyle TimeZone extra_float_digits
search_path statement_timeout lock_timeout idle_in_transaction_session_timeout geqo jit
default_transaction_isolation default_transaction_read_only standard_conforming_strings bytea_output
"""
STARTUP_PARAMETERS: Final = frozenset(_GIVEN.split())
"""The parameters of a StartupMessage whose names are shown; anything may stand in a malformed one."""

_REPORTED: Final = """
server_version server_encoding client_encoding in_hot_standby default_transaction_read_only TimeZone
DateStyle IntervalStyle integer_datetimes standard_conforming_strings
"""
SHOWN_PARAMETERS: Final = frozenset(_REPORTED.split())
"""The parameters that the server reports whose values are shown."""
