"""Values between stacks, and the order that follows from them."""

from __future__ import annotations

import pytest
from troposphere import GetAtt, Ref, sns

from drgen.errors import LinkError
from drgen.model.deployment import FromOutput
from drgen.model.stack import StackDraft, in_order
from drgen.model.value import ARN, SUBNET_IDS, VPC_ID


def stack(key: str, region: str, side: str) -> StackDraft:
    return StackDraft(key=key, region=region, stage="s", layer="l", side=side, description="d")


def test_a_value_of_the_stack_itself_is_its_own_expression() -> None:
    here = stack("here", "us-east-1", "Primary")
    value = here.value("TopicArn", Ref("Topic"), ARN, "Topic")
    assert here.use(value) == Ref("Topic")
    assert here.parameters == {}
    assert here.outputs == {}


def test_a_value_of_another_region_becomes_an_output_a_parameter_and_a_binding() -> None:
    there, here = stack("there", "us-east-1", "Primary"), stack("here", "eu-west-1", "Recovery")
    vpc = there.value("VpcId", Ref("Vpc"), VPC_ID, "VPC")
    assert here.use(vpc) == Ref("PrimaryVpcId")
    assert there.template().body["Outputs"] == {"VpcId": {"Description": "VPC", "Value": {"Ref": "Vpc"}}}
    assert here.parameters["PrimaryVpcId"] == {
        "Type": "String",
        "AllowedPattern": "vpc-.+",
        "Description": "VPC (output VpcId of there)",
    }
    assert here.sources == {"PrimaryVpcId": FromOutput("there", "VpcId")}


def test_inside_a_region_cloudformation_checks_the_type_of_the_parameter() -> None:
    there, here = stack("there", "us-east-1", "Primary"), stack("here", "us-east-1", "Primary")
    here.use(there.value("SubnetIds", [Ref("A"), Ref("B")], SUBNET_IDS, "Subnets"))
    assert here.parameters["SubnetIds"]["Type"] == "List<AWS::EC2::Subnet::Id>"
    assert there.template().body["Outputs"]["SubnetIds"]["Value"] == {"Fn::Join": [",", [{"Ref": "A"}, {"Ref": "B"}]]}


def test_a_late_value_is_empty_by_default_and_stands_behind_a_condition() -> None:
    there, here = stack("there", "eu-west-1", "Recovery"), stack("here", "us-east-1", "Primary")
    late = here.use_late(there.value("KeyArn", GetAtt("Key", "Arn"), ARN, "Key"))
    here.add(sns.Topic("Topic", KmsMasterKeyId=here.when_known(late, late.ref)))
    body = here.template().body
    assert body["Parameters"]["RecoveryKeyArn"]["Default"] == ""
    assert body["Conditions"] == {"HasRecoveryKeyArn": {"Fn::Not": [{"Fn::Equals": [{"Ref": "RecoveryKeyArn"}, ""]}]}}
    assert body["Resources"]["Topic"]["Properties"]["KmsMasterKeyId"] == {
        "Fn::If": ["HasRecoveryKeyArn", {"Ref": "RecoveryKeyArn"}, {"Ref": "AWS::NoValue"}]
    }
    assert here.upstream() == ()


def test_two_values_cannot_share_a_parameter() -> None:
    one, two, here = (stack(key, "us-east-1", "Primary") for key in ("one", "two", "here"))
    here.use(one.value("VpcId", Ref("Vpc"), VPC_ID, "VPC"))
    with pytest.raises(LinkError, match="two values want the parameter VpcId"):
        here.use(two.value("VpcId", Ref("Vpc"), VPC_ID, "VPC"))


def test_a_logical_id_is_used_once() -> None:
    here = stack("here", "us-east-1", "Primary")
    here.add(sns.Topic("Topic"))
    with pytest.raises(LinkError, match="two resources called Topic"):
        here.add(sns.Topic("Topic"))


def test_stacks_come_behind_those_they_need() -> None:
    one, two = stack("one", "us-east-1", "Primary"), stack("two", "us-east-1", "Primary")
    one.use(two.value("A", Ref("A"), ARN, "A"))
    assert [draft.key for draft in in_order([one, two])] == ["two", "one"]


def test_a_cycle_is_refused_with_its_path() -> None:
    one, two = stack("one", "us-east-1", "Primary"), stack("two", "us-east-1", "Primary")
    one.use(two.value("A", Ref("A"), ARN, "A"))
    two.use(one.value("B", Ref("B"), ARN, "B"))
    with pytest.raises(LinkError, match="stacks need each other: one -> two -> one"):
        in_order([one, two])


def test_protection_decides_what_outlives_the_stack() -> None:
    for protection, policy, protected in ((True, "RetainExceptOnCreate", ["Topic"]), (False, "Delete", [])):
        here = stack("here", "us-east-1", "Primary")
        here.protection = protection
        here.protect(here.add(sns.Topic("Topic")))
        assert here.template().body["Resources"]["Topic"]["DeletionPolicy"] == policy
        assert here.protected == protected


def test_a_stack_that_is_used_and_not_listed_is_named() -> None:
    one, other = stack("one", "us-east-1", "Primary"), stack("other", "us-east-1", "Primary")
    other.use(one.value("TopicArn", Ref("Topic"), ARN, "Topic"))
    with pytest.raises(LinkError, match="other uses a value of one"):
        in_order([other])
