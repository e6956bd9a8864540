"""What a failover can do next. The set is closed: a new step has to be thought through wherever steps are matched."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AwaitTarget:
    """Look again: the target region did not answer, or its database is busy."""

    reason: str


@dataclass(frozen=True)
class ProtectStack:
    """Freeze: the stack policy of the target's database stack denies replacing and deleting anything in it."""


@dataclass(frozen=True)
class CutOffPrimary:
    """Fence, first half: the primary gets the security group that lets nobody in. Can be undone."""


@dataclass(frozen=True)
class RebootPrimary:
    """Fence, second half: end the sessions that were open, which a change of security groups may leave alive."""


@dataclass(frozen=True)
class AwaitFence:
    reason: str


@dataclass(frozen=True)
class RecordFence:
    """Write down what is known about the primary: verified as fenced, or `unverified` with the reason."""

    verified: bool
    evidence: str


@dataclass(frozen=True)
class AwaitDrain:
    """Planned only: wait until the replica has replayed something younger than the fence, so that nothing is lost."""

    reason: str


@dataclass(frozen=True)
class RecordLoss:
    """Write down how much may be lost, measured or unknown, before anybody approves it."""


@dataclass(frozen=True)
class AskApproval:
    """Stop until a person approves. Everything so far can be undone; what follows cannot."""


@dataclass(frozen=True)
class Promote:
    """Update the stack: DatabaseRole becomes `standalone`, which removes the source. Cannot be undone."""


@dataclass(frozen=True)
class AwaitPromotion:
    reason: str


@dataclass(frozen=True)
class LeaveFence:
    """Write down that Aurora itself stops writes at the primary, as the first act of a switchover."""

    evidence: str


@dataclass(frozen=True)
class AddInstances:
    """Update the stack: DatabaseCapacity becomes `running`, which gives a headless cluster its instances."""


@dataclass(frozen=True)
class AwaitInstances:
    reason: str


@dataclass(frozen=True)
class SwitchOver:
    """Planned: Aurora moves the writer without loss. It is asked in the region that writes now."""


@dataclass(frozen=True)
class FailOver:
    """Disaster: Aurora makes the target the writer and gives up what had not arrived. Cannot be undone."""


@dataclass(frozen=True)
class Scale:
    """Update the stack: ServiceRole becomes `active`, which starts the tasks that serve."""


@dataclass(frozen=True)
class AwaitServices:
    reason: str


@dataclass(frozen=True)
class MoveTraffic:
    """Publish the metrics that the DNS health checks follow, until both alarms show them. No record is edited."""


@dataclass(frozen=True)
class VerifyWrite:
    """Write to the new primary and read it back."""


@dataclass(frozen=True)
class VerifyAnswer:
    """Where no database takes over: see that the region answers for its health, or that its services run."""


@dataclass(frozen=True)
class Notify:
    """Tell the topic of the target region."""


@dataclass(frozen=True)
class ReleasePrimary:
    """Give the primary its security groups back: the run is given up before anything irreversible."""

    reason: str
    refused: bool


@dataclass(frozen=True)
class Refuse:
    """The end: guards say no. Nothing was changed, or it was undone."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """The end: it cannot go on without a person."""

    reason: str


Step = (
    AwaitTarget
    | ProtectStack
    | CutOffPrimary
    | RebootPrimary
    | AwaitFence
    | RecordFence
    | AwaitDrain
    | RecordLoss
    | AskApproval
    | Promote
    | AwaitPromotion
    | LeaveFence
    | AddInstances
    | AwaitInstances
    | SwitchOver
    | FailOver
    | Scale
    | AwaitServices
    | MoveTraffic
    | VerifyWrite
    | VerifyAnswer
    | Notify
    | ReleasePrimary
    | Refuse
    | Stop
)

TOUCHES_PRIMARY = (CutOffPrimary, RebootPrimary, AwaitFence, SwitchOver)
"""Steps that are planned only while the primary's region answers. ReleasePrimary tries, and does not depend on it."""
MOVES_THE_WRITER = (Promote, SwitchOver, FailOver)
ENDS = (Refuse, Stop)
