"""The one resource that made a stack fail, out of all the events that followed."""

from __future__ import annotations

from collections.abc import Iterable

from drgen.model.events import Cause
from drgen.model.live import StackEvent

_FOLLOWED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")

_ADVICE = (
    ("stack policy", "name the resource with --allow STACK/LOGICALID if the change is meant"),
    ("bucket you tried to delete is not empty", "delete every version and delete marker in the bucket, then try again"),
    ("already exists", "remove or rename what exists under that name, or import it into the stack"),
    ("limit", "ask for a higher quota in Service Quotas, or make room"),
    ("quota", "ask for a higher quota in Service Quotas, or make room"),
    ("not authorized", "give the deploying role that permission"),
    ("accessdenied", "give the deploying role that permission"),
    ("did not stabilize", "look at the resource in its service: it was made and never became ready"),
    ("throttl", "deploy again: the service asked for fewer calls"),
    ("rate exceeded", "deploy again: the service asked for fewer calls"),
)


def root_cause(region: str, events: Iterable[StackEvent]) -> Cause | None:
    """The first failure among `events` of one operation, oldest first; None if nothing failed.

    Resources cancelled because of another one are consequences, and so is the stack's own failure.
    """
    failures = [event for event in events if event.status.endswith("_FAILED")]
    own = [e for e in failures if not e.about_stack and not e.reason.startswith(_FOLLOWED)]
    if not failures:
        return None
    first = (own or failures)[0]
    reason = first.reason or "CloudFormation gives no reason"
    return Cause(region, first.stack_name, first.logical_id, first.type, reason, _advice(reason))


def _advice(reason: str) -> str:
    low = reason.lower()
    for words, advice in _ADVICE:
        if words in low:
            return advice
    return "correct the cause in the workload or the template, build, and deploy again"
