"""A replica that stacks made on a running embedded AWS, promoted by its stack while its source is dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drgen.local.server import EmbeddedAws

US, EU = "us-east-1", "eu-west-1"

NETWORK = """
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  A:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: !Select [0, !GetAZs '']}
  B:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, AvailabilityZone: !Select [1, !GetAZs '']}
  Firewall: {Type: 'AWS::EC2::SecurityGroup', Properties: {GroupDescription: Database, VpcId: !Ref Vpc}}
  Key: {Type: 'AWS::KMS::Key', Properties: {KeyPolicy: {Version: '2012-10-17', Statement: []}}}
  Subnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {DBSubnetGroupName: orders, DBSubnetGroupDescription: Orders, SubnetIds: [!Ref A, !Ref B]}
  Settings:
    Type: AWS::RDS::DBParameterGroup
    Properties:
      DBParameterGroupName: orders
      Description: Orders
      Family: postgres15
      Parameters: {log_statement: ddl}
"""

PRIMARY = f"""
Resources:{NETWORK}
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Delete
    Properties:
      DBInstanceIdentifier: orders-us
      Engine: postgres
      EngineVersion: '15.13'
      DBInstanceClass: db.r6g.large
      AllocatedStorage: '100'
      MasterUsername: owner
      MasterUserPassword: correct-horse-9
      BackupRetentionPeriod: 7
      MultiAZ: true
      StorageEncrypted: true
      KmsKeyId: !GetAtt Key.Arn
      DBSubnetGroupName: !Ref Subnets
      DBParameterGroupName: !Ref Settings
      VPCSecurityGroups: [!GetAtt Firewall.GroupId]
Outputs:
  Arn: {{Value: !GetAtt Database.DBInstanceArn}}
"""

REPLICA = f"""
Parameters:
  SourceArn: {{Type: String}}
  Role: {{Type: String, Default: replica}}
Conditions:
  IsReplica: !Equals [!Ref Role, replica]
Resources:{NETWORK}
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    Properties:
      DBInstanceIdentifier: orders-eu
      SourceDBInstanceIdentifier: !If [IsReplica, !Ref SourceArn, !Ref 'AWS::NoValue']
      DBInstanceClass: db.r6g.large
      BackupRetentionPeriod: 7
      KmsKeyId: !GetAtt Key.Arn
      DBSubnetGroupName: !Ref Subnets
      DBParameterGroupName: !Ref Settings
      VPCSecurityGroups: [!GetAtt Firewall.GroupId]
Outputs:
  Host: {{Value: !GetAtt Database.Endpoint.Address}}
"""


@pytest.fixture
def fast() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(speed=20000) as aws:
        yield aws


def outputs(stacks: Any, name: str) -> dict[str, str]:
    found = stacks.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    return {entry["OutputKey"]: entry["OutputValue"] for entry in found}


@pytest.mark.embedded
def test_a_stack_update_promotes_the_replica_while_its_source_is_dark(
    fast: EmbeddedAws, clients_of: Callable[[EmbeddedAws], Callable[..., Any]]
) -> None:
    client = clients_of(fast)
    soon = {"Delay": 0.1, "MaxAttempts": 300}
    us, eu, databases = client("cloudformation", US), client("cloudformation", EU), client("rds", EU)
    us.create_stack(StackName="primary", TemplateBody=PRIMARY)
    us.get_waiter("stack_create_complete").wait(StackName="primary", WaiterConfig=soon)
    source = outputs(us, "primary")["Arn"]
    eu.create_stack(
        StackName="recovery",
        TemplateBody=REPLICA,
        Parameters=[{"ParameterKey": "SourceArn", "ParameterValue": source}],
    )
    eu.get_waiter("stack_create_complete").wait(StackName="recovery", WaiterConfig=soon)
    host = outputs(eu, "recovery")["Host"]
    replica = databases.describe_db_instances(DBInstanceIdentifier="orders-eu")["DBInstances"][0]
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == "arn:aws:rds:us-east-1:123456789012:db:orders-us"
    assert replica["StatusInfos"][0]["Status"] == "replicating"

    fast.faults.dark(US)
    eu.update_stack(
        StackName="recovery",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "SourceArn", "UsePreviousValue": True},
            {"ParameterKey": "Role", "ParameterValue": "standalone"},
        ],
    )
    eu.get_waiter("stack_update_complete").wait(StackName="recovery", WaiterConfig=soon)
    promoted = databases.describe_db_instances(DBInstanceIdentifier="orders-eu")["DBInstances"][0]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in promoted
    assert (promoted["DBInstanceStatus"], promoted["BackupRetentionPeriod"]) == ("available", 7)
    assert promoted["DbiResourceId"] == replica["DbiResourceId"]
    assert outputs(eu, "recovery")["Host"] == host

    eu.delete_stack(StackName="recovery")
    eu.get_waiter("stack_delete_complete").wait(StackName="recovery", WaiterConfig=soon)
    kept = databases.describe_db_snapshots()["DBSnapshots"]
    assert [snapshot["DBInstanceIdentifier"] for snapshot in kept] == ["orders-eu"]
