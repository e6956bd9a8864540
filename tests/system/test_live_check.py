"""`drgen check --live` against the embedded AWS: what the account holds decides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from drgen.local.environment import ACCOUNT, SECRET
from drgen.local.server import EmbeddedAws

MANIFEST = """
stacks:
- {stack: net, template: net.yaml, region: eu-west-1, capabilities: [CAPABILITY_NAMED_IAM]}
"""
TEMPLATE = """
Resources:
  One: {Type: AWS::EC2::EIP, Properties: {Domain: vpc}}
  Two: {Type: AWS::EC2::EIP, Properties: {Domain: vpc}}
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      TableName: orders
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(speed=600) as started:
        yield started


def client(aws: EmbeddedAws, service: str) -> Any:
    session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET)
    make: Any = session.client
    return make(service, region_name="eu-west-1", endpoint_url=aws.endpoint)


def checked(aws: EmbeddedAws, folder: Path) -> tuple[list[str], list[str], str]:
    """Findings, what was not checked, and stderr."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    command = [sys.executable, "-m", "drgen", "check", "--live", "--select", "DR72", "--format", "json", "."]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    (world,) = json.loads(done.stdout)["worlds"]
    found = [f"{item['rule']} {item['address']}: {item['message']}" for item in world["findings"]]
    return found, [f"{item['rule']} {item['reason']}" for item in world["not_checked"]], done.stderr


def test_account_decides_what_templates_cannot_show(aws: EmbeddedAws, tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(MANIFEST)
    (tmp_path / "net.yaml").write_text(TEMPLATE)
    found, _, told = checked(aws, tmp_path)
    assert found == []
    assert told.startswith("asked the account: ")
    client(aws, "dynamodb").create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    found, _, _ = checked(aws, tmp_path)
    assert found == ["DR724 net/Table/TableName: orders exists already in eu-west-1"]
    client(aws, "dynamodb").delete_table(TableName="orders")


def test_stack_that_takes_no_update_is_found_and_what_a_stack_holds_is_not_taken(
    aws: EmbeddedAws, tmp_path: Path
) -> None:
    cloudformation = client(aws, "cloudformation")
    (tmp_path / "deploy.yaml").write_text(MANIFEST)
    (tmp_path / "net.yaml").write_text(TEMPLATE)
    cloudformation.create_stack(StackName="net", TemplateBody=TEMPLATE)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="net", WaiterConfig={"Delay": 1})
    found, _, _ = checked(aws, tmp_path)
    assert found == []
    cloudformation.delete_stack(StackName="net")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="net", WaiterConfig={"Delay": 1})
    cloudformation.create_change_set(
        StackName="net", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=TEMPLATE.replace("orders", "new")
    )
    found, _, _ = checked(aws, tmp_path)
    assert found == [
        "DR722 net: net in eu-west-1 is REVIEW_IN_PROGRESS",
        "DR724 net/Table/TableName: orders exists already in eu-west-1",
    ]


def test_quota_counts_what_others_have_in_the_region_and_a_higher_one_is_believed(
    aws: EmbeddedAws, tmp_path: Path
) -> None:
    """P110"""
    (tmp_path / "deploy.yaml").write_text(MANIFEST.replace("stack: net", "stack: edge"))
    (tmp_path / "net.yaml").write_text(TEMPLATE.replace("orders", "offers"))
    taken = [client(aws, "ec2").allocate_address(Domain="vpc")["AllocationId"] for _ in range(4)]
    found, undecided, _ = checked(aws, tmp_path)
    assert found == ["DR720 edge/Two: 2 are made in eu-west-1, 4 of 5 are in use (L-0263D0A3)"]
    assert undecided == []
    quota = {"ServiceCode": "ec2", "QuotaCode": "L-0263D0A3", "DesiredValue": 10}
    client(aws, "service-quotas").request_service_quota_increase(**quota)
    assert checked(aws, tmp_path)[0] == []
    for address in taken:
        client(aws, "ec2").release_address(AllocationId=address)


def test_region_that_does_not_answer_is_not_checked(aws: EmbeddedAws, tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text(MANIFEST.replace("eu-west-1", "us-west-2"))
    (tmp_path / "net.yaml").write_text(TEMPLATE)
    aws.faults.dark("us-west-2")
    found, undecided, told = checked(aws, tmp_path)
    assert found == []
    assert any(reason.startswith("DR720 ec2.describe_addresses was not answered") for reason in undecided)
    assert "not answered" in told
