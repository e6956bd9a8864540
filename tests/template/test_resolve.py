"""What expressions come to, with everything known and with some things unknown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgen.template.resolve import NO_VALUE, Attribute, Either, ResolveError, Resolver, Text, Unknown

TOPIC = Attribute("alerts", "eu-west-1", "Topic", "AWS::SNS::Topic", "TopicArn")


class Names:
    """Parameters are known by name; `Hidden` is a parameter nobody knows."""

    def __init__(self, **known: Any) -> None:
        self.known = {"AWS::Region": "eu-west-1", **known}

    def ref(self, name: str) -> Any:
        if name == "Hidden":
            return Unknown("parameter Hidden")
        if name not in self.known:
            raise ResolveError(f"{name} is not defined")
        return self.known[name]

    def get_att(self, logical_id: str, attribute: str) -> Any:
        return Attribute("alerts", "eu-west-1", logical_id, "AWS::SNS::Topic", attribute)

    def spelled(self, value: Attribute) -> Any:
        return value

    def import_value(self, name: str) -> Any:
        return f"imported {name}"

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Any:
        return f"{stack_name}.{output} in {region}"

    def zones(self, region: str) -> Any:
        return [f"{region}a", f"{region}b"]

    def dynamic_reference(self, text: str) -> Any:
        return text.replace("{{resolve:ssm:/name}}", "found")


def resolver(conditions: dict[str, Any] | None = None, **known: Any) -> Resolver:
    body = {"Conditions": conditions or {}, "Mappings": {"Size": {"prod": {"cpu": 4}}}}
    return Resolver(body, Names(**known))


CASES: list[tuple[Any, Any]] = [
    ({"Ref": "Env"}, "prod"),
    ({"Fn::Sub": "${Env}-${AWS::Region}-${!Literal}"}, "prod-eu-west-1-${Literal}"),
    ({"Fn::Sub": ["${a}/${Env}", {"a": {"Ref": "Env"}}]}, "prod/prod"),
    ({"Fn::Join": ["-", ["a", {"Ref": "Env"}, 1]]}, "a-prod-1"),
    ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
    ({"Fn::FindInMap": ["Size", {"Ref": "Env"}, "cpu"]}, 4),
    ({"Fn::FindInMap": ["Size", "dev", "cpu", {"DefaultValue": 1}]}, 1),
    ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b"]),
    ({"Fn::Base64": "a"}, "YQ=="),
    ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
    ({"Fn::ImportValue": {"Fn::Sub": "${Env}-vpc"}}, "imported prod-vpc"),
    ({"Fn::GetStackOutput": {"StackName": "a", "OutputName": "b", "Region": "us-east-1"}}, "a.b in us-east-1"),
    ({"Fn::ToJsonString": {"a": {"Ref": "Env"}}}, '{"a":"prod"}'),
    ({"Fn::Length": [1, 2, 3]}, 3),
    ("{{resolve:ssm:/name}}", "found"),
    ({"a": [{"Ref": "AWS::NoValue"}, 1], "b": {"Ref": "AWS::NoValue"}}, {"a": [1]}),
]


@pytest.mark.parametrize(("expression", "value"), CASES, ids=[str(case[0])[:40] for case in CASES])
def test_known_expressions_come_to_plain_values(expression: Any, value: Any) -> None:
    assert resolver(Env="prod").value(expression) == value


def test_an_attribute_keeps_its_origin() -> None:
    found = resolver()
    assert found.value({"Fn::GetAtt": ["Topic", "TopicArn"]}) == TOPIC
    assert found.value({"Fn::Sub": "${Topic.TopicArn}"}) == TOPIC
    assert found.value({"Fn::Sub": "${Topic.TopicArn}:*"}) == Text((TOPIC, ":*"))
    assert found.value({"Fn::Sub": "a/${Hidden}/b"}).pattern == "a/*/b"


def test_a_condition_nobody_can_decide_keeps_both_branches() -> None:
    undecided = resolver({"Big": {"Fn::Equals": [{"Ref": "Hidden"}, "yes"]}})
    assert undecided.value({"Fn::If": ["Big", 4, {"Ref": "AWS::NoValue"}]}) == Either("Big", 4, NO_VALUE)


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ({"Fn::Equals": ["a", "a"]}, True),
        ({"Fn::Equals": [{"Ref": "Number"}, "1"]}, True),
        ({"Fn::Not": [{"Condition": "Yes"}]}, False),
        ({"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]}, False),
        ({"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]}, True),
        ({"Fn::Or": [{"Condition": "Maybe"}, {"Condition": "Yes"}]}, True),
        ({"Fn::And": [{"Condition": "Maybe"}, {"Condition": "No"}]}, False),
    ],
)
def test_conditions_are_decided_as_far_as_they_can_be(condition: Any, truth: bool) -> None:
    given_conditions = {
        "Yes": {"Fn::Equals": ["a", "a"]},
        "No": {"Fn::Equals": ["a", "b"]},
        "Maybe": {"Fn::Equals": [{"Ref": "Hidden"}, "b"]},
        "Asked": condition,
    }
    assert resolver(given_conditions, Number=1).condition("Asked") is truth


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"Ref": "Missing"}, "Missing is not defined"),
        ({"Fn::Select": [5, ["a"]]}, "Fn::Select asks for item 5 of a list of 1"),
        ({"Fn::FindInMap": ["Size", "dev", "cpu"]}, "mapping Size has no entry"),
        ({"Fn::Join": ["-"]}, "Fn::Join takes a list of 2 items"),
        ({"Fn::If": ["Unheard", 1, 2]}, "condition Unheard is not defined"),
        ({"Fn::Sub": "${List}"}, "a list or mapping cannot stand in text"),
        ({"Fn::Nothing": 1}, "Fn::Nothing is not a function of CloudFormation"),
    ],
)
def test_what_cloudformation_refuses_is_refused(expression: Any, message: str) -> None:
    with pytest.raises(ResolveError, match=message):
        resolver(List=["a"]).value(expression)


PLAIN = st.text(alphabet="abc-/:", max_size=8)


@given(st.lists(PLAIN, min_size=1, max_size=5), PLAIN)
def test_join_and_sub_agree(items: list[str], delimiter: str) -> None:
    known: dict[str, Any] = {f"P{index}": item for index, item in enumerate(items)}
    joined = resolver(**known).value({"Fn::Join": [delimiter, [{"Ref": name} for name in known]]})
    substituted = resolver(**known).value({"Fn::Sub": delimiter.join("${" + name + "}" for name in known)})
    assert joined == substituted == delimiter.join(items)


@given(
    st.recursive(
        PLAIN | st.booleans() | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    )
)
def test_what_holds_no_expression_stays_as_it_is(value: Any) -> None:
    assert resolver().value(value) == value
