"""The registry schemas, as read from cfn-lint's bundle."""

from __future__ import annotations

import subprocess
import sys

import pytest

from drgen.template.schema import known_types, schema_for


def messages(type_name: str, properties: dict[str, object]) -> list[str]:
    schema = schema_for(type_name, "eu-west-1")
    assert schema is not None
    return [str(problem) for problem in schema.validate(properties)]


def test_what_may_change_in_place_is_known() -> None:
    database = schema_for("AWS::RDS::DBInstance", "eu-west-1")
    assert database is not None
    assert ("KmsKeyId",) in database.create_only
    assert ("SourceRegion",) in database.create_only
    assert ("SourceDBInstanceIdentifier",) in database.conditional_create_only
    assert ("SourceDBInstanceIdentifier",) in database.write_only
    assert ("Endpoint", "Address") in database.read_only
    assert database.primary_identifier == (("DBInstanceIdentifier",),)
    assert database.tag_property == "Tags"


def test_a_type_that_the_region_does_not_have_has_no_schema() -> None:
    assert schema_for("AWS::EC2::Nonsense", "eu-west-1") is None
    assert schema_for("AWS::EC2::VPC", "moon-north-1") is None
    assert schema_for("AWS::EC2::VPC", "../resources") is None
    assert len(known_types("eu-west-1")) > 1000


def test_a_nested_part_is_found_through_references() -> None:
    function = schema_for("AWS::Lambda::Function", "eu-west-1")
    assert function is not None
    assert function.at(("VpcConfig", "SubnetIds", "*"))["type"] == "string"
    assert function.at(("VpcConfig", "Nonsense")) == {}


def test_every_attribute_of_every_type_can_be_read() -> None:
    attributes = 0
    for name in known_types("us-east-1"):
        schema = schema_for(name, "us-east-1")
        assert schema is not None
        attributes += len(list(schema.attributes()))
    assert attributes > 5000


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "#: required key [ServiceToken] not found"),
        ({"ServiceToken": "t", "Nonsense": 1}, ""),
    ],
)
def test_a_type_may_allow_keys_of_any_name(properties: dict[str, object], message: str) -> None:
    assert messages("AWS::CloudFormation::CustomResource", properties) == ([message] if message else [])


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"TopicNam": "a"}, "#: extraneous key [TopicNam] is not permitted"),
        ({"FifoTopic": "yes"}, "#/FifoTopic: expected type: Boolean, found: String"),
        ({"Subscription": {}}, "#/Subscription: expected type: JSONArray, found: JSONObject"),
        ({"Subscription": [{"Protocol": "sqs"}]}, "#/Subscription/0: required key [Endpoint] not found"),
    ],
)
def test_a_problem_is_worded_as_cloudformation_words_it(properties: dict[str, object], message: str) -> None:
    assert messages("AWS::SNS::Topic", properties) == [message]


def test_limits_of_values_are_checked() -> None:
    found = messages("AWS::Logs::LogGroup", {"LogGroupName": "a b", "RetentionInDays": 4, "LogGroupClass": "COLD"})
    assert found == [
        "#/LogGroupName: failed validation constraint for keyword [pattern]",
        "#/RetentionInDays: 4 is not a valid enum value",
        "#/LogGroupClass: COLD is not a valid enum value",
    ]


def test_text_stands_for_numbers_and_booleans() -> None:
    assert messages("AWS::SNS::Topic", {"FifoTopic": "true"}) == []
    assert messages("AWS::Logs::LogGroup", {"RetentionInDays": "7"}) == []
    assert messages("AWS::RDS::DBInstance", {"AllocatedStorage": 100, "Port": 5432}) == []


def test_reading_a_schema_does_not_load_cfn_lint() -> None:
    program = (
        "import sys; from drgen.template.schema import schema_for; "
        "assert schema_for('AWS::EC2::VPC', 'us-east-1'); print('cfnlint' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
