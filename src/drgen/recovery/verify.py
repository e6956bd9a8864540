"""The last look of a failover: does the region really serve?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drgen.recovery.clients import Clients
from drgen.recovery.facts import NotObserved
from drgen.recovery.probe import invoke_probe
from drgen.recovery.record import Record, Served, Written
from drgen.recovery.stateless import Health, StatelessFacts
from drgen.recovery.turns import QUICK_S, Turn, again, waits


def verify_write(now: float, record: Record, probe: str, clients: Clients) -> Turn:
    """Writes a row to the new primary through the probe, and reads it back."""
    answer = invoke_probe(probe, clients, "write")
    written = answer if isinstance(answer, NotObserved) else answer.get("written")
    if isinstance(written, Mapping) and written.get("observed"):
        if not written.get("wrote"):
            text = f"the write was not accepted ({written.get('reason', 'no reason given')})"
            return waits(record, now, "verify", text, wait_s=QUICK_S)
        took_ms = float(written["took_ms"])
        done = replace(record, verification=Written(now, took_ms)).marked("verified", now)
        return again(done, now, "verify", f"a row was written and read back in {took_ms:.0f} ms")
    reason = written.get("reason", "no reason given") if isinstance(written, Mapping) else "the probe said nothing"
    silence = written if isinstance(written, NotObserved) else NotObserved(str(reason))
    done = replace(record, verification=silence).marked("verified", now)
    return again(done, now, "verify", f"not observed: {silence.reason}")


def verify_answer(facts: StatelessFacts, record: Record) -> Turn:
    """Where no database takes over, the region's own answer counts, or else that its services run."""
    now = facts.now
    match facts.target:
        case Health(serves=True, evidence=evidence):
            pass
        case Health(evidence=evidence):
            return waits(record, now, "verify", f"the region is not well ({evidence})", wait_s=QUICK_S)
        case NotObserved(reason):
            return waits(record, now, "verify", f"the region does not answer ({reason})", wait_s=QUICK_S)
        case None:
            evidence = "all services run"
    done = replace(record, verification=Served(now, evidence)).marked("verified", now)
    return again(done, now, "verify", evidence)
