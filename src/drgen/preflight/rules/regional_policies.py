"""DR65x: policies that speak of a region, and the buckets that load balancers write to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from drgen.model.finding import Severity
from drgen.preflight.literals import LOAD_BALANCING
from drgen.preflight.policies import bodies, conditions, is_readable, role_of, statements
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.invocations import TRUST
from drgen.preflight.stack import Resource
from drgen.preflight.values import is_true, leaves, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]

DOCUMENTS = {
    "AWS::KMS::Key": "KeyPolicy", "AWS::KMS::ReplicaKey": "KeyPolicy", "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument", "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy", "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::Backup::BackupVault": "AccessPolicy", "AWS::Events::EventBusPolicy": "Statement",
}  # fmt: skip
"""Types with a policy of their own, which counts in their region only, and its property. Source: registry schemas."""

REGIONAL = re.compile(r"([a-z0-9-]+)\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?")
"""A service with its region, as in `logs.us-east-1.amazonaws.com`: a principal, or a value of kms:ViaService."""


def _regions(texts: list[str]) -> set[str]:
    """The regions of services that `texts` name; "*" among them if one of them is of any region."""
    found = set()
    for text in texts:
        named = REGIONAL.fullmatch(text)
        found.add(named.group(2) if named else "*")
    return found


@rule(
    "DR645",
    "A policy names services of its own region",
    source="AWS KMS Developer Guide, kms:ViaService; CloudWatch Logs User Guide, regional service principals",
    severity=Severity.WARNING,
    alone=True,
)
def policy_names_own_region(world: World) -> Found:
    """The policy was right in the primary region: it lets `logs.us-east-1.amazonaws.com` or
    `rds.us-east-1.amazonaws.com` use the key. In the recovery region, the service has another name, and the key
    cannot be used.

    Fix: write `!Sub "rds.${AWS::Region}.amazonaws.com"`.
    """
    for resource_type, path in DOCUMENTS.items():
        for resource in world.resources(resource_type):
            named: list[str] = []
            for body in bodies(resource.properties.get(path)):
                if body.get("Effect") != "Allow":
                    continue
                via = [text for _, values in conditions(body, "kms:ViaService") for text in values]
                if via and resource.region not in _regions(via) and "*" not in _regions(via):
                    message = f"{', '.join(via)} is not of {resource.region}, where the policy counts"
                    yield Fault(resource.place(path), message, f"name the service of {resource.region}")
                named += _principals(body)
            regional = [text for text in named if REGIONAL.fullmatch(text)]
            for text in regional:
                here = REGIONAL.sub(rf"\1.{resource.region}.amazonaws.com", text)
                if text != here and here not in named and REGIONAL.sub(r"\1.amazonaws.com", text) not in named:
                    message = f"{text} is a service of another region than {resource.region}"
                    yield Fault(resource.place(path), message, f"name {here}")


def _principals(body: Mapping[str, Any]) -> list[str]:
    return [
        pattern(leaf) or "*"
        for principal in leaves(body.get("Principal")) if isinstance(principal, Mapping)
        for leaf in leaves(principal.get("Service"))
    ]  # fmt: skip


@rule(
    "DR646",
    "A role may act in the region where it is used",
    source="IAM User Guide, AWS global condition context keys, aws:RequestedRegion",
    severity=Severity.WARNING,
)
def role_may_act_here(world: World) -> Found:
    """A condition on aws:RequestedRegion keeps the role in the primary region. IAM is global, so the function of the
    recovery region gets the role, and every call it makes there is denied.

    Fix: add the recovery region to the condition.
    """
    for resource_type, path in TRUST:
        for user in world.resources(resource_type):
            role = role_of(world, user, path)
            if role is None:
                continue
            allowed = [*role.values("Policies.PolicyDocument")]
            tests = [_allowed_regions(body) for document in allowed for body in bodies(document)]
            limited = [regions for regions in tests if regions]
            if limited and len(limited) == len(tests) and not any(user.region in regions for regions in limited):
                named = ", ".join(sorted(set().union(*limited)))
                message = f"role {role.logical_id} may act in {named} only, and it is used in {user.region}"
                yield Fault(user.place(path), message, f"allow {user.region} in aws:RequestedRegion")


def _allowed_regions(body: Mapping[str, Any]) -> set[str]:
    """The regions that an Allow statement is limited to; none if it is not, or nobody knows."""
    found: set[str] = set()
    for operator, values in conditions(body, "aws:RequestedRegion"):
        if body.get("Effect") == "Allow" and operator.startswith(("StringEquals", "StringLike")):
            found |= set(values)
    return set() if any("*" in value for value in found) else found


LOGS_GUIDE = "Elastic Load Balancing User Guide, Enable access logs for your Application Load Balancer"
DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"


@rule("DR647", "The bucket of a load balancer's logs lets Elastic Load Balancing write", source=LOGS_GUIDE)
def log_bucket_lets_in(world: World) -> Found:
    """Elastic Load Balancing writes a test file when logs are switched on, in older regions from an account of its
    own. With the account of the primary region in the policy, the load balancer of the recovery region is refused.

    Fix: allow the service logdelivery.elasticloadbalancing.amazonaws.com s3:PutObject.
    """
    for balancer in world.resources("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        bucket = world.target(_attribute(balancer, "access_logs.s3.bucket"), "AWS::S3::Bucket")
        if bucket is None or not is_true(_attribute(balancer, "access_logs.s3.enabled")):
            continue
        place = balancer.place("LoadBalancerAttributes")
        if bucket.region != balancer.region:
            message = f"the bucket {bucket.logical_id} is in {bucket.region}, the load balancer in {balancer.region}"
            yield Fault(place, message, f"use a bucket of {balancer.region}")
            continue
        policies = [
            policy.properties.get("PolicyDocument")
            for policy in world.resources("AWS::S3::BucketPolicy")
            if any(world.target(value, "AWS::S3::Bucket") is bucket for value in policy.values("Bucket"))
        ]
        if not all(map(is_readable, policies)):
            yield NotDecided(place, "a part of the bucket's policy is not known")
        elif balancer.text("Type") in (None, "application") and not any(
            _lets_write(document, balancer.region) for document in policies
        ):
            message = f"the policy of {bucket.logical_id} (stack {bucket.stack.key}) lets no load balancer write"
            yield Fault(place, message, f"allow {DELIVERY} s3:PutObject")


def _attribute(balancer: Resource, key: str) -> Resolved:
    for entry in balancer.values("LoadBalancerAttributes"):
        if isinstance(entry, Mapping) and pattern(entry.get("Key")) == key:
            return entry.get("Value")
    return None


def _lets_write(document: Resolved, region: str) -> bool:
    account = LOAD_BALANCING.get(region, "none")
    return any(
        statement.allows("s3:PutObject")
        and (statement.allows_service(DELIVERY) or any(account in named for named in statement.others))
        for statement in statements(document)
    )
