"""Alarms, roles, functions, machines and buckets. Paragraphs P40 to P69 of BEHAVIOUR.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drgen.local.overlays.alarms import AlarmEvents
from drgen.local.server import EmbeddedAws


def alarm(name: str, **more: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Namespace": "drgen",
        "MetricName": name,
        "Statistic": "Maximum",
        "Period": "60",
        "EvaluationPeriods": "1",
        "Threshold": "1",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        **more,
    }


def function(stacks: Any, **more: Any) -> dict[str, Any]:
    return {
        "FunctionName": f"f-{stacks.unique}",
        "Role": stacks.role("lambda.amazonaws.com"),
        "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        **more,
    }


def bucket(stacks: Any, name: str, **more: Any) -> dict[str, Any]:
    return {"BucketName": f"{name}-{stacks.unique}", **more}


def test_an_alarm_acts_in_its_own_region_only(stacks: Any, fails: Any) -> None:
    topic = stacks.make("AWS::SNS::Topic", {"TopicName": f"t-{stacks.unique}"}).id
    given = alarm(f"a-{stacks.unique}", AlarmActions=[topic])
    failure = fails(stacks.make, "AWS::CloudWatch::Alarm", given, region="eu-west-1")
    assert failure.message == "Invalid region us-east-1 specified. Only eu-west-1 is supported."
    stacks.make("AWS::CloudWatch::Alarm", given)
    assert fails(stacks.make, "AWS::CloudWatch::Alarm", given).code == "AlreadyExists"


def test_a_composite_alarm_needs_its_children(stacks: Any, fails: Any) -> None:
    child = stacks.make("AWS::CloudWatch::Alarm", alarm(f"a-{stacks.unique}")).id
    kind = "AWS::CloudWatch::CompositeAlarm"
    assert fails(stacks.make, kind, {"AlarmRule": f'ALARM("{child}") OR ALARM(nobody)'}).code == "InvalidRequest"
    stacks.make(kind, {"AlarmName": f"c-{stacks.unique}", "AlarmRule": f'ALARM("{child}")'})


def test_dashboards_are_one_namespace_for_all_regions(stacks: Any, aws: EmbeddedAws) -> None:
    name = f"d-{stacks.unique}"
    body = {"widgets": [{"type": "text", "properties": {"markdown": "here"}}]}
    given = {"DashboardName": name, "DashboardBody": json.dumps(body)}
    stacks.make("AWS::CloudWatch::Dashboard", given)
    aws.faults.dark("us-east-1")
    there = stacks.client("cloudwatch", "eu-west-1")
    assert json.loads(there.get_dashboard(DashboardName=name)["DashboardBody"]) == body
    assert [d["DashboardName"] for d in there.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]] == [name]


def test_a_changed_alarm_state_is_an_event_on_the_bus_of_its_region(stacks: Any, aws: EmbeddedAws) -> None:
    queue = stacks.make("AWS::SQS::Queue", {}, region="eu-west-1")
    rule = {
        "EventPattern": {"source": ["aws.cloudwatch"], "detail": {"alarmName": [f"a-{stacks.unique}"]}},
        "Targets": [
            {
                "Id": "queue",
                "Arn": queue.attributes["Arn"],
                "InputTransformer": {
                    "InputPathsMap": {"name": "$.detail.alarmName", "state": "$.detail.state.value"},
                    "InputTemplate": '{"alarm": <name>, "text": "<name> is <state>"}',
                },
            }
        ],
    }
    stacks.make("AWS::Events::Rule", rule, region="eu-west-1")
    stacks.make("AWS::CloudWatch::Alarm", alarm(f"a-{stacks.unique}"), region="eu-west-1")
    watch = stacks.client("cloudwatch", "eu-west-1")
    watch.set_alarm_state(AlarmName=f"a-{stacks.unique}", StateValue="ALARM", StateReason="test")
    events = AlarmEvents(aws.environment)
    for _ in range(20):
        events.tick()
    sent = stacks.client("sqs", "eu-west-1").receive_message(QueueUrl=queue.id, MaxNumberOfMessages=10)["Messages"]
    wanted = {"alarm": f"a-{stacks.unique}", "text": f"a-{stacks.unique} is ALARM"}
    assert wanted in [json.loads(message["Body"]) for message in sent]


def test_role_names_are_one_namespace_for_all_regions(stacks: Any, fails: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    given = {"RoleName": f"r-{stacks.unique}", "AssumeRolePolicyDocument": policy}
    stacks.make("AWS::IAM::Role", given)
    failure = fails(stacks.make, "AWS::IAM::Role", given, region="eu-west-1")
    assert failure.code == "AlreadyExists"
    assert f"Role with name r-{stacks.unique} already exists." in failure.message


def test_a_role_that_fails_half_way_is_gone_again(stacks: Any, fails: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    given = {
        "RoleName": f"r-{stacks.unique}",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "ManagedPolicyArns": ["arn:aws:iam::123456789012:policy/nobody"],
    }
    fails(stacks.make, "AWS::IAM::Role", given)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stacks.client("iam").get_role(RoleName=f"r-{stacks.unique}")


def test_a_function_keeps_what_the_template_says(stacks: Any) -> None:
    topic = stacks.make("AWS::SNS::Topic", {}).id
    group = stacks.make("AWS::Logs::LogGroup", {"LogGroupName": f"/t/{stacks.unique}"}).id
    more = {
        "ReservedConcurrentExecutions": "2",
        "DeadLetterConfig": {"TargetArn": topic},
        "LoggingConfig": {"LogGroup": group, "LogFormat": "JSON"},
        "Environment": {"Variables": {"REGION": "eu-west-1"}},
    }
    given = function(stacks, **more)
    made = stacks.make("AWS::Lambda::Function", given)
    client = stacks.client("lambda")
    shown = client.get_function(FunctionName=made.id)
    assert shown["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    assert shown["Configuration"]["DeadLetterConfig"] == {"TargetArn": topic}
    assert shown["Configuration"]["LoggingConfig"]["LogGroup"] == group
    changed = {key: value for key, value in given.items() if key not in ("ReservedConcurrentExecutions", "Environment")}
    stacks.change(made, {**changed, "Code": {"ZipFile": "def handler(event, context):\n    return 'new'\n"}})
    shown = client.get_function(FunctionName=made.id)
    assert "Concurrency" not in shown
    assert shown["Configuration"].get("Environment", {}).get("Variables", {}) == {}
    assert client.invoke(FunctionName=made.id)["Payload"].read() == b'"new"'


def test_a_functions_code_lies_in_a_bucket_of_its_region(stacks: Any, fails: Any) -> None:
    there = stacks.make("AWS::S3::Bucket", bucket(stacks, "eu"), region="eu-west-1").id
    here = stacks.make("AWS::S3::Bucket", bucket(stacks, "us")).id
    texts = [
        fails(stacks.make, "AWS::Lambda::Function", function(stacks, Code={"S3Bucket": name, "S3Key": "x.zip"})).message
        for name in (there, here, "nobody-has-this-bucket")
    ]
    head = "Error occurred while GetObject. S3 Error Code: "
    assert texts[0].startswith(f"{head}PermanentRedirect. S3 Error Message: The bucket is in this region: eu-west-1.")
    assert texts[1].startswith(f"{head}NoSuchKey.")
    assert texts[2].startswith(f"{head}NoSuchBucket.")


def test_a_function_needs_a_role_that_lambda_can_assume(stacks: Any, fails: Any) -> None:
    roles = ("arn:aws:iam::123456789012:role/nobody", stacks.role("states.amazonaws.com"))
    for role in roles:
        failure = fails(stacks.make, "AWS::Lambda::Function", function(stacks, Role=role))
        assert failure.message == "The role defined for the function cannot be assumed by Lambda."


def test_substitutions_reach_the_machine_and_two_share_no_name(stacks: Any, fails: Any) -> None:
    given = {
        "StateMachineName": f"m-{stacks.unique}",
        "RoleArn": stacks.role("states.amazonaws.com"),
        "Definition": {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": "${Word}", "End": True}}},
        "DefinitionSubstitutions": {"Word": 'he said "go"'},
    }
    machine = stacks.make("AWS::StepFunctions::StateMachine", given)
    shown = stacks.client("stepfunctions").describe_state_machine(stateMachineArn=machine.id)["definition"]
    assert json.loads(shown)["States"]["Say"]["Result"] == 'he said "go"'
    assert fails(stacks.make, "AWS::StepFunctions::StateMachine", given).code == "AlreadyExists"


def test_replication_waits_for_the_destination(stacks: Any, fails: Any) -> None:
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    source = stacks.make("AWS::S3::Bucket", bucket(stacks, "us", **versioned))
    rule = {
        "Id": "everything",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::eu-{stacks.unique}"},
    }
    replicated = {"ReplicationConfiguration": {"Role": stacks.role("s3.amazonaws.com"), "Rules": [rule]}}
    given = bucket(stacks, "us", **versioned, **replicated)
    assert fails(stacks.change, source, given).message == "Destination bucket must exist."
    destination = stacks.make("AWS::S3::Bucket", bucket(stacks, "eu"), region="eu-west-1")
    assert fails(stacks.change, source, given).message == "Destination bucket must have versioning enabled."
    stacks.change(destination, bucket(stacks, "eu", **versioned))
    source = stacks.change(source, given)
    client = stacks.client("s3")
    kept = client.get_bucket_replication(Bucket=source.id)["ReplicationConfiguration"]["Rules"]
    assert [item["ID"] for item in kept] == ["everything"]
    source = stacks.change(source, bucket(stacks, "us", **versioned))
    with pytest.raises(ClientError, match="replication configuration was not found"):
        client.get_bucket_replication(Bucket=source.id)


def test_the_accounts_part_of_the_namespace_has_names_of_its_own(stacks: Any, fails: Any) -> None:
    name = f"t{stacks.unique}-123456789012-eu-west-1-an"
    regional = {"BucketName": name, "BucketNamespace": "account-regional"}
    assert fails(stacks.make, "AWS::S3::Bucket", regional).code == "InvalidRequest"
    assert fails(stacks.make, "AWS::S3::Bucket", {"BucketName": name}, region="eu-west-1").code == "InvalidRequest"
    assert stacks.make("AWS::S3::Bucket", regional, region="eu-west-1").id == name


def test_a_bucket_name_is_taken_once_and_a_full_bucket_stays(stacks: Any, fails: Any) -> None:
    made = stacks.make("AWS::S3::Bucket", bucket(stacks, "us"))
    assert fails(stacks.make, "AWS::S3::Bucket", bucket(stacks, "us"), region="eu-west-1").code == "AlreadyExists"
    client = stacks.client("s3")
    client.put_object(Bucket=made.id, Key="x", Body=b"x")
    assert fails(stacks.remove, made).message == "The bucket you tried to delete is not empty"
    client.delete_object(Bucket=made.id, Key="x")
    stacks.remove(made)


def test_a_region_in_the_dark_fails_the_resource_as_a_network_failure(
    stacks: Any, fails: Any, aws: EmbeddedAws
) -> None:
    aws.faults.dark("us-east-1")
    assert fails(stacks.make, "AWS::SNS::Topic", {}).code == "NetworkFailure"
    assert stacks.make("AWS::SNS::Topic", {}, region="eu-west-1").id.startswith("arn:aws:sns:eu-west-1:")


def test_a_recovery_region_can_be_deployed_to_while_the_primary_region_is_dark(stacks: Any, aws: EmbeddedAws) -> None:
    given = function(stacks)
    topic = stacks.make("AWS::SNS::Topic", {}, region="eu-west-1").id
    aws.faults.dark("us-east-1")
    made = stacks.make("AWS::Lambda::Function", given, region="eu-west-1")
    stacks.change(made, {**given, "Timeout": "60"})
    stacks.make("AWS::CloudWatch::Alarm", alarm(f"a-{stacks.unique}", AlarmActions=[topic]), region="eu-west-1")
    shown = stacks.client("lambda", "eu-west-1").get_function_configuration(FunctionName=made.id)
    assert shown["Timeout"] == 60
