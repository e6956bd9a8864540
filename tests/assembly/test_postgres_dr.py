"""What a DBA and a security reviewer look for in the templates of a database with a replica."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bodies import resources
from postgres_drafts import SOURCE, drafts

from drgen.recovery.config import Config, ReplicaSettings


@pytest.fixture(scope="module")
def bodies() -> dict[str, Any]:
    return {name: draft.template().body for name, draft in drafts().items()}


def statements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for item in value.values():
            yield from statements(item)
    elif isinstance(value, list):
        for item in value:
            yield from statements(item)


def instance(bodies: Any, name: str) -> Any:
    return bodies[name]["Resources"]["Database"]["Properties"]


def test_stacks_are_in_the_order_of_their_stages() -> None:
    assert list(drafts()) == [
        "primary/foundation",
        "primary/database",
        "recovery-eu-west-1/foundation",
        "recovery-eu-west-1/database",
        "recovery-eu-west-1/recovery",
        "replication/peering",
        "replication/routes",
        "replication/dns",
    ]


def test_the_replica_has_no_property_that_rds_refuses_on_a_replica(bodies: Any) -> None:
    refused = {
        "AllocatedStorage", "CharacterSetName", "DBName", "DBSnapshotIdentifier", "Engine", "EngineVersion",
        "MasterUserPassword", "MasterUserSecret", "MasterUsername", "ManageMasterUserPassword", "StorageEncrypted",
    }  # fmt: skip
    assert refused & instance(bodies, "recovery-eu-west-1/database").keys() == set()


def test_promotion_takes_the_source_away_and_nothing_else(bodies: Any) -> None:
    body = bodies["recovery-eu-west-1/database"]
    conditional = {
        k for k, v in instance(bodies, "recovery-eu-west-1/database").items() if isinstance(v, dict) and "Fn::If" in v
    }
    assert conditional == {"SourceDBInstanceIdentifier"}
    assert body["Conditions"] == {"IsReplica": {"Fn::Equals": [{"Ref": "DatabaseRole"}, "replica"]}}
    assert [name for name, r in body["Resources"].items() if "Condition" in r] == []


def test_both_sides_are_alike_but_for_source_and_birth(bodies: Any) -> None:
    primary, replica = (instance(bodies, f"{stage}/database") for stage in ("primary", "recovery-eu-west-1"))
    differing = {key for key in primary.keys() | replica.keys() if primary.get(key) != replica.get(key)}
    assert differing == {
        "AllocatedStorage", "DBInstanceIdentifier", "DBName", "Engine", "EngineVersion", "MasterUserPassword",
        "MasterUsername", "MultiAZ", "SourceDBInstanceIdentifier", "StorageEncrypted",
    }  # fmt: skip


def test_tls_is_forced_on_both_sides(bodies: Any) -> None:
    for stage in ("primary", "recovery-eu-west-1"):
        group = bodies[f"{stage}/database"]["Resources"]["ParameterGroup"]["Properties"]
        assert group["Parameters"]["rds.force_ssl"] == "1"
        assert group["Family"] == "postgres15"


def test_no_policy_has_a_wildcard_action(bodies: Any) -> None:
    actions = [action for statement in statements(bodies) for action in statement["Action"]]
    assert len(actions) > 50
    assert [action for action in actions if "*" in action] == []


def test_what_an_identity_policy_allows_names_its_resources(bodies: Any) -> None:
    wide = [
        (role["Properties"]["RoleName"], statement["Sid"])
        for body in bodies.values()
        for role in resources(body, "AWS::IAM::Role").values()
        for policy in role["Properties"].get("Policies", ())
        for statement in statements(policy)
        if statement["Effect"] == "Allow" and "*" in statement["Resource"]
    ]
    assert {sid for _, sid in wide} == {
        "HandlerReads", "Interfaces", "LogDeliveryTakesNoResources", "LookUpNetwork", "PublishMetrics",
        "ReadMetrics", "Traces", "TracesTakeNoResources",
    }  # fmt: skip


def test_role_names_differ_between_all_stacks(bodies: Any) -> None:
    names = [
        r["Properties"]["RoleName"] for body in bodies.values() for r in resources(body, "AWS::IAM::Role").values()
    ]
    assert len(names) == len(set(names)) >= 4


def test_everything_that_stores_is_encrypted_with_a_key_of_the_workload(bodies: Any) -> None:
    wanted = {
        "AWS::RDS::DBInstance": ("KmsKeyId", "PerformanceInsightsKMSKeyId"),
        "AWS::Logs::LogGroup": ("KmsKeyId",),
        "AWS::SNS::Topic": ("KmsMasterKeyId",),
        "AWS::SecretsManager::Secret": ("KmsKeyId",),
    }
    for kind, properties in wanted.items():
        found = [r for body in bodies.values() for r in resources(body, kind).values()]
        assert found, kind
        for resource in found:
            assert all(resource["Properties"][name] for name in properties)


def test_every_key_rotates_and_outlives_its_stack(bodies: Any) -> None:
    keys = [r for body in bodies.values() for r in resources(body, "AWS::KMS::Key").values()]
    assert len(keys) == 4
    assert all(key["Properties"]["EnableKeyRotation"] for key in keys)
    assert {key["DeletionPolicy"] for key in keys} == {"RetainExceptOnCreate"}


def test_each_side_has_a_route_to_the_other(bodies: Any) -> None:
    routes = {
        name: resources(bodies[name], "AWS::EC2::Route") for name in ("replication/peering", "replication/routes")
    }
    assert routes["replication/peering"]["RouteToPeer"]["Properties"]["DestinationCidrBlock"] == "10.0.0.0/16"
    assert routes["replication/routes"]["RouteToPeer"]["Properties"]["DestinationCidrBlock"] == "10.1.0.0/16"


def test_no_stack_of_the_recovery_region_asks_another_region_at_update_time(bodies: Any) -> None:
    text = str({name: body for name, body in bodies.items() if name != "replication/routes" and "primary" not in name})
    assert "PrimaryVpcId" in text
    assert [word for word in ("Fn::GetStackOutput", "Fn::ImportValue", "Custom::", "{{resolve:") if word in text] == []


def test_the_failover_function_gets_every_setting_it_reads() -> None:
    body = drafts()["recovery-eu-west-1/recovery"].template().body
    variables = body["Resources"]["Failover"]["Properties"]["Environment"]["Variables"]
    config = Config.from_environment(
        {name: value if isinstance(value, str) else "known later" for name, value in variables.items()}
    )
    assert (config.workload, config.primary_region, config.recovery_region) == (
        "postgres-dr-prod",
        "us-east-1",
        "eu-west-1",
    )
    alarms = {
        r["Properties"]["AlarmName"]
        for draft in drafts().values()
        for r in resources(draft.template().body, "AWS::CloudWatch::Alarm").values()
    }
    assert config.switch is not None
    assert {config.switch.withdrawn_alarm, config.switch.writable_alarm, config.gone_alarm} < alarms
    assert isinstance(config.database, ReplicaSettings)
    assert config.database.stack == drafts()["recovery-eu-west-1/database"].key


def test_only_the_probe_runs_in_the_vpc_and_its_one_aws_call_has_an_endpoint() -> None:
    built = {name: draft.template().body for name, draft in drafts().items()}
    functions = resources(built["recovery-eu-west-1/recovery"], "AWS::Lambda::Function")
    assert [name for name, function in functions.items() if "VpcConfig" in function["Properties"]] == ["Probe"]
    called = {
        action.split(":")[0]
        for s in statements(built["recovery-eu-west-1/recovery"]["Resources"]["ProbeRole"]["Properties"]["Policies"])
        for action in s["Action"]
    }
    assert called == {"ec2", "kms", "logs", "secretsmanager"}
    endpoints = resources(built["recovery-eu-west-1/foundation"], "AWS::EC2::VPCEndpoint")
    assert "com.amazonaws.eu-west-1.secretsmanager" in [e["Properties"]["ServiceName"] for e in endpoints.values()]


def test_a_failover_is_traced_from_the_machine_to_its_function(bodies: Any) -> None:
    recovery = bodies["recovery-eu-west-1/recovery"]["Resources"]
    assert recovery["Machine"]["Properties"]["TracingConfiguration"] == {"Enabled": True}
    assert recovery["Failover"]["Properties"]["TracingConfig"] == {"Mode": "Active"}
    assert "TracingConfig" not in recovery["Probe"]["Properties"]
    (policy,) = recovery["MachineRole"]["Properties"]["Policies"]
    assert policy["PolicyDocument"]["Statement"][-1]["Action"] == [
        "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    ]  # fmt: skip


def test_without_protection_nothing_is_left_behind() -> None:
    unprotected = drafts(SOURCE.replace("protection: true", "protection: false"))
    for draft in unprotected.values():
        assert draft.protected == []
        for resource in draft.template().body["Resources"].values():
            assert resource.get("DeletionPolicy", "Delete") == "Delete"
            assert resource["Properties"].get("DeletionProtection", False) is False


def test_the_failover_policy_makes_a_primary_and_a_secondary_record() -> None:
    body = drafts(SOURCE.replace("policy: weighted", "policy: failover"))["replication/dns"].template().body
    records = resources(body, "AWS::Route53::RecordSet")
    assert [r["Properties"]["Failover"] for r in records.values()] == ["PRIMARY", "SECONDARY"]
    assert all("Weight" not in r["Properties"] and "HealthCheckId" in r["Properties"] for r in records.values())


def test_the_machine_calls_lambda_in_its_own_partition() -> None:
    text = SOURCE.replace("us-east-1", "us-gov-west-1").replace("eu-west-1", "us-gov-east-1")
    machine = drafts(text)["recovery-us-gov-east-1/recovery"].template().body["Resources"]["Machine"]
    called = machine["Properties"]["Definition"]["States"]["Decide"]["Resource"]
    assert called == "arn:aws-us-gov:states:::lambda:invoke"
    assert machine["Metadata"]["cfn-lint"]["config"]["ignore_checks"] == ["E3601"]


def test_nothing_is_kept_from_linters_in_the_commercial_partition(bodies: Any) -> None:
    assert "Metadata" not in bodies["recovery-eu-west-1/recovery"]["Resources"]["Machine"]
