"""The values RDS refuses, with the code and the wording of its errors.

Sources: RDS API reference (botocore, CreateDBInstanceMessage and the shapes it names) and the quotas page of the RDS
guide for the limits; error wordings as users of RDS have published them. BEHAVIOUR.md marks what is inferred.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from drgen.local.api import ApiError

_IDENTIFIER = re.compile(r"[a-zA-Z](?:-?[a-zA-Z0-9])*")
_GROUP_NAME = re.compile(r"[a-zA-Z0-9 ._-]+")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BACKUP_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_MAINTENANCE_WINDOW = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):([0-5]\d)-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):([0-5]\d)"
)
_WEEK = 7 * 24 * 60
_STORAGE_GIB = {"gp2": (20, 65536), "gp3": (20, 65536), "io1": (100, 65536), "io2": (100, 65536), "standard": (5, 3072)}
# Source: botocore, CreateDBClusterMessage.EnableCloudwatchLogsExports.
_LOG_TYPES = {
    "aurora-mysql": frozenset({"audit", "error", "general", "iam-db-auth-error", "instance", "slowquery"}),
    "aurora-postgresql": frozenset({"iam-db-auth-error", "instance", "postgresql"}),
    "postgres": frozenset({"iam-db-auth-error", "postgresql", "upgrade"}),
}


def bad_value(message: str) -> ApiError:
    return ApiError("InvalidParameterValue", message)


def bad_combination(message: str) -> ApiError:
    return ApiError("InvalidParameterCombination", message)


def identifier(parameter: str, value: str, *, longest: int = 63) -> str:
    """`value` in lower case, as RDS stores identifiers. `longest` is 63 for instances, 255 for snapshots and groups."""
    if not _IDENTIFIER.fullmatch(value):
        raise bad_value(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive "
            "hyphens."
        )
    if len(value) > longest:
        raise bad_value(
            f"The parameter {parameter} is not a valid identifier because it is longer than {longest} characters."
        )
    return value.lower()


def subnet_group_name(value: str) -> str:
    """The name in lower case: up to 255 letters, digits, periods, underscores, spaces, hyphens; never "default"."""
    if not _GROUP_NAME.fullmatch(value) or len(value) > 255 or value.lower() == "default":
        raise bad_value(
            "The parameter DBSubnetGroupName must contain no more than 255 letters, numbers, periods, underscores, "
            f"spaces, or hyphens, and must not be default. Actual value: {value}"
        )
    return value.lower()


def tags(entries: Sequence[Mapping[str, str]] | None) -> list[dict[str, str]]:
    """The tags, the last value of a key winning. Keys may not start with aws: unless CloudFormation set them."""
    found: dict[str, str] = {}
    for entry in entries or ():
        key, value = entry["Key"], entry.get("Value", "")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise bad_value(f"Tag keys hold 1 to 128 characters and tag values at most 256. Tag key: {key}")
        if key.lower().startswith(("aws:", "rds:")) and not key.startswith("aws:cloudformation:"):
            raise bad_value("Tag keys starting with aws: or rds: are reserved for system use.")
        for what, text in (("keys", key), ("values", value)):
            if not all(_is_tag_character(character) for character in text):
                raise bad_value(
                    f"Tag {what} may only contain unicode letters, digits, whitespace, or one of these symbols: "
                    "_ . : / = + - @"
                )
        found[key] = value
    if len(found) > 50:
        raise bad_value("A resource can have no more than 50 tags.")
    return [{"Key": key, "Value": value} for key, value in found.items()]


def _is_tag_character(character: str) -> bool:
    return character in "_.:/=+-@" or unicodedata.category(character)[0] in "LNZ"


def password(value: str) -> None:
    if not all(32 < ord(character) < 127 for character in value) or set(value) & set("/'\"@"):
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides "
            "'/', '@', '\"', ' ' may be used."
        )
    if not 8 <= len(value) <= 128:
        raise bad_value(
            "The parameter MasterUserPassword is not a valid password because it is "
            + ("shorter than 8 characters." if len(value) < 8 else "longer than 128 characters.")
        )


def master_username(value: str) -> None:
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,62}", value):
        raise bad_value("The parameter MasterUsername must begin with a letter and contain 1 to 63 letters or digits.")
    if value.lower() in ("admin", "rdsadmin"):
        raise bad_value(f"MasterUsername {value} cannot be used as it is a reserved word used by the engine")


def database_name(value: str) -> None:
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,62}", value):
        raise bad_value("DBName must begin with a letter and contain only alphanumeric characters.")


def retention(days: int) -> None:
    if not 0 <= days <= 35:
        raise bad_value(f"Invalid backup retention period: {days}. Must be between 0 and 35 days.")


def windows(backup: str, maintenance: str) -> None:
    """Nothing, if both windows are well formed, at least 30 minutes long, and apart."""
    daily, weekly = _BACKUP_WINDOW.fullmatch(backup), _MAINTENANCE_WINDOW.fullmatch(maintenance)
    if not daily:
        raise bad_value(f"Invalid backup window format: {backup}. Should be specified as a range hh24:mi-hh24:mi.")
    if not weekly:
        raise bad_value(
            f"Invalid maintenance window format: {maintenance}. "
            "Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC)."
        )
    start, stop = _minute(weekly[1], weekly[2], weekly[3]), _minute(weekly[4], weekly[5], weekly[6])
    opening = int(daily[1]) * 60 + int(daily[2])
    length = (int(daily[3]) * 60 + int(daily[4]) - opening) % (24 * 60)
    if length < 30:
        raise bad_value("The backup window must be at least 30 minutes.")
    if (stop - start) % _WEEK < 30:
        raise bad_value("The maintenance window must be at least 30 minutes.")
    for day in range(7):
        begin = day * 24 * 60 + opening
        if (start - begin) % _WEEK < length or (begin - start) % _WEEK < (stop - start) % _WEEK:
            raise bad_value("The backup window and maintenance window must not overlap.")


def _minute(day: str, hour: str, minute: str) -> int:
    return _DAYS.index(day) * 24 * 60 + int(hour) * 60 + int(minute)


def storage(engine: str, kind: str, gib: int, iops: int | None, throughput: int | None) -> dict[str, int]:
    """The Iops and StorageThroughput that the storage really has.

    gp3 on PostgreSQL is fixed at 3,000 IOPS and 125 MiB/s below 400 GiB; from there it starts at 12,000 and 500.
    Source: RDS guide, "Amazon RDS DB instance storage"; sizes from botocore, CreateDBInstanceMessage.AllocatedStorage.
    """
    if kind not in _STORAGE_GIB:
        raise bad_value(f"Invalid storage type: {kind}")
    smallest, largest = _STORAGE_GIB[kind]
    if not smallest <= gib <= largest:
        raise bad_value(f"Invalid storage size for engine name {engine} and storage type {kind}: {gib}")
    match kind:
        case "gp3" if gib < 400:
            if iops not in (None, 3000) or throughput not in (None, 125):
                raise bad_combination(
                    f"You can't specify IOPS or storage throughput for engine {engine} "
                    "and a storage size less than 400."
                )
            return {"Iops": 3000, "StorageThroughput": 125}
        case "gp3":
            found = {"Iops": iops or 12000, "StorageThroughput": throughput or 500}
            if not (12000 <= found["Iops"] <= 64000 and 500 <= found["StorageThroughput"] <= 4000):
                raise bad_combination(
                    "gp3 storage of 400 GiB or more takes 12000 to 64000 IOPS and 500 to 4000 MiB/s of throughput."
                )
            return found
        case "io1" | "io2":
            if iops is None:
                raise bad_combination(f"You must specify iops when the storage type is {kind}.")
            return {"Iops": iops}
        case _:
            if iops is not None:
                raise bad_combination(f"You can't specify iops when the storage type is {kind}.")
            return {}


def monitoring(interval: int, role: str | None) -> None:
    if interval not in (0, 1, 5, 10, 15, 30, 60):
        raise bad_value(f"Invalid monitoring interval: {interval}. Valid values: 0, 1, 5, 10, 15, 30, 60")
    if bool(interval) != bool(role):
        raise bad_combination(
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."
            if interval
            else "A MonitoringInterval value other than 0 is required if you specify a MonitoringRoleARN value."
        )


def log_exports(engine: str, wanted: Sequence[str]) -> None:
    unknown = sorted(set(wanted) - _LOG_TYPES.get(engine, frozenset(wanted)))
    if unknown:
        raise bad_combination(
            f"You cannot use the log types '{', '.join(unknown)}' with engine version {engine}. "
            "For supported log types, see the documentation."
        )


def filters(entries: Sequence[Mapping[str, Any]] | None, known: Mapping[str, str]) -> list[tuple[str, frozenset[str]]]:
    """(record key, accepted values) of each filter; `known` gives the record key of a filter's name."""
    found = []
    for entry in entries or ():
        if entry["Name"] not in known:
            raise bad_value(f"Unrecognized filter name: {entry['Name']}")
        found.append((known[entry["Name"]], frozenset(entry["Values"])))
    return found
