"""Objectives that the workload misses by what is known of it alone: nobody has decided anything yet, or promoted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from drgen.model import timing
from drgen.model.fields import duration_text
from drgen.model.workload import API, Workload
from drgen.template.load import Path as At

Found = Iterator[tuple[At, str, str]]
"""Where, what is wrong, and how to mend it."""

Part = tuple[str, timedelta]
"""What takes time, and how much."""

COMMIT_LIMIT = "rds.global_db_rpo"
"""The parameter that holds commits back while every follower is further behind than it says, in seconds.

Source: Amazon Aurora User Guide, "Using switchover or failover in Amazon Aurora Global Database" (managing RPOs).
"""


def objectives(workload: Workload) -> Found:
    """An rto that is over before a failover has begun to promote, and an rpo that a setting of the database exceeds."""
    rto, parts = workload.objectives.rto, recovery_time(workload)
    known = sum((time for _, time in parts), timedelta())
    if known > rto:
        listed = " + ".join(f"{what} {duration_text(time)}" for what, time in parts)
        problem = f"{listed} = {duration_text(known)}, which is more than {duration_text(rto)}"
        fix = f"use {duration_text(known)} at least"
        if not _moves_by_itself(workload):
            problem += " before anybody decides or anything is promoted"
            fix += ", and leave time for the rest"
        yield ("objectives", "rto"), problem, fix
    yield from _commits(workload)


def recovery_time(workload: Workload) -> tuple[Part, ...]:
    """What takes time between an outage of the primary region and the first client that reaches another.

    It is what is known: a person's decision, promotions and the start of containers have no bound that AWS names.
    """
    if _moves_by_itself(workload):
        checks = f"{timing.BELIEVED_AFTER} health checks every {timing.ASKED_EVERY_S}s"
        return (checks, timedelta(seconds=timing.ASKED_EVERY_S * timing.BELIEVED_AFTER)), *_kept(workload)
    if workload.all_serve or not workload.fails_over:
        return ()
    alarm = ("the alarm that the region is gone", timedelta(minutes=timing.GONE_AFTER_MIN))
    switch = ("the alarm that moves traffic", timedelta(seconds=timing.SWITCH_S))
    return (alarm, *([switch] if workload.has_switch else []), *_kept(workload))


def _moves_by_itself(workload: Workload) -> bool:
    """Whether Route 53 asks the regions and leaves one that does not answer, without a failover."""
    return bool(workload.public_name) and workload.database is None


def _kept(workload: Workload) -> tuple[Part, ...]:
    """How long clients keep the name's last answer."""
    if workload.dns is None:
        return ()
    of_balancers = workload.public_target != API if workload.public_name else bool(workload.internal_services)
    seconds = timing.ALIAS_TTL_S if of_balancers else workload.dns.ttl
    return (("answers that clients keep", timedelta(seconds=seconds)),)


def _commits(workload: Workload) -> Found:
    if workload.aurora is None:
        return
    asked = workload.aurora.parameters.get(COMMIT_LIMIT, "")
    if asked.isdigit() and timedelta(seconds=int(asked)) > workload.objectives.rpo:
        lost = duration_text(workload.objectives.rpo)
        problem = f"commits wait only when every follower is more than {asked} s behind, and {lost} may be lost"
        at: At = ("database", "parameters", COMMIT_LIMIT)
        yield at, problem, "use the rpo in seconds or less, or remove it"
