"""What a handler sees of a DB instance: its state, the wait for a stable one, and the errors in CloudFormation's codes.

Source: the public handlers of CloudFormation for RDS (aws-rds-dbinstance: BaseHandlerStd).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.provider import Physical, ResourceFailed
from drgen.local.providers.work import Work, error_code, is_missing

_POLL_S = 30.0
_LIMIT_S = 180 * 60.0

# Source: BaseHandlerStd.DEFAULT_DB_INSTANCE_ERROR_RULE_SET.
_HANDLER_CODES = {
    "InstanceQuotaExceeded": "ServiceLimitExceeded",
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

    def is_stable() -> bool:
        live = described(work, name)
        status = live["DBInstanceStatus"]
        if status in ("failed", "storage-full") or status.startswith(("incompatible-", "inaccessible-")):
            raise ResourceFailed(f"DBInstance {name} is in state: {status}", code="NotStabilized")
        return bool(status == "available" and not (promoted and live.get("ReadReplicaSourceDBInstanceIdentifier")))

    if not work.env.wait(is_stable, every=_POLL_S, limit=_LIMIT_S):
        raise ResourceFailed(f"DBInstance {name} failed to stabilize.", code="NotStabilized")


def await_absence(work: Work, name: str) -> None:
    def is_gone() -> bool:
        try:
            described(work, name)
        except ClientError as error:
            if is_missing(error):
                return True
            raise
        return False

    if not work.env.wait(is_gone, every=_POLL_S, limit=_LIMIT_S):
        raise ResourceFailed(f"DBInstance {name} failed to stabilize.", code="NotStabilized")


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
