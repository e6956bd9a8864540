"""Every physical name of a workload, in one place, with the limits AWS sets.

Source of the limits: registry schemas and API models of the named services (AWS::IAM::Role.RoleName and so on).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


def partition_of(region: str) -> str:
    """The partition of `region`: aws, aws-cn or aws-us-gov."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass(frozen=True)
class Limit:
    """`name` is the longest name derived for `what`, which may have `most` characters."""

    what: str
    name: str
    most: int


@dataclass(frozen=True)
class Names:
    """`prefix` starts every name: `<workload>-<environment>`."""

    prefix: str

    def stack(self, layer: str, region: str) -> str:
        return f"{self.prefix}-{layer}-{region}"

    def regional(self, thing: str) -> str:
        """A name that is unique within its region."""
        return f"{self.prefix}-{thing}"

    def everywhere(self, thing: str, region: str) -> str:
        """A name in a namespace that regions share (IAM, dashboards, buckets) or that people compare across regions."""
        return f"{self.prefix}-{thing}-{region}"

    def bucket(self, thing: str, region: str, *, account: str = "${AWS::AccountId}") -> str:
        """A name in the account's own part of S3's namespace, which nobody else can take.

        Source: Amazon S3 User Guide, "General purpose bucket naming rules" (account regional namespace).
        """
        return f"{self.prefix}-{thing}-{account}-{region}-an"

    def database(self, region: str) -> str:
        return f"{self.prefix}-{region}"

    def database_instance(self, region: str, number: int) -> str:
        """An instance of the database's cluster."""
        return f"{self.database(region)}-{number}"

    @property
    def global_database(self) -> str:
        """The Aurora global database. Its name begins the host that takes writes."""
        return self.prefix

    @property
    def writer_parameter(self) -> str:
        """The SSM parameter, in every region, with the host of the Aurora database that takes writes."""
        return f"/{self.prefix}/database/writer"

    @property
    def cluster(self) -> str:
        """The ECS cluster of a region."""
        return self.regional("app")

    @property
    def secret(self) -> str:
        return f"{self.prefix}/database"

    @property
    def primary_gone(self) -> str:
        """The alarm that starts a failover, or asks for one."""
        return self.regional("primary-gone")

    @property
    def primary_withdrawn(self) -> str:
        """The alarm behind the health check of the primary's record."""
        return self.regional("primary-withdrawn")

    @property
    def recovery_not_writable(self) -> str:
        """The alarm behind the health check of the recovery region's record."""
        return self.regional("recovery-not-writable")

    def database_impaired(self, region: str) -> str:
        """The alarm over everything that makes the database of a region serve badly."""
        return self.everywhere("database-impaired", region)

    def service_role(self, service: str, region: str, *, purpose: str = "task") -> str:
        """The role that the containers of a service have (task), or the one that starts them (exec)."""
        return self.everywhere(f"{service}-{purpose}", region)

    def key_alias(self, purpose: str) -> str:
        return f"alias/{self.prefix}-{purpose}"

    def log_group(self, *path: str) -> str:
        return "/".join(("", *path))

    def limits(self, regions: Sequence[str]) -> Iterator[Limit]:
        """The names that come closest to a limit, for each region."""
        for region in regions:
            yield Limit("a DB instance identifier", self.database(region), 63)
            yield Limit("an IAM role name", self.everywhere("failover-machine", region), 64)
            yield Limit("a Lambda function name", self.regional("failover"), 64)
            yield Limit("an EventBridge rule name", self.regional("database-events"), 64)
            yield Limit("a Step Functions machine name", self.regional("failover"), 80)
            yield Limit("a stack name", self.stack("foundation", region), 128)
