"""Checks that a resource fails on purpose: the reason, once, where each scanner, or drgen itself, reads it.

A concern is what several scanners ask for under ids of their own. cdk-nag's packs for HIPAA, NIST 800-53 and PCI DSS
repeat what the others ask for; their ids stand here only for concerns that nobody else has.

Source: checkov documentation, "Suppressing and Skipping Policies"; cfn_nag, "Per-Resource Rule Suppression"; cdk-nag,
"Suppressing a Rule".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NAG = ("rules_to_suppress", "reason")
_READ_FROM = {"checkov": ("skip", "comment"), "cfn_nag": _NAG, "cdk_nag": _NAG}
"""The key below a scanner's own that holds its list, and the key of the reason in an entry."""


@dataclass(frozen=True)
class Concern:
    """The ids under which scanners ask for one thing."""

    checkov: tuple[str, ...] = ()
    cfn_nag: tuple[str, ...] = ()
    cdk_nag: tuple[str, ...] = ()


ACCESS_LOGS = Concern(("CKV_AWS_18",), ("W35",), ("AwsSolutions-S1",))
ALARM_ACTION = Concern(cdk_nag=("NIST.800.53.R5-CloudWatchAlarmAction",))
API_AUTHORIZATION = Concern(cdk_nag=("AwsSolutions-APIG4",))
AWS_POLICY = Concern(cdk_nag=("AwsSolutions-IAM4",))
BACKUP_PLAN = Concern(cdk_nag=("NIST.800.53.R5-RDSInBackupPlan",))
BUCKET_KEY = Concern(cdk_nag=("NIST.800.53.R5-S3DefaultEncryptionKMS",))
BUCKET_REPLICATION = Concern(cdk_nag=("NIST.800.53.R5-S3BucketReplicationEnabled",))
CONCURRENCY = Concern(("CKV_AWS_115",), ("W92",))
DATABASE_PORT = Concern(cdk_nag=("AwsSolutions-RDS11",))
DEFAULT_GROUP = Concern(cdk_nag=("NIST.800.53.R5-VPCDefaultSecurityGroupClosed",))
FUNCTION_DEAD_LETTERS = Concern(("CKV_AWS_116",), (), ("Serverless-LambdaDLQ",))
FUNCTION_IN_VPC = Concern(("CKV_AWS_117",), ("W89",))
FUNCTION_TRACING = Concern(cdk_nag=("Serverless-LambdaTracing",))
FUNCTION_VARIABLES = Concern(("CKV_AWS_173",))
HTTPS_LISTENER = Concern(("CKV_AWS_2", "CKV_AWS_103"), (), ("NIST.800.53.R5-ELBv2ACMCertificateRequired",))
HTTPS_REDIRECT = Concern(cdk_nag=("NIST.800.53.R5-ELBv2ACMCertificateRequired",))
INTERNET_ROUTE = Concern(cdk_nag=("NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW",))
LATEST_RUNTIME = Concern(cdk_nag=("AwsSolutions-L1", "Serverless-LambdaLatestVersion"))
MINOR_VERSIONS = Concern(cdk_nag=("HIPAA.Security-RDSAutomaticMinorVersionUpgradeEnabled",))
MULTI_AZ = Concern(("CKV_AWS_157",), (), ("AwsSolutions-RDS3",))
OPEN_TO_THE_WORLD = Concern(("CKV_AWS_260",), ("W2", "W9"), ("AwsSolutions-EC23",))
QUEUE_DEAD_LETTERS = Concern(cdk_nag=("AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"))
ROTATION = Concern(cdk_nag=("AwsSolutions-SMG4",))
STORAGE_ENCRYPTED = Concern(("CKV_AWS_16",), ("F26",), ("AwsSolutions-RDS2",))
SUBSCRIPTION_DEAD_LETTERS = Concern(cdk_nag=("Serverless-SNSRedrivePolicy",))
TARGET_DEAD_LETTERS = Concern(cdk_nag=("Serverless-EventBusDLQ",))
TASK_VARIABLES = Concern(cdk_nag=("AwsSolutions-ECS2",))
WRITE_CONSTRAINTS = Concern(("CKV_AWS_111",))


NAMED = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
    "AWS::IAM::Role": "RoleName",
}
FIXED_NAMES = (
    "cfn_nag W28",
    "Names are fixed: policies, alarms and the failover say them without asking the region that may be dark.",
)
ADDRESS_BLOCKS = (
    "cfn_nag W9",
    "Groups let in the address blocks of VPCs: a security group cannot be named across regions.",
)
NO_WAY_OUT = (
    "cfn_nag W40",
    "The rule for all protocols leads to the loopback address only. It takes the place of EC2's, which allows all.",
)
POLICIES_IN_ROLES = (
    "cdk_nag HIPAA.Security-IAMNoInlinePolicy, NIST.800.53.R5-IAMNoInlinePolicy, PCI.DSS.321-IAMNoInlinePolicy",
    "Each policy serves one role: inside it, it is read with it, is attached to nothing else, and goes with it.",
)
"""What holds for all resources of a kind: the rules that ask for it, and why it is as it is."""


def wildcards(*, alone: bool, of_function: bool) -> Concern:
    """A role whose policy has resources with "*". `alone`: one of them is nothing but that."""
    return Concern(
        cfn_nag=("W11",) if alone else (),
        cdk_nag=("AwsSolutions-IAM5", *(("Serverless-LambdaStarPermissions",) if of_function else ())),
    )


def accepted(reasons: Mapping[Concern, str]) -> dict[str, Any]:
    """Metadata in which every scanner finds the reason: the first id of a concern says it, the others name that id."""
    metadata: dict[str, Any] = {}
    for concern, reason in reasons.items():
        first = ""
        for scanner, (key, text) in _READ_FROM.items():
            for check in getattr(concern, scanner):
                entries = metadata.setdefault(scanner, {key: []})[key]
                entries.append({"id": check, text: f"same as {first}" if first else reason})
                first = first or check
    return metadata


def of_template(resources: Iterable[Any]) -> dict[str, Any]:
    """Metadata of a template with these resources: reasons that hold for all of a kind, said once.

    Scanners do not read it; people who look at their findings do.
    """
    listed = list(resources)
    groups = [each for each in listed if each.resource_type == "AWS::EC2::SecurityGroup"]
    outward = [rule for group in groups for rule in group.properties.get("SecurityGroupEgress", [])]
    holds = {
        FIXED_NAMES: any(NAMED.get(each.resource_type) in each.properties for each in listed),
        ADDRESS_BLOCKS: any(
            "CidrIp" in r.properties for g in groups for r in g.properties.get("SecurityGroupIngress", [])
        ),
        NO_WAY_OUT: any(rule.properties["IpProtocol"] == "-1" for rule in outward),
        POLICIES_IN_ROLES: any("Policies" in each.properties for each in listed),
    }
    found = [{"Rules": rules, "Reason": reason} for (rules, reason), here in holds.items() if here]
    return {"Accepted": found} if found else {}


def checkov(**reasons: str) -> dict[str, Any]:
    """Metadata for checks that only checkov has: `checkov(CKV_AWS_165="...")`."""
    return accepted({Concern(checkov=(check,)): reason for check, reason in reasons.items()})


def preflight(**reasons: str) -> dict[str, Any]:
    """Metadata that tells `drgen check` which rules to leave out, and people why: `preflight(DR215="...")`."""
    return {"drgen": {"ignore": [{"id": rule, "reason": reason} for rule, reason in reasons.items()]}}
