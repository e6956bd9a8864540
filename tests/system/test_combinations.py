"""Workloads that declare much at once come, stay as they are, and go. Between them they cover the sections in pairs."""

from __future__ import annotations

import re

import pytest

from .conftest import Project, Start

WORKLOAD = "templates/postgres-dr/workload.yaml"

pytestmark = pytest.mark.embedded

ALL_WITH_DATABASE = """
name: all-in
environment: test
strategy: warm-standby
objectives: {rto: 30m, rpo: 5m}
regions:
  primary: {name: ap-southeast-2, cidr: 10.40.0.0/20}
  recovery: [{name: ca-central-1, cidr: 10.41.0.0/20, zones: [ca-central-1a, ca-central-1b, ca-central-1d]}]
network: {zones: 3, nat: per-zone, endpoints: [dynamodb, kms, s3, secretsmanager, ssm], flow_log_days: 1}
database:
  engine: postgres
  version: "16.9"
  instance_class: db.r6g.large
  multi_az: {primary: true, recovery: true}
  monitoring: {connections: 100}
buckets:
  - {name: documents, replicate: both-ways, replication_time_control: true}
  - {name: scratch, replicate: none}
tables:
  - {name: ledger, key: id, sort_key: entry, sort_key_type: number}
  - {name: sessions, key: id, time_to_live: expires, point_in_time_recovery: false}
functions:
  - {name: intake, source: payment_processor, vpc: true, schedule: rate(5 minutes), tables: {ledger: read-write}}
  - {name: viewer, source: payment_processor, tables: {ledger: read, sessions: read-write}}
api:
  health: viewer
  routes: [{method: POST, path: /payments, function: intake}, {method: GET, path: "/payments/{id}", function: viewer}]
dns: {zone: all-in.internal, policy: failover}
events: {forward: both-ways, archive_days: 7}
backup: {keep_days: 30, lock: governance, lock_min_days: 7, restore_test: weekly}
alerts: {emails: [oncall@example.com]}
recovery: {mode: automatic}
protection: false
tags: {team: platform}
"""

ALL_WITH_AURORA = """
name: store
environment: test
strategy: pilot-light
objectives: {rto: 30m, rpo: 1m}
regions:
  primary: {name: eu-west-1, cidr: 10.50.0.0/16}
  recovery: [{name: eu-central-1, cidr: 10.51.0.0/16}]
network: {endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}
database:
  engine: aurora-postgresql
  version: "17.7"
  instance_class: db.r6g.large
  instances: {primary: 3, recovery: 1}
  storage: aurora-iopt1
  port: 6432
  monitoring: {connections: 100}
tables: [{name: sessions, key: id, time_to_live: expires}]
buckets: [{name: documents, replicate: both-ways}]
functions: [{name: web, source: payment_processor, tables: {sessions: read-write}}]
api:
  health: web
  routes: [{method: POST, path: /orders, function: web}]
  certificate:
    eu-west-1: arn:aws:acm:eu-west-1:123456789012:certificate/1
    eu-central-1: arn:aws:acm:eu-central-1:123456789012:certificate/2
services:
  - name: web
    image: "{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:DIGEST"
    port: 8080
    health_path: /health
    count: {primary: 2}
dns: {zone: store.example.com, private: false}
events: {forward: true}
backup: {restore_test: monthly}
protection: false
""".replace("DIGEST", "0123456789abcdef" * 4)

ALL_IN_PUBLIC = """
name: shop-front
environment: t1
strategy: pilot-light
objectives: {rto: 15m, rpo: 30s}
regions:
  primary: {name: eu-central-1, cidr: 10.3.0.0/16, zones: [eu-central-1c, eu-central-1b]}
  recovery: [{name: sa-east-1, cidr: 10.4.0.0/24}, {name: ap-south-1, cidr: 10.5.0.0/24}]
network: {zones: 2, nat: one, peering: false, endpoints: []}
buckets: [{name: pictures, noncurrent_days: 1}]
tables: [{name: carts, key: id, key_type: number}]
functions:
  - {name: cart, source: payment_processor, vpc: true, reserved_concurrency: 5, tables: {carts: read-write}}
api:
  health: cart
  authorization: none
  cors: {origins: ["https://shop.example.com"]}
  routes: [{method: PUT, path: "/carts/{id}", function: cart}]
  certificate:
    eu-central-1: arn:aws:acm:eu-central-1:123456789012:certificate/1
    sa-east-1: arn:aws:acm:sa-east-1:123456789012:certificate/2
    ap-south-1: arn:aws:acm:ap-south-1:123456789012:certificate/3
dns: {zone: shop.example.com, private: false, policy: weighted}
events: {forward: true}
canary: {url: "https://api.shop.example.com/health", every: 5m}
backup: {copy_to_recovery: false, restore_test: none}
protection: false
"""

SMALL_PARTS = """
name: parts
environment: dev
objectives: {rto: 1h, rpo: 1h}
regions: {primary: {name: us-west-2, cidr: 10.0.0.0/24}, recovery: [{name: us-east-1, cidr: 10.0.1.0/24}]}
network: {endpoints: [secretsmanager]}
database: {engine: postgres, version: "15.18", instance_class: db.r6g.large, port: 6000, multi_az: {primary: false}}
buckets: [{name: exports, replicate: to-recovery}]
functions: [{name: nightly, source: payment_processor, schedule: cron(0 6 * * ? *)}]
dns: {zone: parts.internal, record: main}
events: {forward: false}
backup: {restore_test: monthly}
recovery: {mode: notify}
protection: false
"""


EACH = {"database": ALL_WITH_DATABASE, "aurora": ALL_WITH_AURORA, "public": ALL_IN_PUBLIC, "small": SMALL_PARTS}


@pytest.fixture(params=list(EACH.values()), ids=list(EACH))
def project(start: Start, request: pytest.FixtureRequest) -> Project:
    return start(lambda _: str(request.param))


def test_it_is_found_correct_deployed_found_unchanged_and_destroyed(project: Project) -> None:
    project.succeeds("check", "postgres-dr", "--fast")
    project.succeeds("deploy", "postgres-dr", "--yes")
    before = project.aws.calls.mark()
    again = project.drgen("deploy", "postgres-dr", "--yes")
    assert again.returncode == 0, again.stderr
    assert [word for word, _ in re.findall(r"^(done|unchanged) +(\d+)", again.stderr, re.M)] == ["unchanged"]
    assert [call for call in project.aws.calls.since(before) if call.operation == "ExecuteChangeSet"] == []
    project.succeeds("destroy", "postgres-dr", "--yes")
    assert left(project) == []


KEPT = ("default", "drgen-artifacts")
"""The default event bus, and the bucket of function packages, which all workloads of a region share."""


def left(project: Project) -> list[str]:
    """What a region still has of a kind that stacks make and accounts are charged for."""
    found: list[str] = []
    for region in regions(project):
        stacks = project.client("cloudformation", region).list_stacks()["StackSummaries"]
        found += [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
        rds, ec2 = project.client("rds", region), project.client("ec2", region)
        found += [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]]
        found += [one["DBClusterIdentifier"] for one in rds.describe_db_clusters()["DBClusters"]]
        found += [one["GlobalClusterIdentifier"] for one in rds.describe_global_clusters()["GlobalClusters"]]
        found += [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]]
        found += [one["PublicIp"] for one in ec2.describe_addresses()["Addresses"]]
        found += project.client("dynamodb", region).list_tables()["TableNames"]
        found += [one["FunctionName"] for one in project.client("lambda", region).list_functions()["Functions"]]
        vaults = project.client("backup", region).list_backup_vaults()["BackupVaultList"]
        found += [vault["BackupVaultName"] for vault in vaults]
        found += [one["Name"] for one in project.client("events", region).list_event_buses()["EventBuses"]]
        groups = project.client("logs", region).describe_log_groups()["logGroups"]
        found += [group["logGroupName"] for group in groups]
    return [name for name in found if name not in KEPT]


def regions(project: Project) -> list[str]:
    return re.findall(r"name: ([a-z]+-[a-z]+-\d)", (project.folder / WORKLOAD).read_text("utf-8"))
