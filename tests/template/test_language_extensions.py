"""What AWS::LanguageExtensions makes of a template."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from drgen.template.extensions import Gap, processed
from drgen.template.load import Template, load
from drgen.template.resolve import ResolveError, Resolver, Unknown


class Given:
    """Parameters only; `Later` is one that nobody knows yet."""

    known: Mapping[str, Any] = MappingProxyType(
        {"Names": ["orders", "pay-ments"], "Keep": "Retain", "AWS::Region": "eu-west-1"}
    )

    def ref(self, name: str) -> Any:
        if name == "Later":
            return Unknown("parameter Later")
        if name not in self.known:
            raise ResolveError(f"{name} is no parameter")
        return self.known[name]

    def get_att(self, logical_id: str, attribute: str) -> Any:
        raise ResolveError("too early")

    def import_value(self, name: str) -> Any:
        raise ResolveError("too early")

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Any:
        raise ResolveError("too early")

    def zones(self, region: str) -> Any:
        return [f"{region}a", f"{region}b"]

    def spelled(self, value: Any) -> Any:
        return value

    def dynamic_reference(self, text: str) -> Any:
        return text


def made(text: str) -> tuple[Template, tuple[Gap, ...]]:
    template = load(("Transform: AWS::LanguageExtensions\n" + textwrap.dedent(text)).encode(), file="t.yaml")
    return processed(template, Resolver(template.body, Given()).value)


def test_loop_makes_a_resource_for_each_value_of_its_collection() -> None:
    found, gaps = made("""\
        Resources:
          Fn::ForEach::Topics:
            - Name
            - !Ref Names
            - Topic&{Name}:
                Type: AWS::SNS::Topic
                Properties:
                  TopicName: !Sub "${Name}-${AWS::Region}-${!Name}"
                  DisplayName: !Ref Name
                  KmsMasterKeyId: !GetAtt "Key&{Name}.Arn"
        """)
    assert gaps == ()
    assert found.body["Resources"] == {
        "Topicorders": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "TopicName": {"Fn::Sub": "orders-${AWS::Region}-${!Name}"},
                "DisplayName": "orders",
                "KmsMasterKeyId": {"Fn::GetAtt": ["Keyorders", "Arn"]},
            },
        },
        "Topicpayments": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "TopicName": {"Fn::Sub": "pay-ments-${AWS::Region}-${!Name}"},
                "DisplayName": "pay-ments",
                "KmsMasterKeyId": {"Fn::GetAtt": ["Keypayments", "Arn"]},
            },
        },
    }
    assert found.line(("Resources", "Topicpayments", "Properties", "DisplayName")) == 10


def test_loops_stand_in_properties_conditions_outputs_and_in_each_other() -> None:
    found, gaps = made("""\
        Mappings: {Ports: {web: {list: ["80", "443"]}}}
        Conditions:
          Fn::ForEach::Each: [Stage, [prod], {"Is${Stage}": !Equals [!Ref Keep, !Ref Stage]}]
        Resources:
          Group:
            Type: AWS::EC2::SecurityGroup
            Properties:
              Fn::ForEach::Settings: [Setting, [GroupName, GroupDescription], {"${Setting}": !Ref Setting}]
              VpcId: vpc-1
          Fn::ForEach::Kinds:
            - Kind
            - [web]
            - Fn::ForEach::Ports:
                - Port
                - !FindInMap [Ports, !Ref Kind, list]
                - "Rule${Kind}${Port}": {Type: "AWS::EC2::SecurityGroupIngress", DependsOn: ["Is${Kind}"]}
        Outputs:
          Fn::ForEach::Ids: [Id, [Group], {"${Id}Id": {Value: !GetAtt "${Id}.GroupId"}}]
        """)
    assert gaps == ()
    assert found.body["Conditions"] == {"Isprod": {"Fn::Equals": [{"Ref": "Keep"}, "prod"]}}
    assert found.body["Resources"]["Group"]["Properties"] == {
        "GroupName": "GroupName",
        "GroupDescription": "GroupDescription",
        "VpcId": "vpc-1",
    }
    assert list(found.body["Resources"]) == ["Group", "Ruleweb80", "Ruleweb443"]
    assert found.body["Resources"]["Ruleweb443"]["DependsOn"] == ["Isweb"]
    assert found.body["Outputs"] == {"GroupId": {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}}}


@pytest.mark.parametrize(
    ("loop", "reason"),
    [
        ("[N, !Ref Later, {'A${N}': {Type: T}}]", "the collection of the loop is not known: parameter Later"),
        ("[N, !Ref Topic, {'A${N}': {Type: T}}]", "the collection of the loop is not known: Topic is no parameter"),
        ("[N, [a]]", "Fn::ForEach takes an identifier, a collection and a mapping"),
        ("[N, plain, {'A${N}': {Type: T}}]", "the collection of the loop is not known: it is 'plain'"),
    ],
)
def test_loop_that_cannot_be_unrolled_is_a_gap(loop: str, reason: str) -> None:
    found, gaps = made(f"Resources:\n  Topic: {{Type: AWS::SNS::Topic}}\n  Fn::ForEach::L: {loop}\n")
    assert list(found.body["Resources"]) == ["Topic"]
    assert gaps == (Gap(("Resources", "Fn::ForEach::L"), reason),)


def test_two_loops_that_make_the_same_resource_are_a_gap() -> None:
    _, gaps = made("Resources:\n  Fn::ForEach::L: [N, [a, a], {'T${N}': {Type: T}}]\n")
    assert [gap.reason for gap in gaps] == ["Ta is made twice"]


def test_policies_become_text() -> None:
    found, gaps = made("""\
        Resources:
          A: {Type: "AWS::SNS::Topic", DeletionPolicy: !Ref Keep, UpdateReplacePolicy: !Ref Later}
        """)
    assert found.body["Resources"]["A"]["DeletionPolicy"] == "Retain"
    assert gaps == (Gap(("Resources", "A", "UpdateReplacePolicy"), "parameter Later"),)


def test_template_without_the_transform_stays_as_it_is() -> None:
    template = load(b"Resources: {'Fn::ForEach::L': [N, [a], {'T${N}': {Type: T}}]}", file="t.yaml")
    assert processed(template, Resolver(template.body, Given()).value) == (template, ())
