"""DR70x: sizes, names and tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from drgen.preflight.naming import NAMING, Naming, Scope, naming
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves, parts, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved, Unknown

Found = Iterator[Fault | NotDecided]
QUOTAS = "CloudFormation User Guide, Understand CloudFormation quotas"
INLINE_BYTES = 51_200
STORED_BYTES = 1_000_000


@rule("DR701", "A template fits the way it is delivered", source=QUOTAS)
def template_fits(world: World) -> Found:
    """CloudFormation refuses a template body over 51,200 bytes in a request, and over 1 MB from S3. `drgen deploy`
    takes the way through S3 by itself where the manifest does not ask for another.

    Fix: deliver it through S3 (`template_delivery: s3`), or split the stack.
    """
    for stack in world.steps:
        stored = stack.entry.template_delivery != "inline" or stack.key != stack.entry.stack
        limit = STORED_BYTES if stored else INLINE_BYTES
        if stack.template.size > limit:
            message = f"the template has {stack.template.size:,} bytes; the limit is {limit:,}"
            yield Fault(stack.place("Template"), message, "write `template_delivery: s3`, or split the stack")


@rule("DR702", "A name fits its service", source="Registry schemas (maxLength) and service models of the named types")
def name_fits(world: World) -> Found:
    """A name with the region in it can fit in us-east-1 and be too long in ap-southeast-2: it fails in the recovery
    region.

    Fix: shorten the parts of the name; count with the longest region.
    """
    for resource in world.all_resources():
        row = naming(resource.type)
        if row is None:
            continue
        for value in resource.values(row.property):
            name = world.literal(value)
            if name and len(name.replace("*", "")) > row.longest:
                message = f"{name} has {len(name)} characters; {row.property} may have {row.longest}"
                yield Fault(resource.place(row.property), message, "shorten it")


@rule(
    "DR703",
    "A name is used once where it must be unique",
    source="User guides: IAM, S3 and CloudWatch dashboards are global in an account; all other names are regional",
)
def name_is_unique(world: World) -> Found:
    """The second stack fails because the name exists; two dashboards of one name overwrite each other in silence.

    Fix: put the region into names that are global, and the stack's purpose into those that are regional.
    """
    first: dict[tuple[str, str, str, str], Resource] = {}
    for resource_type, row in NAMING.items():
        for resource in world.resources(resource_type):
            name = _exact(world, resource, row)
            if name is None or not resource.certain:
                continue
            scope = "" if _scope(resource, row) is Scope.ACCOUNT else resource.region
            account = resource.stack.entry.account
            group = resource_type.replace("CompositeAlarm", "Alarm").replace("GlobalTable", "Table")
            other = first.setdefault((group, scope, account, name), resource)
            if other is not resource and world.overlap(other.stack, resource.stack):
                where = "in the account" if not scope else f"in {scope}"
                message = f"{name} is already the name of {other} {where}"
                yield Fault(resource.place(row.property), message, "make the name differ, for example by the region")


def _scope(resource: Resource, row: Naming) -> Scope:
    """Clusters of one global database must differ in all regions."""
    global_member = resource.type == "AWS::RDS::DBCluster" and resource.has("GlobalClusterIdentifier")
    return Scope.ACCOUNT if global_member else row.scope


def _exact(world: World, resource: Resource, row: Naming) -> str | None:
    """The name if it is known but for the account, which is the same for all stacks that state none."""
    value = resource.value(row.property)
    unknown = [part for part in parts(value) if isinstance(part, Unknown) and part.reason != "the account"]
    name = world.name(resource)
    known = name is not None and name.count("*") <= sum(isinstance(part, Unknown) for part in parts(value))
    return name if known and not unknown else None


TAG_SET = re.compile(r"[\w\s.:/=+\-@]*", re.UNICODE)
RESTRICTED = ("AWS::RDS::", "AWS::IAM::", "AWS::Lambda::", "AWS::ECS::", "AWS::ElasticLoadBalancingV2::", "AWS::Logs::",
              "AWS::SSM::")  # fmt: skip
"""Services that enforce the set. Source: tag patterns in the botocore models of these services; rds.Tag text."""


@rule(
    "DR704",
    "Tags hold only characters that the service accepts",
    source="Registry schema AWS::RDS::DBInstance, Tags; botocore "
    "models of iam, lambda, ecs, elbv2, logs and ssm (tag patterns)",
    alone=True,
)
def tag_characters(world: World) -> Found:
    """RDS and others refuse a tag such as `RTO: <1hour`, and the resource with it. Tags of the stack reach every
    resource.

    Fix: use letters, digits, spaces and `_ . : / = + - @` only.
    """
    for resource in world.all_resources():
        if not resource.type.startswith(RESTRICTED):
            continue
        for key, value in _tags(resource.properties.get("Tags")):
            for text in (key, value):
                if not TAG_SET.fullmatch(text):
                    message = f"tag {key}={value}: {_refused(text)} is not accepted by {resource.type}"
                    yield Fault(resource.place("Tags"), message, "use letters, digits, spaces and _ . : / = + - @")
                    break
        for key, text in resource.stack.entry.tags.items():
            if not TAG_SET.fullmatch(text) or not TAG_SET.fullmatch(key):
                message = f"stack tag {key}={text} reaches {resource.logical_id}, and {resource.type} refuses it"
                yield Fault(resource.place(), message, "use letters, digits, spaces and _ . : / = + - @")


def _refused(text: str) -> str:
    return " ".join(sorted({mark for mark in text if not TAG_SET.fullmatch(mark)}))


def _tags(value: Resolved) -> Iterator[tuple[str, str]]:
    """Known keys and values of a list or a mapping of tags; a value that is not fully known is left out."""
    for leaf in leaves(value):
        if isinstance(leaf, Mapping) and "Key" in leaf:
            yield _whole(leaf.get("Key")), _whole(leaf.get("Value"))
        elif isinstance(leaf, Mapping):
            yield from ((str(key), _whole(item)) for key, item in leaf.items())


def _whole(value: Resolved) -> str:
    return "".join(pattern(part) or "" for part in parts(value))


GROUPS = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*")


@rule(
    "DR705",
    "A security group's description holds only accepted characters",
    source="EC2 API, CreateSecurityGroup",
    alone=True,
)
def group_description(world: World) -> Found:
    """EC2 refuses descriptions with other characters, such as `<`, `>` or an apostrophe.

    Fix: use letters, digits, spaces and `. _ - : / ( ) # , @ [ ] + = & ; { } ! $ *`.
    """
    for group in world.resources("AWS::EC2::SecurityGroup"):
        for path, _, value in group.parts:
            text = pattern(value) if path.rsplit(".", 1)[-1] in ("GroupDescription", "Description") else None
            if text and not GROUPS.fullmatch(text):
                yield Fault(group.place(path), f"{text!r} holds characters that EC2 refuses", "reword it")
