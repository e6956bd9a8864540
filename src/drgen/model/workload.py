"""The workload file: what a person writes. Validation needs no AWS and reports every problem at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from drgen.model.database import Aurora, Database, Postgres
from drgen.model.fields import Block, Duration, Elsewhere, RetentionDays, Section, TagKey, TagValue
from drgen.model.names import Names

if TYPE_CHECKING:
    from drgen.model.api import Api
    from drgen.model.backup import Backup
    from drgen.model.buckets import Bucket
    from drgen.model.bus import Events
    from drgen.model.canary import Canary
    from drgen.model.functions import Function
    from drgen.model.services import Service
    from drgen.model.tables import Table
else:
    Api = Annotated[Any, Elsewhere("drgen.model.api", "Api")]
    Backup = Annotated[Any, Elsewhere("drgen.model.backup", "Backup")]
    Bucket = Annotated[Any, Elsewhere("drgen.model.buckets", "Bucket")]
    Events = Annotated[Any, Elsewhere("drgen.model.bus", "Events")]
    Canary = Annotated[Any, Elsewhere("drgen.model.canary", "Canary")]
    Function = Annotated[Any, Elsewhere("drgen.model.functions", "Function")]
    Service = Annotated[Any, Elsewhere("drgen.model.services", "Service")]
    Table = Annotated[Any, Elsewhere("drgen.model.tables", "Table")]

Endpoint = Literal[
    "dynamodb", "ecr.api", "ecr.dkr", "events", "kms", "lambda", "logs", "monitoring", "rds", "s3", "secretsmanager",
    "sns", "sqs", "ssm", "states", "sts",
]  # fmt: skip


API = "api"
"""What `dns.target` calls the HTTP API."""


class Region(Section):
    """One side of the workload."""

    name: Annotated[str, Field(pattern=r"^[a-z]{2,}(-[a-z]+)+-\d$", examples=["us-east-1"])]
    """The AWS region."""
    cidr: Block
    """The block of the VPC in this region."""
    zones: tuple[str, ...] = ()
    """Availability zones by name. Default: the region's first zones, a, b and c."""


class Regions(Section):
    """Where the workload lives, and where it can go."""

    primary: Region
    """The region that serves."""
    recovery: Annotated[tuple[Region, ...], Field(min_length=1)]
    """The regions that can take over, the likeliest first. That one starts a failover by itself, if recovery.mode says
    so, and manages global tables and the DNS zone: add others at the end, and do not change the order later."""


class Objectives(Section):
    """What the business asks for."""

    rto: Duration
    """Recovery time objective: how long the service may be away."""
    rpo: Duration
    """Recovery point objective: how much of the latest writes may be lost."""


class Network(Section):
    """One VPC per region. Everything runs in private subnets, but for the load balancers of public services."""

    zones: Annotated[int, Field(ge=2, le=3)] = 2
    """Private subnets per region, one in each zone."""
    nat: Literal["none", "one", "per-zone"] = "none"
    """How private subnets reach the internet. one: a NAT gateway in the first zone. per-zone: one in each zone, so that
    the loss of a zone takes the way out of no other. Each takes an Elastic IP address; an account has 5 per region.
    Changing to or from per-zone gives the subnets other route tables: until the same deployment has updated the peering
    stacks too, the regions do not reach each other, so set recovery.mode to notify before."""
    peering: bool = True
    """Peer the VPCs, with routes on both sides."""
    endpoints: tuple[Endpoint, ...] = ("s3", "secretsmanager")
    """VPC endpoints in each region. The probe of a database needs secretsmanager."""
    flow_log_days: RetentionDays = 90
    """How long VPC flow logs are kept, in days."""


class Dns(Section):
    """A name that follows the failover: private for the database and internal services, public for the API or a service
    that the internet reaches."""

    zone: Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$", examples=["db.internal"])]
    """The hosted zone."""
    private: bool = True
    """true: visible in the workload's VPCs only, for the database and for each internal service under its own name.
    false: public, for the API or a public service."""
    target: str | None = None
    """What a public name leads to: api, or a public service by its name. Default: whichever there is, if it is one."""
    zone_id: Annotated[str, Field(pattern=r"^Z[A-Z0-9]{1,31}$", examples=["Z0123456789ABCDEFGHIJ"])] | None = None
    """A public zone that exists. Default: the zone is made, and its parent must delegate to it."""
    record: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] | None = None
    """The name in the zone. Default: postgres for a database, in a public zone what it leads to."""
    policy: Literal["weighted", "failover"] = "weighted"
    """weighted: 100, and 0 for each recovery region, all with a health check. failover: Route 53's primary and
    secondary, so with one recovery region only. The name of an Aurora database has one record, which needs neither:
    Aurora itself moves what it points at."""
    ttl: Annotated[int, Field(ge=1, le=60)] = 5
    """Seconds for which clients may keep an answer. For a load balancer Route 53 says 60."""

    def name(self, default: str) -> str:
        """The whole name: record and zone. `default` is the record where none is given."""
        return f"{self.record or default}.{self.zone}"


class Alerts(Section):
    """Who hears of alarms and failovers."""

    emails: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")], ...] = ()
    """Subscribed to the alerts topic of each region."""


class Recovery(Section):
    """How a failover starts."""

    mode: Literal["notify", "approve", "automatic"] = "approve"
    """notify: the alarm tells people. approve: the failover starts and waits for a person. automatic: no waiting.
    Of several recovery regions only the first one starts it; the others tell people."""
    log_days: RetentionDays = 90
    """How long the logs of the failover are kept, in days."""


def _offered(value: Any) -> Any:
    """Source: registry schemas AWS::DynamoDB::Table and AWS::DynamoDB::GlobalTable, which name no backup; AWS Backup
    Developer Guide, "Creating backup copies across AWS Regions"."""
    if value == "backup-restore":
        raise ValueError(
            "backup-restore is not offered: CloudFormation restores no DynamoDB table, so stacks would not say what "
            "runs, and AWS bounds no restore, so no rto could be held; use pilot-light, and backup for copies"
        )
    return value


Strategy = Annotated[Literal["pilot-light", "warm-standby", "active-active"], BeforeValidator(_offered)]


class Workload(Section):
    """A workload file."""

    name: Annotated[str, Field(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=20)]
    """Starts every name drgen makes. Lower case."""
    environment: Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=12)]
    """Suffix of the workload's name, for example prod."""
    strategy: Strategy = "warm-standby"
    """What the recovery regions do before a disaster. pilot-light: the data is there, and nothing that serves: Aurora
    clusters without instances, services without tasks. warm-standby: instances that read, and some tasks of each
    service. active-active: all regions serve all the time, with equal DNS weights, so the data must be such that every
    region can write it. For engine postgres the first two mean a running replica. docs/strategies.md has a table."""
    objectives: Objectives
    regions: Regions
    network: Network = Network()
    database: Database | None = None
    """A PostgreSQL database that another region can take over: on RDS, or on Aurora."""
    buckets: tuple[Bucket, ...] = ()
    """S3 buckets, one in each region, and what is copied between them."""
    tables: tuple[Table, ...] = ()
    """DynamoDB global tables. The first recovery region manages them."""
    functions: tuple[Function, ...] = ()
    """Lambda functions, in every region."""
    api: Api | None = None
    """An HTTP API in every region."""
    services: Annotated[tuple[Service, ...], Field(max_length=3)] = ()
    """Containers on Fargate, each behind a load balancer, in every region. They share one template per region, and
    more than three would not fit into it."""
    dns: Dns | None = None
    """A name that follows the failover."""
    events: Events | None = None
    """An event bus in each region, with events sent on from one to the other."""
    canary: Canary | None = None
    """A canary in each recovery region that asks the workload's public URL."""
    backup: Backup | None = None
    """Daily backups with AWS Backup, copied to the recovery region."""
    alerts: Alerts = Alerts()
    recovery: Recovery = Recovery()
    protection: bool = True
    """Deletion protection, Retain policies, stack policies and termination protection."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict)
    """Tags of every stack and so of every resource."""
    extensions: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Components of your own by name, each with its settings; drgen passes them on as they are (docs/library.md)."""

    @property
    def stack_tags(self) -> dict[str, str]:
        """The tags of every stack: whose it is, the objectives, and the workload's own."""
        return {"drgen": self.names.prefix, **self.objectives.model_dump(), **self.tags}

    @property
    def all_serve(self) -> bool:
        """Whether every region serves all the time, and none waits."""
        return self.strategy == "active-active"

    def standby(self, service: Service) -> int:
        """How many tasks of `service` run at least in a region that stands by."""
        given = service.count.recovery
        return given if given is not None else int(self.strategy == "warm-standby")

    @property
    def names(self) -> Names:
        return Names(f"{self.name}-{self.environment}")

    @property
    def public_targets(self) -> tuple[str, ...]:
        """What a public name could lead to: API, and public services by name."""
        return (*((API,) if self.api is not None else ()), *(each.name for each in self.services if each.public))

    @property
    def public_target(self) -> str:
        """What the public name leads to, or nothing where there is none."""
        if self.dns is None or self.dns.private:
            return ""
        one = self.public_targets[0] if len(self.public_targets) == 1 else ""
        return self.dns.target or one

    @property
    def public_name(self) -> str:
        """The name in public DNS, or nothing."""
        target = self.public_target
        return self.dns.name(target) if self.dns is not None and target else ""

    @property
    def api_name(self) -> str:
        """The public name, if it leads to the API."""
        return self.public_name if self.public_target == API else ""

    @property
    def database_name(self) -> str:
        """The private name of the database, or nothing."""
        return self.dns.name("postgres") if self.dns is not None and self.dns.private and self.database else ""

    @property
    def internal_services(self) -> tuple[Service, ...]:
        """The services that the internet does not reach."""
        return tuple(service for service in self.services if not service.public)

    @property
    def postgres(self) -> Postgres | None:
        """The database, if it is on RDS."""
        return self.database if isinstance(self.database, Postgres) else None

    @property
    def aurora(self) -> Aurora | None:
        """The database, if it is on Aurora."""
        return self.database if isinstance(self.database, Aurora) else None

    @property
    def has_switch(self) -> bool:
        """Whether a failover moves traffic by an alarm behind the primary's records. Aurora moves its own name."""
        private = self.dns is not None and self.dns.private
        return bool(self.public_name) or (private and (self.postgres is not None or bool(self.internal_services)))

    @property
    def has_write_switch(self) -> bool:
        """Whether an alarm behind a recovery region's records holds them back until its database takes writes."""
        if self.public_name:
            named = [each for each in self.services if each.name == self.public_target != API]
            return any(each.database for each in named)
        return self.has_switch and self.database is not None

    @property
    def fails_over(self) -> bool:
        """Whether there is anything that a failover machine would move: data, containers, or a public name."""
        return self.database is not None or bool(self.services) or bool(self.public_name)

    def sides(self) -> tuple[Region, ...]:
        """The primary region, then the recovery regions."""
        return (self.regions.primary, *self.regions.recovery)

    def zones(self, region: Region) -> tuple[str, ...]:
        """The availability zones used in `region`, by name."""
        return region.zones or tuple(f"{region.name}{letter}" for letter in "abc"[: self.network.zones])
