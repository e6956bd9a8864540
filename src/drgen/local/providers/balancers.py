"""AWS::ElasticLoadBalancingV2: load balancers, target groups, listeners and their rules.

Source of the texts: the messages of Elastic Load Balancing for the operations' error codes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.ec2 import describe
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, as_tags, call, tags_of

_NAME = 32
_LOGS = "access_logs.s3."
_DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"


def _elb(work: Work) -> Any:
    return work.api("elbv2")


def _retag(work: Work, arn: str) -> None:
    wanted = tags_of(work.desired)
    gone = sorted(set(as_tags(work.desired.previous.get("Tags"))) - set(wanted))
    if gone:
        _elb(work).remove_tags(ResourceArns=[arn], TagKeys=gone)
    if wanted:
        call(_elb(work), "add_tags", ResourceArns=[arn], Tags=wanted)


def _attributes(work: Work, prop: str) -> dict[str, str]:
    return {str(each["Key"]): str(each["Value"]) for each in work.properties.get(prop) or ()}


def _check_zones(work: Work) -> None:
    subnets = [str(subnet) for subnet in work.properties.get("Subnets") or ()]
    found = work.api("ec2").describe_subnets(SubnetIds=subnets)["Subnets"] if subnets else []
    if len({subnet["AvailabilityZone"] for subnet in found}) < 2:
        text = "At least two subnets in two different Availability Zones must be specified"
        raise ResourceFailed(text, code="InvalidRequest")
    if work.properties.get("SecurityGroups"):
        work.api("ec2").describe_security_groups(GroupIds=list(work.properties["SecurityGroups"]))


def _make_balancer(work: Work) -> str:
    if work.properties.get("Type", "application") == "application":
        _check_zones(work)
    name, tags = work.name("Name", limit=_NAME), tags_of(work.desired) or None
    (made,) = call(_elb(work), "create_load_balancer", work.properties, Name=name, Tags=tags)["LoadBalancers"]
    return str(made["LoadBalancerArn"])


def _settle_balancer(work: Work, arn: str) -> None:
    attributes = _attributes(work, "LoadBalancerAttributes")
    if attributes.get(f"{_LOGS}enabled") == "true":
        _write_test_file(work, attributes.get(f"{_LOGS}bucket", ""), attributes.get(f"{_LOGS}prefix", ""))
    if attributes:
        pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
        _elb(work).modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=pairs)


def _write_test_file(work: Work, bucket: str, prefix: str) -> None:
    """Elastic Load Balancing proves that it may write before it turns access logs on."""
    s3 = work.api("s3")
    denied = f"Access Denied for bucket: {bucket}. Please check S3bucket permission"
    try:
        location = s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        raise ResourceFailed(denied, code="InvalidRequest") from error
    if location != work.region:
        text = f"The bucket {bucket} must be in the region of the load balancer"
        raise ResourceFailed(text, code="InvalidRequest")
    folder = f"{prefix}/" if prefix else ""
    key = f"{folder}AWSLogs/{work.env.account}/ELBAccessLogTestFile"
    if not any(_lets_write(statement, f":::{bucket}/{key}") for statement in policy["Statement"]):
        raise ResourceFailed(denied, code="InvalidRequest")
    s3.put_object(Bucket=bucket, Key=key, Body=b"")


def _lets_write(statement: Mapping[str, Any], target: str) -> bool:
    """Whether the statement lets the delivery service write to `target`, the end of an object's ARN."""
    principal = statement.get("Principal")
    named = principal.get("Service") if isinstance(principal, Mapping) else None
    if statement.get("Effect") != "Allow" or _DELIVERY not in _listed(named):
        return False
    resources = [str(resource).rpartition(":::")[2] for resource in _listed(statement.get("Resource"))]
    wanted = target.rpartition(":::")[2]
    return any(wanted.startswith(resource.removesuffix("*")) for resource in resources)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _change_balancer(work: Work, arn: str) -> None:
    client = _elb(work)
    if work.changed("SecurityGroups"):
        client.set_security_groups(LoadBalancerArn=arn, SecurityGroups=list(work.properties["SecurityGroups"]))
    if work.changed("Subnets"):
        _check_zones(work)
        client.set_subnets(LoadBalancerArn=arn, Subnets=list(work.properties["Subnets"]))
    if work.changed("IpAddressType"):
        client.set_ip_address_type(LoadBalancerArn=arn, IpAddressType=work.properties.get("IpAddressType", "ipv4"))
    _retag(work, arn)


def _balancer(work: Work, arn: str) -> dict[str, Any]:
    return describe(_elb(work), "describe_load_balancers", "LoadBalancers", LoadBalancerArns=[arn])


def _read_balancer(work: Work, arn: str) -> Mapping[str, Any]:
    found = _balancer(work, arn)
    return {
        "LoadBalancerArn": arn,
        "LoadBalancerName": found["LoadBalancerName"],
        "LoadBalancerFullName": arn.partition(":loadbalancer/")[2],
        "DNSName": found["DNSName"],
        "CanonicalHostedZoneID": found["CanonicalHostedZoneId"],
        "SecurityGroups": found.get("SecurityGroups", []),
    }


def _remove_balancer(work: Work, arn: str) -> None:
    client = _elb(work)
    _balancer(work, arn)
    attributes = client.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    if {"Key": "deletion_protection.enabled", "Value": "true"} in attributes:
        text = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise ResourceFailed(text, code="InvalidRequest")
    for listener in client.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
        client.delete_listener(ListenerArn=listener["ListenerArn"])
    client.delete_load_balancer(LoadBalancerArn=arn)


def _make_group(work: Work) -> str:
    if work.properties.get("VpcId"):
        work.api("ec2").describe_vpcs(VpcIds=[work.properties["VpcId"]])
    name, tags = work.name("Name", limit=_NAME), tags_of(work.desired) or None
    (made,) = call(_elb(work), "create_target_group", work.properties, Name=name, Tags=tags)["TargetGroups"]
    arn = str(made["TargetGroupArn"])
    if work.properties.get("Targets"):
        call(_elb(work), "register_targets", TargetGroupArn=arn, Targets=work.properties["Targets"])
    return arn


def _settle_group(work: Work, arn: str) -> None:
    attributes = _attributes(work, "TargetGroupAttributes")
    if attributes:
        pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
        _elb(work).modify_target_group_attributes(TargetGroupArn=arn, Attributes=pairs)


def _change_group(work: Work, arn: str) -> None:
    call(_elb(work), "modify_target_group", work.properties, TargetGroupArn=arn)
    _retag(work, arn)


def _read_group(work: Work, arn: str) -> Mapping[str, Any]:
    found = describe(_elb(work), "describe_target_groups", "TargetGroups", TargetGroupArns=[arn])
    return {
        "TargetGroupArn": arn,
        "TargetGroupName": found["TargetGroupName"],
        "TargetGroupFullName": arn.rpartition(":")[2],
        "LoadBalancerArns": found.get("LoadBalancerArns", []),
    }


def _remove_group(work: Work, arn: str) -> None:
    client = _elb(work)
    for balancer in client.describe_load_balancers()["LoadBalancers"]:
        for listener in client.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            rules = client.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            if arn in json.dumps([listener["DefaultActions"], *(rule["Actions"] for rule in rules)]):
                text = f"Target group '{arn}' is currently in use by a listener or a rule"
                raise ResourceFailed(text, code="ResourceConflict")
    client.delete_target_group(TargetGroupArn=arn)


def _make_listener(work: Work) -> str:
    balancer, port = str(work.properties["LoadBalancerArn"]), int(work.properties.get("Port", 0))
    taken = _elb(work).describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    if any(listener["Port"] == port for listener in taken):
        text = "A listener already exists on this port for this load balancer"
        raise ResourceFailed(f"{text} '{balancer}'", code="AlreadyExists")
    _check_certificate(work)
    (made,) = call(_elb(work), "create_listener", work.properties, Tags=tags_of(work.desired) or None)["Listeners"]
    return str(made["ListenerArn"])


def _check_certificate(work: Work) -> None:
    if work.properties.get("Protocol") != "HTTPS":
        return
    given = [str(each["CertificateArn"]) for each in work.properties.get("Certificates") or ()]
    if not given:
        raise ResourceFailed("A certificate must be specified for HTTPS listeners", code="InvalidRequest")
    for arn in given:
        if arn.split(":")[3] != work.region:
            raise ResourceFailed(f"Certificate ARN '{arn}' is not valid", code="InvalidRequest")


def _change_listener(work: Work, arn: str) -> None:
    _check_certificate(work)
    call(_elb(work), "modify_listener", work.properties, ListenerArn=arn)
    _retag(work, arn)


def _make_rule(work: Work) -> str:
    listener, priority = str(work.properties["ListenerArn"]), str(work.properties["Priority"])
    taken = _elb(work).describe_rules(ListenerArn=listener)["Rules"]
    if any(rule["Priority"] == priority for rule in taken):
        raise ResourceFailed(f"Priority '{priority}' is currently in use", code="AlreadyExists")
    (made,) = call(_elb(work), "create_rule", work.properties, Tags=tags_of(work.desired) or None)["Rules"]
    return str(made["RuleArn"])


def _change_rule(work: Work, arn: str) -> None:
    call(_elb(work), "modify_rule", work.properties, RuleArn=arn)
    if work.changed("Priority"):
        priorities = [{"RuleArn": arn, "Priority": int(work.properties["Priority"])}]
        _elb(work).set_rule_priorities(RulePriorities=priorities)


BALANCER_PROVIDERS: Mapping[str, Provider] = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Resource(
        make=_make_balancer,
        settle=_settle_balancer,
        change=_change_balancer,
        read=_read_balancer,
        remove=_remove_balancer,
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Resource(
        make=_make_group, settle=_settle_group, change=_change_group, read=_read_group, remove=_remove_group
    ),
    "AWS::ElasticLoadBalancingV2::Listener": Resource(
        make=_make_listener,
        change=_change_listener,
        read=lambda _, arn: {"ListenerArn": arn},
        remove=lambda work, arn: _elb(work).delete_listener(ListenerArn=arn),
    ),
    "AWS::ElasticLoadBalancingV2::ListenerRule": Resource(
        make=_make_rule,
        change=_change_rule,
        read=lambda _, arn: {"RuleArn": arn, "IsDefault": False},
        remove=lambda work, arn: _elb(work).delete_rule(RuleArn=arn),
    ),
}
