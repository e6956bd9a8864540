"""Templates as values with lines: YAML and JSON, short forms made long."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.template.load import load

TEMPLATE = b"""\
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: IsProd
    Properties:
      TopicName: !Sub "${Name}-alerts"
      Tags:
        - Key: owner
          Value: !If [IsProd, !Ref Owner, !Ref "AWS::NoValue"]
Outputs:
  Arn:
    Value: !GetAtt Topic.TopicArn
  Flat: {Value: !Select [0, !Split [",", a]]}
"""


def test_short_forms_come_out_long() -> None:
    body = load(TEMPLATE, file="t.yaml").body
    properties = body["Resources"]["Topic"]["Properties"]
    assert properties["TopicName"] == {"Fn::Sub": "${Name}-alerts"}
    assert properties["Tags"][0]["Value"] == {"Fn::If": ["IsProd", {"Ref": "Owner"}, {"Ref": "AWS::NoValue"}]}
    assert body["Outputs"]["Arn"]["Value"] == {"Fn::GetAtt": ["Topic", "TopicArn"]}
    assert body["Outputs"]["Flat"]["Value"] == {"Fn::Select": [0, {"Fn::Split": [",", "a"]}]}


def test_dates_stay_text() -> None:
    assert load(TEMPLATE, file="t.yaml").body["AWSTemplateFormatVersion"] == "2010-09-09"


def test_every_part_has_its_line() -> None:
    template = load(TEMPLATE, file="t.yaml")
    assert template.line(("Resources", "Topic")) == 3
    assert template.line(("Resources", "Topic", "Properties", "Tags", 0, "Value")) == 10
    assert template.line(("Resources", "Topic", "Properties", "Missing", "Deeper")) == 6


def test_json_is_read_alike() -> None:
    template = load(b'{\n "Resources": {\n  "Q": {"Type": "AWS::SQS::Queue"}\n }\n}', file="t.json")
    assert template.resources == {"Q": {"Type": "AWS::SQS::Queue"}}
    assert template.line(("Resources", "Q")) == 3


@pytest.mark.parametrize(
    ("data", "line", "problem"),
    [
        (b"Resources:\n  A: [\n", 3, "while parsing a flow node"),
        (b"Resources:\n  A: 1\n  A: 2\n", 3, "key 'A' stands twice in the same mapping"),
        (b"- just\n- a list\n", 1, "the top level is no mapping"),
        (b"", 1, "the top level is no mapping"),
        (b"Resources: \xff\n", 1, "byte 11 is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(data: bytes, line: int, problem: str) -> None:
    with pytest.raises(InputErrors) as caught:
        load(data, file="t.yaml")
    (found,) = caught.value.problems
    assert (found.file, found.line) == ("t.yaml", line)
    assert found.problem.startswith(problem)
