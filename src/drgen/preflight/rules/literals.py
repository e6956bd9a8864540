"""DR124 to DR128: text that means something in one region only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drgen.model.finding import Severity
from drgen.model.names import partition_of
from drgen.preflight.expressions import arguments
from drgen.preflight.literals import elsewhere, images, zones_offered
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.order import made_at
from drgen.preflight.stack import Resource, Stack
from drgen.preflight.values import arn, known_text, leaves, pattern
from drgen.preflight.world import World
from drgen.template.load import Template

Found = Iterator[Fault | NotDecided]


@rule(
    "DR124",
    "Zones, endpoint services and prefix lists are those of the stack's region",
    source="Amazon EC2 User Guide, Regions and Zones; Amazon VPC User Guide, AWS-managed prefix lists",
    alone=True,
)
def literal_is_of_own_region(world: World) -> Found:
    """The text was right in the region that the template was written for. A nested stack, too, is made in the region
    of its parent. The service does not know the name here, and the stack is rolled back.

    Fix: use `!Ref AWS::Region` and `!GetAZs`, a parameter, or a mapping by region.
    """
    for resource in world.all_resources():
        for found in elsewhere(resource):
            message = f"{found.text} belongs to {found.region}, but the stack is in {resource.region}"
            yield Fault(resource.place(found.path), message, f"use the one of {resource.region}")


@rule("DR125", "An image id is used in one region", source="Amazon EC2 User Guide, AMIs (an AMI is regional)")
def image_is_of_one_region(world: World) -> Found:
    """An image has another id in each region it is copied to. The same id in the recovery region does not exist there:
    nothing starts on the day of the disaster, or the stack fails today.

    Fix: read the id from the public SSM parameter of the image, or from a mapping by region.
    """
    first: dict[str, Resource] = {}
    using = sorted(
        ((resource, path, image) for resource in world.all_resources() for path, image in images(resource)),
        key=lambda use: use[0].region != world.primary,
    )
    for resource, path, image in using:
        other = first.setdefault(image, resource)
        if other.region != resource.region:
            message = f"{image} is used by stack {other.stack.key} in {other.region}, too"
            yield Fault(resource.place(path), message, f"use the image's id of {resource.region}")


@rule(
    "DR126",
    "A zone is chosen by an index that the region has",
    source="CloudFormation reference, Fn::GetAZs; AWS Global Infrastructure, Regions and Availability Zones",
    alone=True,
)
def zone_index_exists(world: World) -> Found:
    """CloudFormation refuses the template: "Fn::Select cannot select nonexistent value". It worked in the primary
    region, which has more zones.

    Fix: use fewer zones, or pass the zones of the region as a parameter.
    """
    for stack in world.stacks.values():
        if not stack.template.uses("Fn::GetAZs"):
            continue
        for logical_id, resource in stack.resources.items():
            for argument in arguments(stack.taken(resource.body), "Fn::Select"):
                index, region = _zone_choice(stack, logical_id, argument)
                offered = zones_offered(region)
                if index is not None and index >= offered:
                    message = f"zone {index + 1} is wanted, and an account has at most {offered} in {region}"
                    yield Fault(stack.place(logical_id), message, f"choose an index below {offered}")


def _zone_choice(stack: Stack, logical_id: str, argument: Any) -> tuple[int | None, str]:
    """Index and region of a choice among zones; no index where it is none, or is not known."""
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[1], dict):
        return None, stack.region
    zones = argument[1].get("Fn::GetAZs")
    if zones is None:
        return None, stack.region
    place = stack.place(logical_id)
    index, region = known_text(stack.evaluate(argument[0], place)), known_text(stack.evaluate(zones, place))
    return (int(index) if index is not None and index.isdecimal() else None), region or stack.region


BUILT_IN = ("AWS::", "Serverless-")


@rule(
    "DR127",
    "A macro is registered in the region that uses it, before it is used",
    source="CloudFormation User Guide, Perform custom processing on CloudFormation templates with template macros",
)
def macro_is_known(world: World) -> Found:
    """Macros are regional. CloudFormation ends with "No transform named ... found" before it makes anything.

    Fix: deploy the AWS::CloudFormation::Macro and its function in this region, before the stack that uses it.
    """
    macros = list(world.resources("AWS::CloudFormation::Macro"))
    for stack in world.steps:
        for name in _transforms(stack.template):
            named = [macro for macro in macros if macro.text("Name") == name]
            here = [macro for macro in named if macro.region == stack.region]
            place = stack.section_place("Transform", "")
            earlier = [at for macro in here if (at := made_at(world, macro)) is not None]
            if named and not here:
                message = f"macro {name} is registered in {named[0].region}, but used in {stack.region}"
                yield Fault(place, message, f"register it in {stack.region}, too")
            elif earlier and min(earlier) >= world.order(stack):
                message = f"macro {name} is registered by {here[0].stack.key}, which is not deployed before {stack.key}"
                yield Fault(place, message, f"deploy {here[0].stack.key} first")
            elif not named:
                yield NotDecided(place, f"macro {name} is registered by no stack of this deployment")


def _transforms(template: Template) -> Iterator[str]:
    """Names of the macros a template uses, as a whole or in a part, but for those of AWS."""
    whole = template.body.get("Transform")
    named = [whole] if isinstance(whole, str | dict) else whole if isinstance(whole, list) else []
    found = [*named, *(arguments(template.body, "Fn::Transform") if template.uses("Fn::Transform") else ())]
    names = (item.get("Name") if isinstance(item, dict) else item for item in found)
    yield from dict.fromkeys(name for name in names if isinstance(name, str) and not name.startswith(BUILT_IN))


@rule(
    "DR128",
    "An ARN is of the partition of the stack's region",
    source="AWS General Reference, Amazon Resource Names (partitions)",
    alone=True,
)
def arn_is_of_partition(world: World) -> Found:
    """Regions of China and GovCloud are partitions of their own (`arn:aws-cn:`, `arn:aws-us-gov:`). An ARN of another
    partition names nothing there, and policies with it are refused.

    Fix: write `arn:${AWS::Partition}:`.
    """
    for resource in world.all_resources():
        partition = partition_of(resource.region)
        if resource.type.startswith("AWS::CloudFormation::"):
            continue
        for path, _, value in resource.parts:
            for leaf in leaves(value):
                whole = arn(leaf)
                if whole is not None and whole.partition.startswith("aws") and whole.partition != partition:
                    message = f"{pattern(leaf)} is of partition {whole.partition}, the stack of {partition}"
                    yield Fault(resource.place(path), message, "write arn:${AWS::Partition}:")


@rule(
    "DR208",
    "Containers write their logs in their own region",
    source="Amazon ECS Developer Guide, Send Amazon ECS logs to CloudWatch (awslogs-region)",
    severity=Severity.WARNING,
    alone=True,
)
def container_logs_are_local(world: World) -> Found:
    """The log driver opens its stream before the container starts. With the other region gone, or without the group
    there, no task of this region starts.

    Fix: set awslogs-region to `!Ref AWS::Region` and make the log group in this region.
    """
    path = "ContainerDefinitions.LogConfiguration.Options"
    for task in world.resources("AWS::ECS::TaskDefinition"):
        for options in task.values(path):
            region = known_text(options.get("awslogs-region")) if isinstance(options, dict) else None
            if region is not None and region != task.region:
                yield Fault(task.place("ContainerDefinitions"), f"awslogs-region is {region}", f"use {task.region}")


ONE_REGION = (
    ("AWS::WAFv2::WebACL", "Scope", "CLOUDFRONT", "us-east-1"),
    ("AWS::WAFv2::IPSet", "Scope", "CLOUDFRONT", "us-east-1"),
    ("AWS::WAFv2::RuleGroup", "Scope", "CLOUDFRONT", "us-east-1"),
    ("AWS::WAFv2::RegexPatternSet", "Scope", "CLOUDFRONT", "us-east-1"),
)
"""Type, property and value that are taken in one region only. Source: registry schemas (Scope), AWS WAF Developer
Guide.
"""


@rule(
    "DR118",
    "What works for CloudFront is made in us-east-1",
    source="AWS WAF Developer Guide, web ACLs for Amazon CloudFront (US East, N. Virginia)",
)
def made_in_its_one_region(world: World) -> Found:
    """AWS WAF takes the scope CLOUDFRONT in us-east-1 only: "The scope is not valid" elsewhere, so the shared
    template fails in the recovery region.

    Fix: make it in a stack of us-east-1, or use the scope REGIONAL for regional endpoints.
    """
    for resource_type, name, value, region in ONE_REGION:
        for resource in world.resources(resource_type):
            if resource.text(name) == value and resource.region != region:
                message = f"{name} {value} is taken in {region}, the stack is in {resource.region}"
                yield Fault(resource.place(name), message, f"make it in {region}")
