"""What the budget adds up, for the shapes that move clients in different ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from drgen.cli.world import load_folder
from drgen.preflight.rules.budget import budget
from drgen.preflight.run import Selection, check_world

START = """
intent: {primary: us-east-1, recovery: us-west-2, objectives: {rto: 10m, rpo: 1m}}
stacks:
  - {stack: t, template: t.yaml, region: us-west-2}
"""
GONE = """
  Gone:
    Type: AWS::CloudWatch::Alarm
    Properties: {Namespace: drgen, MetricName: PrimaryReachable, Statistic: Maximum, Period: 60, EvaluationPeriods: 3,
      Threshold: 1, ComparisonOperator: LessThanThreshold, TreatMissingData: missing, AlarmActions: [!Ref Topic]}
  Topic: {Type: AWS::SNS::Topic}
"""
NAME = """
  Asked:
    Type: AWS::Route53::HealthCheck
    Properties: {HealthCheckConfig: {Type: HTTPS, FullyQualifiedDomainName: a.example.com, RequestInterval: 10}}
  Withdrawn:
    Type: AWS::CloudWatch::Alarm
    Properties: {Namespace: drgen, MetricName: PrimaryWithdrawn, Statistic: Maximum, Period: 60, EvaluationPeriods: 1,
      Threshold: 1, ComparisonOperator: GreaterThanOrEqualToThreshold, TreatMissingData: ignore}
  Kept:
    Type: AWS::Route53::HealthCheck
    Properties:
      HealthCheckConfig: {Type: CLOUDWATCH_METRIC, AlarmIdentifier: {Name: !Ref Withdrawn, Region: us-west-2}}
  Health:
    Type: AWS::Route53::HealthCheck
    Properties: {HealthCheckConfig: {Type: CALCULATED, HealthThreshold: 2, ChildHealthChecks: [!Ref Asked, !Ref Kept]}}
  First:
    Type: AWS::Route53::RecordSet
    Properties: {HostedZoneName: example.com., Name: www.example.com., Type: CNAME, TTL: "30", Weight: 100,
      SetIdentifier: first, HealthCheckId: !Ref CHECK, ResourceRecords: [a.example.com]}
"""
REPLICA = """
  Replica:
    Type: AWS::RDS::DBInstance
    Properties: {DBInstanceClass: db.r6g.large, SourceDBInstanceIdentifier: "arn:aws:rds:us-east-1:123456789012:db:app"}
"""


def told(folder: Path, *parts: str) -> str:
    """The budget in one line."""
    (folder / "deploy.yaml").write_text(START)
    (folder / "t.yaml").write_text("Resources:\n" + "".join(parts))
    known = budget(load_folder(folder).world)
    assert known is not None
    return known.told()


PROMOTED = "are left for the decision and the promotion, which no template states"


@pytest.mark.parametrize(
    ("check", "parts", "expected"),
    [
        (
            "Health",
            (GONE, NAME),
            "health check Asked 3 x 10 s + TTL 30 s = 60 s of an RTO of 10 min; "
            "9 min are left, and nothing else is to be waited for",
        ),
        (
            "Health",
            (GONE, NAME, REPLICA),
            f"alarm Gone 3 x 60 s + TTL 30 s = 3.5 min of an RTO of 10 min; 6.5 min {PROMOTED}",
        ),
        (
            "Kept",
            (GONE, NAME, REPLICA),
            "alarm Gone 3 x 60 s + alarm Withdrawn 1 x 60 s + TTL 30 s = 4.5 min of an RTO of 10 min; "
            f"5.5 min {PROMOTED}",
        ),
    ],
    ids=["Route 53 sees the outage", "and a replica is promoted", "an alarm is the switch"],
)
def test_the_sum_is_what_clients_wait_for(tmp_path: Path, check: str, parts: tuple[str, ...], expected: str) -> None:
    assert told(tmp_path, *(part.replace("CHECK", check) for part in parts)) == expected


def test_it_is_a_finding_only_where_the_known_times_exceed_the_objective(tmp_path: Path) -> None:
    slow = GONE.replace("EvaluationPeriods: 3", "EvaluationPeriods: 12")
    for parts, expected in (((GONE,), []), ((slow,), ["DR905"])):
        told(tmp_path, *parts)
        findings, _ = check_world(load_folder(tmp_path).world, Selection(("DR905",)))
        assert [found.rule for found in findings] == expected
