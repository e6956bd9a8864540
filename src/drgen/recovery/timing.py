"""How long each phase of a failover took, from the marks of its record."""

from __future__ import annotations

from drgen.recovery.record import Record

PHASES = (
    ("detect", "detected", "started"),
    ("fence", "fencing", "fenced"),
    ("decide", "asked", "approved"),
    ("instances", "adding", "added"),
    ("promote", "promoting", "promoted"),
    ("scale", "scaling", "scaled"),
    ("traffic", "moving-traffic", "traffic-moved"),
    ("verify", "traffic-moved", "verified"),
)
SOMETIMES = ("instances", "scale")


def durations(record: Record) -> tuple[tuple[str, float | None], ...]:
    """Seconds of each phase; None where it was not measured: it did not take place, or its beginning was not seen.

    Phases that only some workloads have are left out where they did not begin.
    """
    shown = (p for p in PHASES if p[0] not in SOMETIMES or record.at(p[1]) is not None)
    return tuple((phase, _between(record, begin, end)) for phase, begin, end in shown)


def recovery_s(record: Record) -> float | None:
    """Seconds from the detection, or else from the start of the run, to the new primary in use; None before that."""
    begin = record.at("detected")
    return _between(record, "started" if begin is None else "detected", "verified")


def _between(record: Record, begin: str, end: str) -> float | None:
    since, until = record.at(begin), record.at(end)
    return None if since is None or until is None else max(0.0, until - since)
