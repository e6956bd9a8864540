"""A global database that stacks made on a running embedded AWS: failed over in the dark, then deployed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from drgen.local.server import EmbeddedAws

US, EU = "us-east-1", "eu-west-1"
SOON = {"Delay": 0.1, "MaxAttempts": 300}

NETWORK = """
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  A:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24, AvailabilityZone: !Select [0, !GetAZs '']}
  B:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, AvailabilityZone: !Select [1, !GetAZs '']}
  Key: {Type: 'AWS::KMS::Key', Properties: {KeyPolicy: {Version: '2012-10-17', Statement: []}}}
  Subnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {DBSubnetGroupName: shop, DBSubnetGroupDescription: Shop, SubnetIds: [!Ref A, !Ref B]}
  Settings:
    Type: AWS::RDS::DBClusterParameterGroup
    Properties:
      DBClusterParameterGroupName: shop
      Description: Shop
      Family: aurora-postgresql16
      Parameters: {log_statement: ddl}
  Instance:
    Type: AWS::RDS::DBInstance
    Properties:
      DBInstanceIdentifier: !Sub 'shop-${AWS::Region}-1'
      DBClusterIdentifier: !Ref Cluster
      Engine: aurora-postgresql
      DBInstanceClass: db.r6g.large
"""

MEMBER = """
      DBClusterIdentifier: !Sub 'shop-${AWS::Region}'
      Engine: aurora-postgresql
      EngineVersion: '16.8'
      DBSubnetGroupName: !Ref Subnets
      DBClusterParameterGroupName: !Ref Settings
      BackupRetentionPeriod: !Ref Days
      StorageEncrypted: true
      KmsKeyId: !GetAtt Key.Arn
"""

PRIMARY = f"""
Parameters: {{Days: {{Type: Number, Default: 7}}}}
Resources:{NETWORK}
  Global:
    Type: AWS::RDS::GlobalCluster
    Properties:
      {{GlobalClusterIdentifier: shop, Engine: aurora-postgresql, EngineVersion: '16.8', StorageEncrypted: true}}
  Cluster:
    Type: AWS::RDS::DBCluster
    DeletionPolicy: Delete
    Properties:{MEMBER.rstrip()}
      GlobalClusterIdentifier: !Ref Global
      MasterUsername: owner
      MasterUserPassword: correct-horse-9
Outputs:
  Writer: {{Value: !GetAtt Global.GlobalEndpoint.Address}}
  Arn: {{Value: !GetAtt Cluster.DBClusterArn}}
  Readers: {{Value: !GetAtt Cluster.ReadEndpoint.Address}}
"""

SECONDARY = f"""
Parameters: {{Days: {{Type: Number, Default: 7}}}}
Resources:{NETWORK}
  Cluster:
    Type: AWS::RDS::DBCluster
    DeletionPolicy: Delete
    Properties:{MEMBER.rstrip()}
      GlobalClusterIdentifier: shop
Outputs:
  Host: {{Value: !GetAtt Cluster.Endpoint.Address}}
  Arn: {{Value: !GetAtt Cluster.DBClusterArn}}
"""


@pytest.fixture
def fast() -> Iterator[EmbeddedAws]:
    with EmbeddedAws.start(speed=20000) as aws:
        yield aws


def outputs(stacks: Any, name: str) -> dict[str, str]:
    found = stacks.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    return {entry["OutputKey"]: entry["OutputValue"] for entry in found}


def change(stacks: Any, name: str, days: int) -> None:
    parameters = [{"ParameterKey": "Days", "ParameterValue": str(days)}]
    stacks.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=parameters)
    stacks.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=SOON)


def delete(stacks: Any, name: str) -> None:
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=SOON)


def writer(databases: Any) -> str:
    members = databases.describe_global_clusters()["GlobalClusters"][0]["GlobalClusterMembers"]
    arn: str = next(one["DBClusterArn"] for one in members if one["IsWriter"])
    return arn


@pytest.mark.embedded
def test_stacks_live_on_in_swapped_roles_after_a_failover_in_the_dark(
    fast: EmbeddedAws, clients_of: Callable[[EmbeddedAws], Callable[..., Any]]
) -> None:
    client = clients_of(fast)
    us, eu, databases = client("cloudformation", US), client("cloudformation", EU), client("rds", EU)
    for stacks, text in ((us, PRIMARY), (eu, SECONDARY)):
        stacks.create_stack(StackName="shop", TemplateBody=text)
        stacks.get_waiter("stack_create_complete").wait(StackName="shop", WaiterConfig=SOON)
    endpoint, target = outputs(us, "shop")["Writer"], outputs(eu, "shop")
    assert writer(databases) == outputs(us, "shop")["Arn"]

    fast.faults.dark(US)
    databases.failover_global_cluster(
        GlobalClusterIdentifier="shop", TargetDbClusterIdentifier=target["Arn"], AllowDataLoss=True
    )
    fast.clock.advance(120)
    assert writer(databases) == target["Arn"]
    assert fast.dns.answer(endpoint).values == (target["Host"],)
    change(eu, "shop", 8)

    fast.faults.light(US)
    fast.clock.advance(60)
    fast.tick()
    fast.clock.advance(3600)
    members = databases.describe_global_clusters()["GlobalClusters"][0]["GlobalClusterMembers"]
    assert {one["SynchronizationStatus"] for one in members} == {"connected"}
    with pytest.raises(ClientError, match="No updates are to be performed"):
        us.update_stack(StackName="shop", TemplateBody=PRIMARY)
    change(us, "shop", 9)

    us.delete_stack(StackName="shop")
    with pytest.raises(WaiterError):
        us.get_waiter("stack_delete_complete").wait(StackName="shop", WaiterConfig=SOON)
    delete(eu, "shop")
    delete(us, "shop")
    assert databases.describe_global_clusters()["GlobalClusters"] == []
