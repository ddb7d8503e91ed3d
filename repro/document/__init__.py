"""The run document (``txrepro/run/1``): its shape, its verdict, its schema, and the folder that holds it.

The document is a contract that other programs read, so it is plain JSON data, typed here for us and
described to everybody else by ``repro/schemas/run-1.json``.
"""

from __future__ import annotations

from repro.document.assembly import EXIT_CODES, assemble, verdict_of
from repro.document.excerpt import Excerpt, excerpts
from repro.document.reading import (
    RunError,
    TraceFile,
    find_run,
    open_traces,
    read_events,
    read_excerpts,
    read_run,
)
from repro.document.schema import InvalidDocument, validate, validate_event
from repro.document.shape import (
    FAILING,
    LAYERS,
    RUN_SCHEMA,
    Applied,
    Atomicity,
    AtomicityStatus,
    ChainLink,
    Counts,
    DriverRecord,
    Effect,
    Endpoint,
    ErrorRecord,
    Evidence,
    Experiment,
    Finding,
    Layer,
    Outcome,
    ProbeStatus,
    ProofStatus,
    RuledOut,
    RunDocument,
    Stage,
    StageStatus,
    ToolRecord,
    TransactionRecord,
    Verdict,
)
from repro.document.writing import PAGE_FILE, REPORT_FILE, OutputError, redact_run, write_run
from repro.stages import STAGES, StageName

__all__ = [
    "EXIT_CODES",
    "FAILING",
    "LAYERS",
    "PAGE_FILE",
    "REPORT_FILE",
    "RUN_SCHEMA",
    "STAGES",
    "Applied",
    "Atomicity",
    "AtomicityStatus",
    "ChainLink",
    "Counts",
    "DriverRecord",
    "Effect",
    "Endpoint",
    "ErrorRecord",
    "Evidence",
    "Excerpt",
    "Experiment",
    "Finding",
    "InvalidDocument",
    "Layer",
    "Outcome",
    "OutputError",
    "ProbeStatus",
    "ProofStatus",
    "RuledOut",
    "RunDocument",
    "RunError",
    "Stage",
    "StageName",
    "StageStatus",
    "ToolRecord",
    "TraceFile",
    "TransactionRecord",
    "Verdict",
    "assemble",
    "excerpts",
    "find_run",
    "open_traces",
    "read_events",
    "read_excerpts",
    "read_run",
    "redact_run",
    "validate",
    "validate_event",
    "verdict_of",
    "write_run",
]
