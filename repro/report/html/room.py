"""How much of what may be long goes into the page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """How much is shown; what is left out is said, and stands in the run's other files.

    Args:
        probes: rows of the matrix, waterfalls and traces.
        events: lines of the trace of a probe that is looked at: a failing one, and one to compare.
        other_events: lines of the trace of another one.
        all_events: lines of all traces.
        marks: marks of one waterfall.
        all_marks: marks of all waterfalls.
        items: findings, and failing probes that are told in full.
        details: pieces of evidence, look-alikes, fixes, notes and links of one of them.
        links: links of one error chain.
        message: characters of one message.
        log_lines: lines of one log.
        program: characters of one reproduction.
    """

    probes: int = 200
    events: int = 300
    other_events: int = 100
    all_events: int = 1_600
    marks: int = 240
    all_marks: int = 2_400
    items: int = 40
    details: int = 24
    links: int = 24
    message: int = 2_000
    log_lines: int = 80
    program: int = 20_000

    def less(self) -> Room:
        """Half of it, but a little of everything."""
        return Room(
            probes=max(10, self.probes // 2),
            events=max(6, self.events // 2),
            other_events=max(3, self.other_events // 2),
            all_events=max(60, self.all_events // 2),
            marks=max(12, self.marks // 2),
            all_marks=max(120, self.all_marks // 2),
            items=max(3, self.items // 2),
            details=max(3, self.details // 2),
            links=max(3, self.links // 2),
            message=max(100, self.message // 2),
            log_lines=max(3, self.log_lines // 2),
            program=max(0, self.program // 2 - 100),
        )

    def lines_of(self, *, looked_at: bool, probes: int) -> int:
        """The trace lines of one probe.

        Args:
            looked_at: it fails, or is the one to compare.
            probes: how many are shown.
        """
        most = self.events if looked_at else self.other_events
        return max(6, min(most, 2 * self.all_events // max(1, probes)))

    def marks_of(self, probes: int) -> int:
        """The marks of one waterfall of so many."""
        return max(12, min(self.marks, self.all_marks // max(1, probes)))
