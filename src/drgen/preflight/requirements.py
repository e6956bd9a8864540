"""Values that belong to another region than their property means.

A value has an origin (values.region_of): the region of the resource it names. A property has a requirement: a row of
region_tables.py. The rules that compare the two need no function of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drgen.preflight.region_tables import (
    ANYWHERE,
    ANYWHERE_TYPES,
    EVERY_REGION_TYPES,
    FREE_FORM,
    GLOBAL,
    IDENTIFYING,
    NAMED_BY,
    OWN_REGION,
    OWN_REGION_OF,
    SEPARATE,
    SHARED,
    In,
    OfBucket,
    Only,
    Where,
)
from drgen.preflight.stack import Resource
from drgen.preflight.values import arn, is_true, leaves, pattern, region_of
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Resolved, Unknown


@dataclass(frozen=True)
class Misplaced:
    """`value` at `path` belongs to `found`, and the property needs something of `wanted`. `said_by` names what says
    so."""

    resource: Resource
    path: str
    found: str
    wanted: str
    said_by: str
    what: str
    certain: bool = True


def misplaced(world: World, table: Mapping[tuple[str, str], Where]) -> Iterator[Misplaced]:
    """Values in the properties of `table` that belong to another region than the template states for them."""
    for (resource_type, path), where in table.items():
        for resource in world.resources(resource_type):
            for found_path, around, value in resource.parts:
                if found_path == path:
                    wanted, said_by = _wanted(world, resource, where, around)
                    yield from _compare(world, resource, path, value, wanted, said_by)


def misplaced_in_own_region(world: World) -> Iterator[Misplaced]:
    """Values of another region in properties that mean the stack's own region, or by all their kin should mean it."""
    for resource in world.all_resources():
        if resource.type.startswith(GLOBAL):
            continue
        custom = resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"
        for path, _, value in resource.parts:
            if (resource.type, path) in SEPARATE or (custom and path != "ServiceToken"):
                continue
            if not FREE_FORM.isdisjoint(path.split(".")):
                continue
            certain = _means_own_region(resource.type, path)
            if certain or _should_mean_own_region(resource.type, path):
                found = _compare(world, resource, path, value, resource.region, "the stack")
                yield from (replace(case, certain=certain) for case in found)


def _means_own_region(resource_type: str, path: str) -> bool:
    named = path.rsplit(".", 1)[-1] in OWN_REGION and not resource_type.startswith(EVERY_REGION_TYPES)
    return named or (resource_type, path) in OWN_REGION_OF


def _should_mean_own_region(resource_type: str, path: str) -> bool:
    """True if no table says so, but the property names a thing, and nothing says that it may be of another region."""
    last = path.rsplit(".", 1)[-1]
    named = last.endswith(IDENTIFYING) and last not in SHARED
    return named and not resource_type.startswith(ANYWHERE_TYPES) and (resource_type, path) not in ANYWHERE


def _wanted(world: World, resource: Resource, where: Where, around: tuple[Any, ...]) -> tuple[str | None, str]:
    match where:
        case Only(region):
            return region, "the service"
        case In(named):
            for mapping in around:
                if named in mapping:
                    return pattern(mapping[named]), named
            return resource.region, f"no {named}, so the stack"
        case OfBucket(named):
            for mapping in around:
                if named in mapping:
                    bucket = world.target(mapping[named], "AWS::S3::Bucket")
                    return (bucket.region if bucket else None), "the destination bucket"
    return None, ""


def _compare(
    world: World, resource: Resource, path: str, value: Resolved, wanted: str | None, said_by: str
) -> Iterator[Misplaced]:
    if wanted is None or "*" in wanted:
        return
    for leaf in leaves(value):
        found = region_of(leaf) or _region_of_name(world, path.rsplit(".", 1)[-1], leaf, wanted)
        if found is not None and found != wanted and not _is_multi_region_key_id(world, leaf):
            yield Misplaced(resource, path, found, wanted, said_by, describe(leaf))


def _is_multi_region_key_id(world: World, value: Resolved) -> bool:
    """True for the id (not the ARN) of a multi-Region key: its replicas in other regions have the same.

    Source: AWS KMS Developer Guide, "Multi-Region keys in AWS KMS" (shared properties).
    """
    if not isinstance(value, Attribute) or value.attribute not in ("Ref", "KeyId"):
        return False
    key = world.resource(value) if value.type in ("AWS::KMS::Key", "AWS::KMS::ReplicaKey") else None
    return key is not None and (key.type == "AWS::KMS::ReplicaKey" or is_true(key.value("MultiRegion")))


def _region_of_name(world: World, property_name: str, value: Resolved, wanted: str) -> str | None:
    """The region where a bare name exists, if it exists in others than `wanted` only."""
    resource_type = NAMED_BY.get(property_name)
    name = pattern(value)
    if resource_type is None or not name or arn(value) is not None or "*" in name:
        return None
    regions = {resource.region for resource in world.named(resource_type, name)}
    return min(regions) if regions and wanted not in regions else None


def describe(value: Resolved) -> str:
    """`value` in a person's words: which resource of which stack it is, or its text."""
    if isinstance(value, Attribute):
        return f"{value.logical_id} of stack {value.stack}"
    if isinstance(value, Unknown):
        return value.reason
    return repr(pattern(value))
