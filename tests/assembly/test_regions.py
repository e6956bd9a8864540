"""Two recovery regions, with everything that a workload can declare."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from folders import built

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft
from drgen.preflight.cache import Cache
from drgen.preflight.fastlint import fast_lint
from drgen.preflight.linting import lint_world
from drgen.preflight.run import Selection, check_world

DIGEST = "sha256:" + "0123456789abcdef" * 4
WHOLE = f"""
name: shop
environment: prod
objectives: {{rto: 30m, rpo: 5m}}
regions:
  primary: {{name: us-east-1, cidr: 10.0.0.0/16}}
  recovery:
    - {{name: eu-west-1, cidr: 10.1.0.0/16}}
    - {{name: us-west-2, cidr: 10.2.0.0/16}}
network: {{nat: per-zone, endpoints: [dynamodb, s3, secretsmanager, ssm]}}
database: {{engine: postgres, version: "16.9", instance_class: db.r6g.large, monitoring: {{connections: 400}}}}
buckets:
  - {{name: documents, replicate: both-ways, replication_time_control: true}}
  - {{name: invoices}}
tables: [{{name: sessions, key: id}}]
functions: [{{name: processor, source: payment_processor, about: Takes payments, tables: {{sessions: read-write}}}}]
api: {{health: processor, routes: [{{method: POST, path: /payments, function: processor}}]}}
services:
  - name: web
    image: "{{account}}.dkr.ecr.{{region}}.amazonaws.com/web@{DIGEST}"
    port: 8080
    health_path: /health
dns: {{zone: db.internal}}
events: {{forward: both-ways}}
canary: {{url: "https://shop.example.com/health"}}
backup: {{daily: true}}
recovery: {{mode: automatic}}
"""
PUBLIC = """
name: pay
environment: prod
objectives: {rto: 10m, rpo: 1m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: us-east-2, cidr: 10.1.0.0/16}, {name: us-west-2, cidr: 10.2.0.0/16}]
functions: [{name: processor, source: payment_processor, about: Takes payments}]
api:
  health: processor
  routes: [{method: POST, path: /payments, function: processor}]
  certificate:
    us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
    us-east-2: arn:aws:acm:us-east-2:123456789012:certificate/2
    us-west-2: arn:aws:acm:us-west-2:123456789012:certificate/3
dns: {zone: pay.example.com, private: false}
"""

AURORA = """
name: shop
environment: prod
objectives: {rto: 15m, rpo: 5m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: us-east-2, cidr: 10.1.0.0/16}, {name: us-west-2, cidr: 10.2.0.0/16}]
network: {endpoints: [s3, secretsmanager]}
database: {engine: aurora-postgresql, version: "16.9", instance_class: db.r6g.large}
dns: {zone: db.internal}
"""


def drafts(text: str) -> dict[str, StackDraft]:
    """By layer and region."""
    workload = parse_workload(text.encode(), file="workload.yaml")
    packages = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in needed(workload)}
    return {f"{draft.layer}/{draft.region}": draft for draft in assemble(workload, packages)}


@pytest.fixture(scope="module")
def whole() -> dict[str, StackDraft]:
    return drafts(WHOLE)


def body(draft: StackDraft) -> Any:
    return draft.template().body


def properties(draft: StackDraft, name: str) -> Any:
    return body(draft)["Resources"][name]["Properties"]


def of_type(draft: StackDraft, kind: str) -> dict[str, Any]:
    return {name: r["Properties"] for name, r in body(draft)["Resources"].items() if r["Type"] == kind}


@pytest.mark.parametrize("text", [WHOLE, PUBLIC, AURORA], ids=["private", "public", "aurora"])
def test_no_rule_and_no_linter_finds_fault_with_it(text: str) -> None:
    folder = built(yaml.safe_load(text))
    findings, undecided = check_world(folder.world, Selection())
    assert tuple(findings) == ()
    assert [one for one in undecided if "only the account knows" not in one.reason] == []
    assert lint_world(folder.world, folder.sources, Selection(), linter=fast_lint, rules="", cache=Cache(None)) == ()


def test_each_template_has_a_path_of_its_own_which_names_the_region_where_others_share_its_layer() -> None:
    paths = [stack.entry.template for stack in built(yaml.safe_load(WHOLE)).world.steps]
    assert len(set(paths)) == len(paths)
    assert sorted(path for path in paths if path.startswith("replication/")) == [
        "replication/dns.yaml",
        "replication/forwarding-back-eu-west-1.yaml",
        "replication/forwarding-back-us-west-2.yaml",
        "replication/forwarding.yaml",
        "replication/peering-eu-west-1.yaml",
        "replication/peering-us-west-2.yaml",
        "replication/routes-eu-west-1.yaml",
        "replication/routes-us-east-1.yaml",
        "replication/switch.yaml",
    ]


def test_a_region_added_at_the_end_renames_no_parameter_and_removes_nothing(whole: dict[str, StackDraft]) -> None:
    """A late parameter under a new name would be empty in the first pass, and a replica would go until the second."""
    before = drafts(WHOLE.replace("    - {name: us-west-2, cidr: 10.2.0.0/16}\n", ""))
    for place, draft in before.items():
        after = whole[place]
        for section in ("Parameters", "Resources"):
            assert set(body(draft).get(section, {})) <= set(body(after).get(section, {})), (place, section)
        kept = {name: source for name, source in after.sources.items() if name in draft.sources}
        assert kept == draft.sources, place


def test_every_two_networks_are_peered_with_routes_on_both_sides(whole: dict[str, StackDraft]) -> None:
    made = {
        (draft.region, peering["PeerRegion"])
        for draft in whole.values()
        for peering in of_type(draft, "AWS::EC2::VPCPeeringConnection").values()
    }
    assert made == {("eu-west-1", "us-east-1"), ("us-west-2", "us-east-1"), ("us-west-2", "eu-west-1")}
    routed = {
        (draft.region, route["DestinationCidrBlock"])
        for draft in whole.values()
        for route in of_type(draft, "AWS::EC2::Route").values()
        if "VpcPeeringConnectionId" in route
    }
    blocks = {"us-east-1": "10.0.0.0/16", "eu-west-1": "10.1.0.0/16", "us-west-2": "10.2.0.0/16"}
    assert routed == {(here, block) for here in blocks for there, block in blocks.items() if there != here}


def test_the_secret_is_replicated_to_each_region_whose_key_is_known(whole: dict[str, StackDraft]) -> None:
    condition, replicas, _ = properties(whole["foundation/us-east-1"], "DatabaseSecret")["ReplicaRegions"]["Fn::If"]
    assert body(whole["foundation/us-east-1"])["Conditions"][condition] == {
        "Fn::Or": [{"Condition": "HasRecoveryDataKeyArn"}, {"Condition": "HasRecoveryUsWest2DataKeyArn"}]
    }
    assert [(replica["Fn::If"][0], replica["Fn::If"][1]["Region"]) for replica in replicas] == [
        ("HasRecoveryDataKeyArn", "eu-west-1"),
        ("HasRecoveryUsWest2DataKeyArn", "us-west-2"),
    ]


def test_any_recovery_region_can_take_the_primary_out_and_each_answers_for_itself(whole: dict[str, StackDraft]) -> None:
    dns, switch = whole["dns/eu-west-1"], whole["switch/us-west-2"]
    records = of_type(dns, "AWS::Route53::RecordSet")
    assert {
        name: (record["SetIdentifier"], record["Weight"], record["HealthCheckId"]["Ref"])
        for name, record in records.items()
    } == {
        "PrimaryRecord": ("us-east-1", 100, "PrimaryKept"),
        "RecoveryRecord": ("eu-west-1", 0, "RecoveryHealth"),
        "RecoveryUsWest2Record": ("us-west-2", 0, "RecoveryUsWest2WritableCheckId"),
        "WebPrimaryRecord": ("us-east-1", 100, "PrimaryKept"),
        "WebRecoveryRecord": ("eu-west-1", 0, "RecoveryHealth"),
        "WebRecoveryUsWest2Record": ("us-west-2", 0, "RecoveryUsWest2WritableCheckId"),
    }
    assert properties(dns, "PrimaryKept")["HealthCheckConfig"] == {
        "Type": "CALCULATED",
        "ChildHealthChecks": [{"Ref": "PrimaryHealth"}, {"Ref": "RecoveryUsWest2PrimaryKeptCheckId"}],
        "HealthThreshold": 2,
    }
    for name, alarm in (("PrimaryKept", "PrimaryWithdrawnAlarm"), ("RecoveryHealth", "RecoveryNotWritableAlarm")):
        config = properties(switch, name)["HealthCheckConfig"]
        assert config["AlarmIdentifier"] == {"Name": {"Ref": alarm}, "Region": "us-west-2"}
    assert switch.upstream() == ()


def test_a_public_name_has_a_record_for_each_region_and_a_switch_in_each_recovery_region() -> None:
    made = drafts(PUBLIC)
    records = of_type(made["dns/us-east-2"], "AWS::Route53::RecordSet")
    assert {name: record["HealthCheckId"]["Ref"] for name, record in records.items()} == {
        "PrimaryRecord": "PrimaryHealth",
        "RecoveryRecord": "RecoveryAnswers",
        "RecoveryUsWest2Record": "RecoveryUsWest2Answers",
    }
    assert properties(made["dns/us-east-2"], "PrimaryHealth")["HealthCheckConfig"]["ChildHealthChecks"] == [
        {"Ref": "PrimaryAnswers"},
        {"Ref": "PrimaryKept"},
        {"Ref": "RecoveryUsWest2PrimaryKeptCheckId"},
    ]
    assert set(body(made["switch/us-west-2"])["Resources"]) == {"PrimaryWithdrawnAlarm", "PrimaryKept"}


def test_only_the_first_recovery_region_starts_a_failover_and_each_looks_at_the_other(
    whole: dict[str, StackDraft],
) -> None:
    seen = {}
    for region in ("eu-west-1", "us-west-2"):
        variables = properties(whole[f"recovery/{region}"], "Failover")["Environment"]["Variables"]
        seen[region] = (variables["TRIGGER"], variables["OTHER_DATABASES"])
    assert seen == {
        "eu-west-1": ("automatic", "us-west-2:shop-prod-us-west-2"),
        "us-west-2": ("notify", "eu-west-1:shop-prod-eu-west-1"),
    }
    (policy,) = properties(whole["recovery/us-west-2"], "FailoverRole")["Policies"]
    allowed = {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["PolicyDocument"]["Statement"]}
    arn = "arn:${AWS::Partition}"
    assert allowed["OtherRegions"] == (
        ["rds:DescribeDBInstances"],
        [{"Fn::Sub": f"{arn}:rds:eu-west-1:${{AWS::AccountId}}:db:shop-prod-eu-west-1"}],
    )
    assert allowed["OtherRuns"] == (
        ["states:ListExecutions"],
        [{"Fn::Sub": f"{arn}:states:eu-west-1:${{AWS::AccountId}}:stateMachine:shop-prod-failover"}],
    )


def test_events_and_copies_go_from_every_region_to_every_other(whole: dict[str, StackDraft]) -> None:
    sent = {}
    for place in ("forwarding/us-east-1", "forwarding-back/eu-west-1", "forwarding-back/us-west-2"):
        sent[whole[place].region] = [target["Id"] for target in properties(whole[place], "Forwarding")["Targets"]]
    assert sent == {
        "us-east-1": ["eu-west-1", "us-west-2"],
        "eu-west-1": ["us-east-1", "us-west-2"],
        "us-west-2": ["us-east-1", "eu-west-1"],
    }
    plan = properties(whole["backup/us-east-1"], "BackupPlan")["BackupPlan"]
    copies = plan["BackupPlanRule"][0]["CopyActions"]
    assert [copy["Fn::If"][0] for copy in copies] == ["HasRecoveryBackupVaultArn", "HasRecoveryUsWest2BackupVaultArn"]


def test_the_table_has_a_replica_in_each_region_and_one_home(whole: dict[str, StackDraft]) -> None:
    assert [place for place in whole if place.startswith("tables/")] == ["tables/eu-west-1"]
    replicas = properties(whole["tables/eu-west-1"], "SessionsTable")["Replicas"]
    assert {replica["Region"] for replica in replicas} == {"us-east-1", "eu-west-1", "us-west-2"}


def test_a_further_copy_of_a_bucket_has_a_batch_command_of_its_own(whole: dict[str, StackDraft]) -> None:
    outputs = body(whole["storage/us-east-1"])["Outputs"]
    first, second = outputs["InvoicesBucketBatchReplication"], outputs["InvoicesBucketBatchReplicationToUsWest2"]
    assert '"ObjectReplicationStatuses":["NONE","FAILED"]' in first["Value"]["Fn::Sub"]
    assert '"ObjectReplicationStatuses":["NONE","FAILED","COMPLETED"]' in second["Value"]["Fn::Sub"]
    assert second["Condition"] == "InvoicesBucketReplicatesToUsWest2"
