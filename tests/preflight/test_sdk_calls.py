from drgen.preflight.sdk_calls import SdkCall, sdk_calls


def test_calls_of_a_named_client_are_read_with_their_region() -> None:
    code = "import boto3\necs = boto3.client('ecs')\ndef handler(e, c):\n    ecs.update_service(cluster='c')\n"
    assert list(sdk_calls(code)) == [SdkCall("ecs:UpdateService", "")]
    elsewhere = "boto3.client('rds', region_name='eu-west-1').promote_read_replica()"
    assert list(sdk_calls(elsewhere)) == [SdkCall("rds:PromoteReadReplica", "eu-west-1")]


def test_region_that_code_works_out_is_not_known() -> None:
    assert list(sdk_calls("boto3.client('sns', os.environ['REGION']).publish()")) == [SdkCall("sns:Publish", None)]


def test_an_action_may_have_another_name_than_the_operation() -> None:
    assert [call.action for call in sdk_calls("boto3.client('lambda').invoke()")] == ["lambda:InvokeFunction"]
    pages = "boto3.client('rds').get_paginator('describe_db_instances')"
    assert [call.action for call in sdk_calls(pages)] == ["rds:DescribeDbInstances"]


def test_nothing_is_said_of_names_that_stand_for_two_clients_or_of_methods_that_call_nothing() -> None:
    assert list(sdk_calls("a = boto3.client('rds')\na = boto3.client('ecs')\na.promote_read_replica()")) == []
    assert list(sdk_calls("boto3.client('ecs').get_waiter('services_stable')")) == []
    assert list(sdk_calls("this is no Python")) == []
