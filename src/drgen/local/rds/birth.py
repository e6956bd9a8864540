"""What a new instance looks like: the part of its record that a fresh instance and a replica share."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds import catalog, checks, groups, surroundings
from drgen.local.rds.checks import bad_combination
from drgen.local.rds.context import Context
from drgen.local.rds.records import Instance, Record

BACKUP_WINDOW = "03:00-03:30"
MAINTENANCE_WINDOW = "sun:05:00-sun:05:30"
_ALWAYS: Record = {
    "ActivityStreamStatus": "stopped",
    "AssociatedRoles": [],
    "CustomerOwnedIpEnabled": False,
    "DBSecurityGroups": [],
    "DbInstancePort": 0,
    "DomainMemberships": [],
    "PendingModifiedValues": {},
}
PORTS = {"aurora-mysql": 3306, "aurora-postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306}


def new_identifier(ctx: Context) -> str:
    """The identifier asked for, in lower case. Raises DBInstanceAlreadyExists if this region has it."""
    name = checks.identifier("DBInstanceIdentifier", ctx.params["DBInstanceIdentifier"])
    if name in ctx.state.instances:
        raise already_exists()
    return name


def already_exists() -> ApiError:
    return ApiError("DBInstanceAlreadyExists", "DB instance already exists")


def add(ctx: Context, instance: Instance) -> None:
    """Makes the instance known, unless another call took its name meanwhile. Hold the lock."""
    if instance.name in ctx.state.instances:
        raise already_exists()
    ctx.world.put(instance)


def endpoint(ctx: Context, name: str, port: int) -> dict[str, Any]:
    """The endpoint, as it stays for the life of the identifier."""
    return {"Address": host(ctx, name), "Port": port, "HostedZoneId": hosted_zone(ctx)}


def host(ctx: Context, name: str, kind: str = "") -> str:
    """A name in the region's domain; `kind` is cluster- or cluster-ro- for those of a cluster. Its label is made up."""
    suffix = "amazonaws.com.cn" if ctx.env.partition == "aws-cn" else "amazonaws.com"
    return f"{name}.{kind}c{_digest(ctx)[:11]}.{ctx.region}.rds.{suffix}"


def hosted_zone(ctx: Context) -> str:
    return f"Z{_digest(ctx)[11:24].upper()}"


def _digest(ctx: Context) -> str:
    return hashlib.sha256(f"{ctx.env.account}/{ctx.region}".encode()).hexdigest()


def shared_record(ctx: Context, name: str, *, engine: str, version: str, instance_class: str) -> Record:
    """The fields that follow from the request alone, in the same way for a fresh instance and a replica."""
    params = ctx.params
    catalog.check_class(ctx.region, engine, instance_class, version)
    interval = int(params.get("MonitoringInterval") or 0)
    checks.monitoring(interval, params.get("MonitoringRoleArn"))
    logs = list(params.get("EnableCloudwatchLogsExports") or ())
    checks.log_exports(engine, logs)
    record: Record = {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": ctx.arn("db", name),
        "DbiResourceId": "db-" + base64.b32encode(uuid.uuid4().bytes).decode().rstrip("="),
        "DBInstanceStatus": "creating",
        "DBInstanceClass": instance_class,
        "Engine": engine,
        "EngineVersion": version,
        "LicenseModel": catalog.license_model(engine),
        "OptionGroupMemberships": [
            {
                "OptionGroupName": params.get("OptionGroupName")
                or f"default:{engine}-{catalog.major(engine, version).replace('.', '-')}",
                "Status": "in-sync",
            }
        ],
        "AutoMinorVersionUpgrade": params.get("AutoMinorVersionUpgrade", True),
        "PubliclyAccessible": params.get("PubliclyAccessible", False),
        "CACertificateIdentifier": params.get("CACertificateIdentifier") or "rds-ca-rsa2048-g1",
        "CopyTagsToSnapshot": params.get("CopyTagsToSnapshot", False),
        "MonitoringInterval": interval,
        "MonitoringRoleArn": params.get("MonitoringRoleArn"),
        "IAMDatabaseAuthenticationEnabled": params.get("EnableIAMDatabaseAuthentication", False),
        "EnabledCloudwatchLogsExports": logs,
        "DeletionProtection": params.get("DeletionProtection", False),
        "MaxAllocatedStorage": params.get("MaxAllocatedStorage"),
        "NetworkType": params.get("NetworkType") or "IPV4",
        "BackupTarget": params.get("BackupTarget") or "region",
        "DedicatedLogVolume": params.get("DedicatedLogVolume", False),
        "TagList": checks.tags(params.get("Tags")),
    }
    given = {key: value for key, value in record.items() if value is not None}
    return deepcopy(_ALWAYS) | given | insights(ctx, params)


def insights(ctx: Context, params: Mapping[str, Any]) -> Record:
    """The fields of Performance Insights and Database Insights."""
    if not params.get("EnablePerformanceInsights"):
        if params.get("PerformanceInsightsKMSKeyId") or params.get("PerformanceInsightsRetentionPeriod"):
            raise bad_combination(
                "You can't specify a Performance Insights key or retention period while Performance Insights is "
                "disabled."
            )
        return {"PerformanceInsightsEnabled": False, "DatabaseInsightsMode": "standard"}
    key = params.get("PerformanceInsightsKMSKeyId")
    return {
        "PerformanceInsightsEnabled": True,
        "PerformanceInsightsRetentionPeriod": int(params.get("PerformanceInsightsRetentionPeriod") or 7),
        "PerformanceInsightsKMSKeyId": surroundings.key_arn(ctx, key) if key else service_key(ctx),
        "DatabaseInsightsMode": params.get("DatabaseInsightsMode") or "standard",
    }


def service_key(ctx: Context) -> str:
    """The ARN of the account's aws/rds key in this region, which RDS takes where no key is named."""
    key = uuid.uuid5(uuid.NAMESPACE_DNS, f"{ctx.env.account}.{ctx.region}.rds")
    return f"arn:{ctx.env.partition}:kms:{ctx.region}:{ctx.env.account}:key/{key}"


def placement(ctx: Context, group_name: str | None) -> Record:
    """Subnet group, security groups, zone and standby zone of the new instance."""
    params = ctx.params
    multi_az, zone = params.get("MultiAZ", False), params.get("AvailabilityZone")
    if multi_az and zone:
        raise bad_combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
    group = groups.subnet_group(ctx, group_name)
    zones = sorted({entry["SubnetAvailabilityZone"]["Name"] for entry in group["Subnets"]})
    if zone and zone not in zones:
        raise ApiError(
            "InvalidVPCNetworkStateFault",
            f"Availability zone '[{zone}]' is unavailable in this region, please choose another zone set.",
        )
    record: Record = {
        "DBSubnetGroup": group,
        "VpcSecurityGroups": surroundings.security_groups(ctx, params.get("VpcSecurityGroupIds"), group["VpcId"]),
        "MultiAZ": multi_az,
        "AvailabilityZone": zone or zones[0],
    }
    return record | ({"SecondaryAvailabilityZone": zones[1]} if multi_az else {})


def default_port(engine: str) -> int:
    return PORTS.get(engine, 3306)
