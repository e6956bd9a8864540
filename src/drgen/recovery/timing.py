"""How long each phase of a failover took, from the marks of its record."""

from __future__ import annotations

from drgen.recovery.record import Record

PHASES = (
    ("detect", "detected", "started"),
    ("fence", "fencing", "fenced"),
    ("decide", "asked", "approved"),
    ("promote", "promoting", "promoted"),
    ("traffic", "moving-traffic", "traffic-moved"),
    ("verify", "traffic-moved", "verified"),
)


def durations(record: Record) -> tuple[tuple[str, float | None], ...]:
    """Seconds of each phase; None where it was not measured: it did not take place, or its beginning was not seen."""
    return tuple((phase, _between(record, begin, end)) for phase, begin, end in PHASES)


def recovery_s(record: Record) -> float | None:
    """Seconds from the detection, or else from the start of the run, to the new primary in use; None before that."""
    begin = record.at("detected")
    return _between(record, "started" if begin is None else "detected", "verified")


def _between(record: Record, begin: str, end: str) -> float | None:
    since, until = record.at(begin), record.at(end)
    return None if since is None or until is None else max(0.0, until - since)
