"""Which engine versions and instance classes a region has.

Source: cfn-lint's bundled extension data for AWS::RDS::DBInstance (engine_version.json, engine_version_deprecated.json,
dbinstanceclass_enum.json). Nothing here is measured against a live account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from drgen.local.api import ApiError
from drgen.local.rds.context import Context, page
from drgen.template.bundled import rds_data

# The data lists prefixes ("16", "8.0") next to full versions.
_FULL_VERSION = {
    "aurora-mysql": re.compile(r"[58]\.\d+\.mysql_aurora\.\d+\.\d+\.\d+"),
    "aurora-postgresql": re.compile(r"\d{2,}\.\d+"),
    "postgres": re.compile(r"\d{2,}\.\d+(-rds\.\d+)?|9\.\d+\.\d+"),
    "mysql": re.compile(r"\d+\.\d+\.\d+.*"),
    "mariadb": re.compile(r"\d+\.\d+\.\d+.*"),
}
_LICENSES = {
    "aurora-mysql": "general-public-license",
    "aurora-postgresql": "postgresql-license",
    "mariadb": "general-public-license",
    "mysql": "general-public-license",
    "postgres": "postgresql-license",
}
AURORA = frozenset({"aurora-mysql", "aurora-postgresql"})
# Source: Aurora guide, "Supported Regions and DB engines for Aurora global databases".
_GLOBAL_FROM = {14: 3, 15: 2, 16: 1, 17: 4}


@cache
def _extension(name: str) -> Any:
    return json.loads(rds_data(name))


def _enum(rules: list[Any], engine: str, side: str, key: str) -> frozenset[str]:
    found: set[str] = set()
    for rule in rules:
        if rule["if"]["properties"].get("Engine", {}).get("const") == engine:
            found |= set(rule[side]["properties"].get(key, {}).get("enum", ()))
    return frozenset(found)


@cache
def versions(engine: str) -> tuple[str, ...]:
    """Full versions of `engine`, oldest first; empty for an engine that the data does not hold."""
    found = _enum(_extension("engine_version")["allOf"], engine, "then", "EngineVersion")
    pattern = _FULL_VERSION.get(engine)
    full = [version for version in found if pattern is None or pattern.fullmatch(version)]
    return tuple(sorted(full, key=version_key))


@cache
def deprecated_versions(engine: str) -> frozenset[str]:
    return _enum(_extension("engine_version_deprecated")["allOf"], engine, "if", "EngineVersion")


@cache
def classes(region: str, engine: str) -> frozenset[str]:
    rules = _extension("dbinstanceclass_enum").get(region, {"allOf": []})["allOf"]
    return _enum(rules, engine, "then", "DBInstanceClass")


def version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def major(engine: str, version: str) -> str:
    parts = version.split(".")
    return parts[0] if engine.endswith(("postgres", "postgresql")) and parts[0] != "9" else ".".join(parts[:2])


def family(engine: str, version: str) -> str:
    """The parameter group family: postgres16 for PostgreSQL 16.9."""
    return engine + major(engine, version)


def families() -> frozenset[str]:
    return frozenset(family(engine, version) for engine in _LICENSES for version in versions(engine))


def license_model(engine: str) -> str:
    return _LICENSES.get(engine, "license-included")


def resolve_version(engine: str, wanted: str | None) -> str:
    """The full version that `wanted` names: itself, the newest of a prefix ("16"), or the newest of all.

    Deprecated versions cannot be created. That RDS takes the newest for a prefix is inferred.
    """
    known = [version for version in versions(engine) if version not in deprecated_versions(engine)]
    if not versions(engine):
        raise ApiError("InvalidParameterValue", f"Invalid DB engine: {engine}")
    if wanted in known:
        return str(wanted)
    plain = [version for version in known if "-rds" not in version]
    match = [version for version in plain if not wanted or version.startswith(f"{wanted}.")]
    if not match:
        raise ApiError("InvalidParameterCombination", f"Cannot find version {wanted} for {engine}")
    return match[-1]


def check_class(region: str, engine: str, instance_class: str, version: str) -> None:
    if instance_class not in classes(region, engine):
        raise ApiError(
            "InvalidParameterCombination",
            f"RDS does not support creating a DB instance with the following combination: DBInstanceClass="
            f"{instance_class}, Engine={engine}, EngineVersion={version}, LicenseModel={license_model(engine)}. "
            "For supported combinations of instance class and database engine version, see the documentation.",
        )


def is_for_global(engine: str, version: str) -> bool:
    """Whether a global database can run that version. Of Aurora MySQL every version that can still be created is."""
    if engine != "aurora-postgresql":
        return engine in AURORA
    number, minor = version_key(version)[:2]
    return minor >= _GLOBAL_FROM.get(number, 0 if number > max(_GLOBAL_FROM) else minor + 1)


def describe_engine_versions(ctx: Context) -> Mapping[str, Any]:
    """DescribeDBEngineVersions. Without Engine it lists Aurora's engines, PostgreSQL, MySQL and MariaDB."""
    engines = [ctx.params["Engine"]] if ctx.params.get("Engine") else sorted(_LICENSES)
    wanted = ctx.params.get("EngineVersion", "")
    only_family = ctx.params.get("DBParameterGroupFamily")
    found = []
    for engine in engines:
        for version in versions(engine):
            if version in deprecated_versions(engine) or (only_family and family(engine, version) != only_family):
                continue
            if not wanted or version == wanted or version.startswith(f"{wanted}."):
                found.append(_engine_version(engine, version))
    if ctx.params.get("DefaultOnly"):
        newest = {engine: resolve_version(engine, wanted or None) for engine in engines}
        found = [entry for entry in found if newest[entry["Engine"]] == entry["EngineVersion"]]
    entries, marker = page(found, ctx.params, lambda entry: f"{entry['Engine']} {_sortable(entry)}")
    return {"DBEngineVersions": entries, **marker}


def _sortable(entry: Mapping[str, Any]) -> str:
    return ".".join(f"{part:010d}" for part in version_key(entry["EngineVersion"]))


def _engine_version(engine: str, version: str) -> dict[str, Any]:
    return {
        "Engine": engine,
        "EngineVersion": version,
        "MajorEngineVersion": major(engine, version),
        "DBParameterGroupFamily": family(engine, version),
        "Status": "available",
        "SupportsGlobalDatabases": is_for_global(engine, version),
    }


def describe_orderable_options(ctx: Context) -> Mapping[str, Any]:
    """DescribeOrderableDBInstanceOptions: version by class, for the region of the call."""
    engine = ctx.params["Engine"]
    version = ctx.params.get("EngineVersion")
    wanted = ctx.params.get("DBInstanceClass")
    some = [entry for entry in versions(engine) if entry not in deprecated_versions(engine)]
    found = [
        {
            "Engine": engine,
            "EngineVersion": entry,
            "DBInstanceClass": name,
            "LicenseModel": license_model(engine),
            "Vpc": True,
        }
        for entry in some
        if version in (None, entry)
        for name in sorted(classes(ctx.region, engine))
        if wanted in (None, name)
    ]
    entries, marker = page(found, ctx.params, lambda entry: f"{_sortable(entry)} {entry['DBInstanceClass']}")
    return {"OrderableDBInstanceOptions": entries, **marker}


OPERATIONS = {
    "DescribeDBEngineVersions": describe_engine_versions,
    "DescribeOrderableDBInstanceOptions": describe_orderable_options,
}
