"""What the handlers for RDS share: the wait for a stable resource, tags, and the errors in CloudFormation's codes.

Source: the public handlers of CloudFormation for RDS (BaseHandlerStd of aws-rds-dbinstance and aws-rds-dbcluster).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.provider import Physical, ResourceFailed
from drgen.local.providers.work import Work, as_tags, error_code, is_missing, tags_of

_POLL_S = 30.0
_LIMIT_S = 180 * 60.0

# Source: BaseHandlerStd.DEFAULT_DB_INSTANCE_ERROR_RULE_SET and DEFAULT_DB_CLUSTER_ERROR_RULE_SET.
_HANDLER_CODES = {
    "InstanceQuotaExceeded": "ServiceLimitExceeded",
    "InvalidDBClusterStateFault": "ResourceConflict",
    "InvalidGlobalClusterStateFault": "ResourceConflict",
    "InvalidDBInstanceState": "ResourceConflict",
    "KMSKeyNotAccessibleFault": "InvalidRequest",
    "SnapshotQuotaExceeded": "ServiceLimitExceeded",
    "StorageQuotaExceeded": "ServiceLimitExceeded",
}


@contextmanager
def as_handler_codes() -> Iterator[None]:
    """Gives the failures that only RDS knows the codes that its handler gives them."""
    try:
        yield
    except ResourceFailed as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and error_code(cause) in _HANDLER_CODES:
            raise ResourceFailed(error.message, code=_HANDLER_CODES[error_code(cause)]) from cause
        raise


def described(work: Work, name: str) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = work.api("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return found[0]


def stabilize(work: Work, name: str, *, promoted: bool = False) -> None:
    """Returns when the instance is available, and, if it was to be promoted, has no source any more."""

    def status() -> str:
        live = described(work, name)
        is_replica = promoted and live.get("ReadReplicaSourceDBInstanceIdentifier")
        return "promoting" if is_replica else str(live["DBInstanceStatus"])

    wait_for(work, "DBInstance", name, status)


def wait_for(work: Work, kind: str, name: str, status: Callable[[], str]) -> None:
    """Returns when the status is available. Raises ResourceFailed where it never will be."""

    def is_stable() -> bool:
        now = status()
        if now in ("failed", "storage-full") or now.startswith(("incompatible-", "inaccessible-")):
            raise ResourceFailed(f"{kind} {name} is in state: {now}", code="NotStabilized")
        return now == "available"

    if not work.env.wait(is_stable, every=_POLL_S, limit=_LIMIT_S):
        raise ResourceFailed(f"{kind} {name} failed to stabilize.", code="NotStabilized")


def refuse_unserved(work: Work, what: str, properties: Iterable[str]) -> None:
    """Raises ResourceFailed for a property that the embedded AWS would take and then not act on."""
    for name in properties:
        if work.properties.get(name):
            text = f"The embedded AWS does not act on {name} of {what}. Deploy this template to an account."
            raise ResourceFailed(text, code="InvalidRequest")


def if_there(describe: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What `describe` shows; None where there is no such resource any more."""
    try:
        return describe()
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def await_absence(work: Work, name: str) -> None:
    stays_away(work, "DBInstance", name, lambda: described(work, name))


def stays_away(work: Work, kind: str, name: str, describe: Callable[[], Mapping[str, Any]]) -> None:
    """Returns when `describe` finds nothing any more."""
    if not work.env.wait(lambda: if_there(describe) is None, every=_POLL_S, limit=_LIMIT_S):
        raise ResourceFailed(f"{kind} {name} failed to stabilize.", code="NotStabilized")


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def retag(work: Work, arn: str) -> None:
    """Gives the resource the tags of the template, and takes away those that only the last template had."""
    client = work.api("rds")
    wanted = tags_of(work.desired)
    present = as_tags(client.list_tags_for_resource(ResourceName=arn)["TagList"])
    gone = sorted(set(as_tags(work.desired.previous.get("Tags"))) - set(wanted))
    if gone:
        client.remove_tags_from_resource(ResourceName=arn, TagKeys=gone)
    added = {key: value for key, value in wanted.items() if present.get(key) != value}
    if added:
        client.add_tags_to_resource(ResourceName=arn, Tags=pairs(added))


def default_group(work: Work, vpc: str) -> list[str]:
    """The default security group of the VPC, which the handlers take where the template names none any more."""
    wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return [group["GroupId"] for group in work.api("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]]


def log_changes(work: Work) -> dict[str, list[str]]:
    """The log types to turn on and off, between the last template and this one."""
    after, before = (
        set(side.get("EnableCloudwatchLogsExports") or ()) for side in (work.properties, work.desired.previous)
    )
    return {"EnableLogTypes": sorted(after - before), "DisableLogTypes": sorted(before - after)}


def final_snapshot(work: Work, parameter: str, *, wanted: bool) -> dict[str, Any]:
    """What a delete call says of a last snapshot, under a name of CloudFormation's kind."""
    if not wanted:
        return {"SkipFinalSnapshot": True}
    labelled = replace(work.desired, logical_id=f"snapshot-{work.desired.logical_id}")
    return {
        "SkipFinalSnapshot": False,
        parameter: Work(work.env, labelled).name(parameter, limit=255, lower=True),
    }


def physical(work: Work, name: str) -> Physical:
    live = described(work, name)
    endpoint = live["Endpoint"]
    attributes: dict[str, Any] = {
        "DBInstanceArn": live["DBInstanceArn"],
        "DbiResourceId": live["DbiResourceId"],
        "Endpoint.Address": endpoint["Address"],
        "Endpoint.Port": str(endpoint["Port"]),
        "Endpoint.HostedZoneId": endpoint["HostedZoneId"],
    }
    if "MasterUserSecret" in live:
        attributes["MasterUserSecret.SecretArn"] = live["MasterUserSecret"]["SecretArn"]
    return Physical(name, attributes)
