"""BEHAVIOUR CF10 to CF16 and CF44: templates, parameters, references, exports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cloudformation_world import World, body, database, template, topic


def shown(value: Any, **parameters: Any) -> dict[str, Any]:
    return template({"T": topic()}, Parameters=parameters, Outputs={"V": {"Value": value}})


def given(**values: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def output(stack: dict[str, Any]) -> str:
    return str(stack["Outputs"][0]["OutputValue"])


@pytest.mark.parametrize(
    ("declaration", "values", "message"),
    [
        ({"Type": "String"}, {}, "Parameters: [P] must have values"),
        ({"Type": "String", "Default": "x"}, {"Q": "1"}, "Parameters: [Q] do not exist in the template"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, {"P": "c"}, "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, {"P": "A1"}, "Parameter 'P' must match pattern [a-z]+"),
        ({"Type": "String", "MinLength": 3}, {"P": "ab"}, "Parameter 'P' must contain at least 3 characters"),
        ({"Type": "String", "MaxLength": "3"}, {"P": "abcd"}, "Parameter 'P' must contain at most 3 characters"),
        ({"Type": "Number"}, {"P": "many"}, "Parameter 'P' must be a number"),
        ({"Type": "Number", "MaxValue": 5}, {"P": "6"}, "Parameter 'P' must be a number not greater than 5"),
        ({"Type": "List<Number>", "MinValue": 2}, {"P": "3,1"}, "Parameter 'P' must be a number not less than 2"),
        (
            {"Type": "String", "AllowedPattern": "a+", "ConstraintDescription": "only a"},
            {"P": "b"},
            "Parameter P failed to satisfy constraint: only a",
        ),
    ],
)
def test_a_parameter_must_fit_its_declaration(
    world: World, declaration: dict[str, Any], values: dict[str, str], message: str
) -> None:
    """CF13"""
    request = {"StackName": "app", "TemplateBody": body(shown("v", P=declaration)), "Parameters": given(**values)}
    assert world.refused("CreateStack", **request) == f"ValidationError: {message}"


def test_previous_values_are_kept_only_when_asked_for(world: World) -> None:
    """CF13"""
    wanted = shown(
        {"Fn::Join": ["-", [{"Ref": "A"}, {"Ref": "B"}]]}, A={"Type": "String", "Default": "a"}, B={"Type": "String"}
    )
    world.create(wanted, Parameters=given(A="1", B="2"))
    previous = [{"ParameterKey": "B", "UsePreviousValue": True}]
    assert output(world.update(wanted, Parameters=previous)) == "a-2"
    more = shown("v", C={"Type": "String"})
    refusal = world.refused(
        "UpdateStack",
        StackName="app",
        TemplateBody=body(more),
        Parameters=[{"ParameterKey": "C", "UsePreviousValue": True}],
    )
    assert "Cannot specify usePreviousValue as true for a parameter key not in the previous template" in refusal


def test_a_list_parameter_is_a_list(world: World) -> None:
    wanted = shown({"Fn::Join": ["+", {"Ref": "L"}]}, L={"Type": "CommaDelimitedList", "Default": "a, b"})
    assert output(world.create(wanted)) == "a+b"


def test_a_parameter_is_read_from_ssm(world: World) -> None:
    """CF14"""
    world.answers["ssm", "GetParameter", "/ami"] = {"Parameter": {"Value": "ami-1"}}
    declaration = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/ami"}
    made = world.create(shown({"Ref": "P"}, P=declaration))
    assert (output(made), made["Parameters"][0]["ResolvedValue"]) == ("ami-1", "ami-1")
    world.answers["ssm", "GetParameter", "/ami"] = {"Parameter": {"Value": "ami-2"}}
    assert output(world.update(shown({"Ref": "P"}, P=declaration))) == "ami-2"
    missing = {"StackName": "b", "TemplateBody": body(shown("v", P={**declaration, "Default": "/none"}))}
    assert world.refused("CreateStack", **missing) == (
        "ValidationError: Unable to fetch parameters [/none] from parameter store for this account."
    )


def test_a_secret_reaches_the_handler_and_nobody_else(world: World) -> None:
    """CF15"""
    secret = {"SecretString": json.dumps({"password": "s3cret"})}
    world.answers["secretsmanager", "GetSecretValue", "app/db"] = secret
    reference = {"Fn::Sub": "{{resolve:secretsmanager:${Name}:SecretString:password}}"}
    wanted = template(
        {"Db": database(MasterUserPassword=reference)}, Parameters={"Name": {"Type": "String", "Default": "app/db"}}
    )
    world.create(wanted)
    assert world.databases.seen[0].properties["MasterUserPassword"] == "s3cret"
    assert "s3cret" not in json.dumps(
        [world.service.dump(), world.call("DescribeStackEvents", StackName="app")], default=str
    )
    world.answers["secretsmanager", "GetSecretValue", "app/db"] = {"SecretString": json.dumps({"password": "new"})}
    assert "No updates" in world.refused("UpdateStack", StackName="app", TemplateBody=body(wanted))


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("{{resolve:secretsmanager:none:SecretString:password}}", "none was not found"),
        ("{{resolve:secretsmanager:app/db:SecretString:pin}}", "Could not find a value associated with JSONKey"),
        ("{{resolve:ssm:/none:1}}", "/none:1 was not found"),
    ],
)
def test_a_reference_to_nothing_fails_the_resource(world: World, reference: str, reason: str) -> None:
    """CF15"""
    world.answers["secretsmanager", "GetSecretValue", "app/db"] = {"SecretString": "{}"}
    assert world.create(template({"Db": database(MasterUserPassword=reference)}))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in world.reason("Db CREATE_FAILED")


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            {"T": topic(DisplayName={"Ref": "Nobody"})},
            "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        (
            {"T": topic(DisplayName={"Fn::Sub": "${Nobody.Arn}"})},
            "Template error: instance of Fn::GetAtt references undefined resource Nobody",
        ),
        (
            {"A": topic(DisplayName={"Ref": "B"}), "B": {**topic(), "DependsOn": "A"}, "C": topic()},
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"A": {**topic(), "Condition": "Nowhere"}},
            "Template format error: Unresolved condition dependency Nowhere in the Resources block of the template",
        ),
        ({}, "Template format error: At least one Resources member must be defined."),
    ],
)
def test_a_template_that_cannot_work_is_refused_at_once(world: World, resources: dict[str, Any], message: str) -> None:
    """CF11"""
    refusal = world.refused("CreateStack", StackName="app", TemplateBody=body(template(resources)))
    assert refusal == f"ValidationError: {message}"


def test_a_template_that_is_no_yaml_is_refused_with_its_line(world: World) -> None:
    refusal = world.refused("ValidateTemplate", TemplateBody="Resources:\n  T: [")
    assert refusal.startswith("ValidationError: Template format error: YAML not well-formed. (line 3)")


def test_a_reference_in_the_branch_not_taken_does_not_count(world: World) -> None:
    """CF11"""
    resources = {
        "A": topic(DisplayName={"Fn::If": ["No", {"Ref": "B"}, "alone"]}),
        "B": topic(DisplayName={"Ref": "A"}),
        "C": {**topic(), "Condition": "No"},
    }
    conditions = {"No": {"Fn::Equals": ["a", "b"]}}
    assert world.create(template(resources, Conditions=conditions))["StackStatus"] == "CREATE_COMPLETE"
    assert not any(event.startswith("C ") for event in world.events())


def test_the_body_of_a_template_is_limited(world: World) -> None:
    """CF10"""
    text = body(template({"T": topic()}))
    fits = text + " " * (51_200 - len(text))
    assert "51200" in world.refused("CreateStack", StackName="app", TemplateBody=fits + " ")
    assert world.create(fits)["StackStatus"] == "CREATE_COMPLETE"
    many = template({f"T{n}": topic() for n in range(501)})
    assert "Number of resources, 501" in world.refused("CreateStack", StackName="b", TemplateBody=body(many))


def test_exports_are_unique_and_held_by_their_importers(world: World) -> None:
    """CF44"""

    def producer(value: str, export: str = "net") -> dict[str, Any]:
        return template({"T": topic()}, Outputs={"O": {"Value": value, "Export": {"Name": export}}})

    consumer = template({"T": topic(DisplayName={"Fn::ImportValue": "net"})})
    world.create(producer("v1"), name="producer")
    assert world.create(producer("v2"), name="rival")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Export with name net is already exported by stack producer" in world.reason(
        "rival ROLLBACK_IN_PROGRESS", "rival"
    )
    assert world.refused("ListImports", ExportName="net").endswith("Export 'net' is not imported by any stack.")
    assert world.create(consumer, name="consumer")["StackStatus"] == "CREATE_COMPLETE"
    assert world.call("ListImports", ExportName="net")["Imports"] == ["consumer"]
    assert [item["Value"] for item in world.call("ListExports")["Exports"]] == ["v1"]
    assert world.update(producer("v2"), name="producer")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Export net cannot be updated as it is in use by consumer" in world.reason(
        "producer UPDATE_ROLLBACK_IN_PROGRESS", "producer"
    )
    kept = world.delete("producer")
    assert (kept["StackStatus"], kept["StackStatusReason"]) == (
        "DELETE_FAILED",
        "Export net cannot be deleted as it is in use by consumer",
    )
    world.delete("consumer")
    assert world.delete("producer")["StackStatus"] == "DELETE_COMPLETE"
    missing = world.create(consumer, name="late")
    assert missing["StackStatus"] == "ROLLBACK_COMPLETE"
    assert world.reason("T CREATE_FAILED", "late") == "No export named net found."


def test_an_output_of_another_region_is_asked_for_at_every_update(world: World) -> None:
    """CF16"""
    source = template({"T": topic()}, Outputs={"Arn": {"Value": "arn:one"}})
    world.create(source, name="source", region="us-east-1")
    output_of = {"Fn::GetStackOutput": {"StackName": "source", "OutputName": "Arn", "Region": "us-east-1"}}
    consumer = template({"T": topic(DisplayName=output_of)})
    world.create(consumer)
    change = world.planned(consumer)["Changes"][0]["ResourceChange"]
    assert change["Details"][0]["Target"]["AfterValue"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    assert change["Details"][0]["Evaluation"] == "Dynamic"
    world.call("DeleteStack", StackName="source", region="us-east-1")
    while world.call("DescribeStacks", region="us-east-1")["Stacks"]:
        world.sleep(1)
    world.call("ExecuteChangeSet", StackName="app", ChangeSetName="plan")
    assert world.settled()["StackStatus"] in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
    assert "Stack with id source does not exist" in world.reason("T UPDATE_FAILED")
