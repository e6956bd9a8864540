"""A web ACL of AWS WAF in front of a public load balancer: it lets all through but what is known to be bad.

It takes AWS's lists of bad addresses and of bad inputs, which hardly ever refuse a good request, and a limit for each
address. Rules on the size and content of requests depend on the application and are left to its owners.
Source: AWS WAF Developer Guide, "AWS Managed Rules for AWS WAF" and "Amazon CloudWatch Logs" (as a log's destination).
"""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Ref, Sub, wafv2

from drgen.builders.load_balancer import Balancer
from drgen.builders.logs import log_group
from drgen.builders.network import title_of
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

MANAGED = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")
SECRET_HEADERS = ("authorization", "cookie")


def web_acl(
    stack: StackDraft,
    names: Names,
    balancer: Balancer,
    *,
    service: str,
    per_address: int,
    logs_key: Value,
    log_days: int,
) -> None:
    """The ACL, its association with the load balancer, and its log, which leaves out what identifies a session.

    `per_address` is how many requests one address may make in five minutes.
    """
    title = f"{title_of(service)}WebAcl"
    name = names.regional(service)
    acl = wafv2.WebACL(
        title,
        Name=name,
        Description=f"In front of {service}",
        Scope="REGIONAL",
        DefaultAction=wafv2.DefaultAction(Allow=wafv2.AllowAction()),
        Rules=[_limit(per_address), *(_managed(rules, place) for place, rules in enumerate(MANAGED, start=1))],
        VisibilityConfig=_metrics(name),
    )
    stack.add(acl)
    stack.add(
        wafv2.WebACLAssociation(f"{title}Association", ResourceArn=Ref(balancer.resource), WebACLArn=GetAtt(acl, "Arn"))
    )
    logs = log_group(stack, f"{title}Logs", name=f"aws-waf-logs-{name}", key=logs_key, days=log_days)
    stack.add(
        wafv2.LoggingConfiguration(
            f"{title}Logging",
            ResourceArn=GetAtt(acl, "Arn"),
            LogDestinationConfigs=[
                Sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{logs.title}}}")
            ],
            RedactedFields=[
                wafv2.LoggingConfigurationFieldToMatch(SingleHeader=wafv2.SingleHeader(Name=header))
                for header in SECRET_HEADERS
            ],
        ),
        why="The ARN is put together: WAF wants it without the :* with which GetAtt ends it.",
    )


def _limit(per_address: int) -> Any:
    statement = wafv2.RateBasedStatement(AggregateKeyType="IP", Limit=per_address, EvaluationWindowSec=300)
    return wafv2.WebACLRule(
        Name="limit",
        Priority=0,
        Action=wafv2.RuleAction(Block=wafv2.BlockAction()),
        Statement=wafv2.Statement(RateBasedStatement=statement),
        VisibilityConfig=_metrics("limit"),
    )


def _managed(rules: str, place: int) -> Any:
    return wafv2.WebACLRule(
        Name=rules,
        Priority=place,
        OverrideAction=wafv2.OverrideAction(**{"None": {}}),
        Statement=wafv2.Statement(
            ManagedRuleGroupStatement=wafv2.ManagedRuleGroupStatement(VendorName="AWS", Name=rules)
        ),
        VisibilityConfig=_metrics(rules),
    )


def _metrics(name: str) -> Any:
    return wafv2.VisibilityConfig(CloudWatchMetricsEnabled=True, MetricName=name, SampledRequestsEnabled=True)
