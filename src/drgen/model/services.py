"""Section `services`: containers on Fargate behind a load balancer, in every region."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drgen.model.fields import Access, RetentionDays, Section

SECRET_NAME = r"^[A-Za-z0-9/_+=.@-]{1,512}$"
"""Source: Secrets Manager API, CreateSecret, Name."""
ECR = ".dkr.ecr."
"""What shows that an image is in ECR."""


class Count(Section):
    """How many tasks run at least."""

    primary: Annotated[int, Field(ge=1, le=1000)] = 2
    """In a region that is active. With strategy active-active that is every region."""
    recovery: Annotated[int, Field(ge=0, le=1000)] | None = None
    """In a region that stands by. Default: 1. With strategy pilot-light none run, so nothing shows that the image still
    starts."""


class Service(Section):
    """A container on Fargate behind a load balancer, the same in each region."""

    name: Annotated[str, Field(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=20)]
    """The name, for example web."""
    image: Annotated[str, Field(pattern=r"^\S+$", examples=["{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:..."])]
    """The image with its digest. {account} and {region} stand for those of the stack: each region pulls from its own
    registry, to which ECR must replicate. Replication copies only what is pushed after it was set up."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """The port on which the container listens for HTTP."""
    health_path: Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=1024)]
    """The path that answers 200 while the container can serve."""
    health_grace_s: Annotated[int, Field(ge=0, le=3600)] = 60
    """Seconds that a container may take to start before its health counts."""
    cpu: Annotated[int, Field(ge=256)] = 512
    """CPU units of a task; 1024 are one vCPU."""
    memory: Annotated[int, Field(ge=512)] = 1024
    """Memory of a task in MiB. Fargate takes certain pairs of cpu and memory."""
    architecture: Literal["X86_64", "ARM64"] = "X86_64"
    """What the image was built for."""
    count: Count = Count()
    """Tasks by what the region does."""
    max_count: Annotated[int, Field(ge=1, le=1000)] = 10
    """To how many tasks autoscaling may go, in any region."""
    user: Annotated[str, Field(pattern=r"^[0-9]+(:[0-9]+)?$")] | None = None
    """Numeric user, or user:group, to run as. Default: the image's own."""
    writable: tuple[Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]+$")], ...] = ()
    """Paths that the container may write to, each an empty volume. All else is read-only.

    A volume is root's, unless the image gives the path to another user and declares it with VOLUME."""
    environment: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = Field(default_factory=dict)
    """Environment variables; never secrets. Nothing in them is replaced: they arrive as written."""
    tables: dict[str, Access] = Field(default_factory=dict)
    """The tables it uses: read, or read-write. Their names are in TABLE_<NAME>."""
    buckets: dict[str, Access] = Field(default_factory=dict)
    """The buckets of its region that it uses: read, or read-write. Their names are in BUCKET_<NAME>."""
    events: bool = False
    """It sends events to the bus of its region, whose name is in EVENT_BUS."""
    database: bool = False
    """It uses the database: DATABASE_HOST, DATABASE_PORT and DATABASE_NAME say where, and the secret of its region that
    DATABASE_SECRET names holds username and password. The host is a name that follows a failover."""
    secrets: tuple[Annotated[str, Field(pattern=SECRET_NAME)], ...] = ()
    """Secrets that the container may read by name, in its own region, when it needs them: so it sees a rotated one
    without a deployment."""
    certificates: dict[str, Annotated[str, Field(pattern=r"^arn:[^:]+:acm:[^:]+:\d{12}:certificate/.+$")]] = Field(
        default_factory=dict
    )
    """ACM certificate by region, for HTTPS. Without them the load balancer speaks HTTP, inside the workload's VPCs."""
    public: bool = False
    """Puts the load balancer into public subnets, open to the internet over HTTPS, behind a web ACL of AWS WAF. That
    needs certificates. false: only the workload's VPCs reach it."""
    requests_per_address: Annotated[int, Field(ge=10, le=2_000_000_000)] = 2000
    """Of a public service: how many requests one address may make in five minutes before WAF refuses more."""
    log_days: RetentionDays = 30
    """How long the container's logs and the load balancer's access logs are kept, in days."""

    @property
    def pulls_from_ecr(self) -> bool:
        """Whether the image is in Amazon ECR."""
        return ECR in self.image

    def variables(self) -> tuple[str, ...]:
        """The environment variables that drgen sets: they name what the service uses."""
        tables = [variable("TABLE", name) for name in self.tables]
        buckets = [variable("BUCKET", name) for name in self.buckets]
        bus = ["EVENT_BUS"] if self.events else []
        return (*tables, *buckets, *bus, *(DATABASE_VARIABLES if self.database else ()))


DATABASE_VARIABLES = ("DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_SECRET")


def variable(kind: str, name: str) -> str:
    """The variable that names a table or bucket: TABLE_USER_SESSIONS for table user-sessions."""
    return f"{kind}_{name.upper().replace('-', '_')}"
