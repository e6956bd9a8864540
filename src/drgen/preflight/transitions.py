"""Changes of a property that services refuse, though the schemas call the property mutable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from drgen.preflight.changes import Pair, changed
from drgen.preflight.values import is_true, number

FAILING: Mapping[str, tuple[str, ...]] = {
    "AWS::KMS::Key": ("MultiRegion", "KeySpec", "KeyUsage", "Origin"),
    "AWS::RDS::GlobalCluster": ("EngineLifecycleSupport",),
    "AWS::RDS::DBInstance": ("EngineLifecycleSupport",),
    "AWS::RDS::DBCluster": ("EngineLifecycleSupport",),
}
"""Properties whose change fails, though the schema marks them as mutable.

Source: CloudFormation Template Reference, AWS::KMS::Key; AWS::RDS::DBInstance, EngineLifecycleSupport.
"""


def _numbers(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text or "")[:2])


def _shrinks(pair: Pair) -> str:
    was, becomes = (number(found.value("AllocatedStorage")) for found in pair)
    return f"storage shrinks from {was:g} to {becomes:g} GiB" if was and becomes and becomes < was else ""


def _goes_back(pair: Pair) -> str:
    was, becomes = (found.text("EngineVersion") for found in pair)
    old, new = _numbers(was), _numbers(becomes)
    shorter = min(len(old), len(new))
    return f"the version goes back from {was} to {becomes}" if new[:shorter] < old[:shorter] else ""


def _major_without_leave(pair: Pair) -> str:
    was, becomes = (_numbers(found.text("EngineVersion")) for found in pair)
    name = pair[1].text("Engine") or pair[0].text("Engine") or ""
    leading = 1 if "postgres" in name else 2
    major = bool(was and becomes) and becomes[:leading] > was[:leading]
    allowed = is_true(pair[1].value("AllowMajorVersionUpgrade"))
    return "a major upgrade, and AllowMajorVersionUpgrade is not true" if major and not allowed else ""


def _suspends_versions(pair: Pair) -> str:
    was, becomes = (found.text("VersioningConfiguration.Status") for found in pair)
    replicates = pair[1].has("ReplicationConfiguration") or pair[1].has("ObjectLockConfiguration")
    suspends = was == "Enabled" != becomes and replicates
    return "versions are suspended while the bucket replicates or locks" if suspends else ""


def _changes_stream(pair: Pair) -> str:
    several = len(list(pair[0].values("Replicas"))) > 1 and changed(pair, ("StreamSpecification",))
    return "the stream changes while there are several replicas" if several else ""


REFUSED: tuple[tuple[str, str, Callable[[Pair], str]], ...] = (
    ("AWS::RDS::DBInstance", "AllocatedStorage", _shrinks),
    ("AWS::RDS::DBInstance", "EngineVersion", _goes_back),
    ("AWS::RDS::DBCluster", "EngineVersion", _goes_back),
    ("AWS::RDS::GlobalCluster", "EngineVersion", _goes_back),
    ("AWS::RDS::DBInstance", "EngineVersion", _major_without_leave),
    ("AWS::S3::Bucket", "VersioningConfiguration", _suspends_versions),
    ("AWS::DynamoDB::GlobalTable", "StreamSpecification", _changes_stream),
)
"""Transitions that services refuse.

Source: Amazon RDS User Guide (storage cannot shrink; an engine cannot be downgraded; AllowMajorVersionUpgrade); Amazon
S3 User Guide, Requirements and considerations for replication; reference of AWS::DynamoDB::GlobalTable.
"""
