"""What was observed, at one moment, and every kind of workload has. Each kind adds what it observes of its own.

Every value that a failing region or a silent database may withhold can be `NotObserved`; that is never read as "no".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class NotObserved:
    """Nobody answered, or the answer says nothing. `reason` is one sentence for people; `refused`: somebody is there
    and does not tell us, for lack of permission or because we ask too often."""

    reason: str
    refused: bool = False


@dataclass(frozen=True)
class Absent:
    """The region answered: there is no such thing."""


@dataclass(frozen=True)
class Answer:
    """The database itself answered over SQL. `in_recovery` is pg_is_in_recovery(): False means that it takes writes."""

    in_recovery: bool


@dataclass(frozen=True)
class Lag:
    """How far the replica was behind, in seconds, `age_s` seconds ago; `metric` names where the number comes from."""

    seconds: float
    age_s: float
    metric: str


@dataclass(frozen=True)
class Stack:
    """A stack that a failover updates. `role` is the value of the one parameter that the failover sets, such as
    DatabaseRole; `protected`: its stack policy denies replacement and deletion of the database; `reason` is
    CloudFormation's status reason."""

    status: str
    role: str
    protected: bool = False
    reason: str = ""

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")


@dataclass(frozen=True)
class Secret:
    """The replicated secret exists in the target region; `read` says that the probe really read its value there."""

    read: bool


class AlarmState(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Alarms:
    """The alarms that the health checks of the DNS records follow; `writable` is None where only the primary's record
    has one."""

    withdrawn: AlarmState
    writable: AlarmState | None

    @property
    def show_the_move(self) -> bool:
        """The primary's record counts as unhealthy and the recovery region's as healthy."""
        return self.withdrawn is AlarmState.ALARM and self.writable in (None, AlarmState.OK)


@dataclass(frozen=True)
class Tasks:
    """A service: how many tasks it wants and runs, and how many the role active starts with."""

    service: str
    desired: int
    running: int
    needed: int

    @property
    def up(self) -> bool:
        return self.running >= max(self.desired, self.needed)


@dataclass(frozen=True)
class Services:
    """The services of the target region and the stack that owns them; the stack's role is active or standby."""

    stack: Stack
    tasks: tuple[Tasks, ...]

    @property
    def up(self) -> bool:
        """Whether everything that is to take traffic runs."""
        return self.stack.role == "active" and not self.stack.busy and all(task.up for task in self.tasks)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One observation. `now` is AWS's clock in the target region; `older_run` names another running execution, or "".

    `alarms` and `services` are None where the workload has no such thing.
    """

    now: float
    alarms: Alarms | NotObserved | None
    services: Services | Absent | NotObserved | None = None
    older_run: str = ""

    @property
    def services_up(self) -> bool:
        """Whether all services run that are to take the traffic; True where there are none."""
        return self.services is None or (isinstance(self.services, Services) and self.services.up)
