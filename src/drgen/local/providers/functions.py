"""AWS::Lambda: functions, versions, aliases, permissions and asynchronous settings."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.identity import check_trust
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, error_code, retag, settles, tags_of

NOT_ASSUMED = "The role defined for the function cannot be assumed by Lambda."

_S3_ERRORS = {"404": "NoSuchKey", "NoSuchBucket": "NoSuchBucket", "NoSuchKey": "NoSuchKey"}


def _inline_zip(source: str, runtime: str) -> bytes:
    """The archive that CloudFormation makes of inline source: one file named index."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        name = "index.py" if runtime.startswith("python") else "index.js"
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), source)
    return buffer.getvalue()


def _code(work: Work) -> dict[str, Any]:
    code = work.properties["Code"]
    if code.get("ZipFile") is not None:
        return {"ZipFile": _inline_zip(str(code["ZipFile"]), str(work.properties.get("Runtime", "")))}
    if code.get("ImageUri"):
        return {"ImageUri": code["ImageUri"]}
    return {"ZipFile": _from_bucket(work, code)}


def _from_bucket(work: Work, code: Mapping[str, Any]) -> bytes:
    """The object's bytes. The bucket must be in the function's region."""
    client = work.api("s3")
    where = {"Bucket": str(code["S3Bucket"]), "Key": str(code["S3Key"])}
    if code.get("S3ObjectVersion"):
        where["VersionId"] = str(code["S3ObjectVersion"])
    try:
        location = client.get_bucket_location(Bucket=where["Bucket"]).get("LocationConstraint") or "us-east-1"
        if location != work.region:
            raise _not_read(
                "PermanentRedirect",
                f"The bucket is in this region: {location}. Please use this region to retry the request",
            )
        return bytes(client.get_object(**where)["Body"].read())
    except ClientError as error:
        code_ = _S3_ERRORS.get(error_code(error), error_code(error))
        raise _not_read(code_, str(error.response.get("Error", {}).get("Message", ""))) from error


def _not_read(code: str, message: str) -> ResourceFailed:
    text = f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
    return ResourceFailed(text, code="InvalidRequest")


def _check_network(work: Work) -> None:
    network = work.properties.get("VpcConfig") or {}
    client = work.api("ec2")
    if network.get("SubnetIds"):
        client.describe_subnets(SubnetIds=list(network["SubnetIds"]))
    if network.get("SecurityGroupIds"):
        client.describe_security_groups(GroupIds=list(network["SecurityGroupIds"]))


def _make_function(work: Work) -> str:
    check_trust(work, str(work.properties["Role"]), "lambda.amazonaws.com", NOT_ASSUMED)
    _check_network(work)
    name = work.name("FunctionName")
    given = {**work.properties, "Code": _code(work), "Tags": tags_of(work.desired)}
    call(work.api("lambda"), "create_function", given, FunctionName=name)
    _wait_active(work, name)
    return name


def _wait_active(work: Work, name: str) -> None:
    def settled() -> bool:
        found = work.api("lambda").get_function_configuration(FunctionName=name)
        states = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
        return states == ("Active", "Successful")

    if not settles(settled):
        text = f"Resource of type '{work.desired.type}' with identifier '{name}' did not stabilize."
        raise ResourceFailed(text, code="NotStabilized")


# What UpdateFunctionConfiguration takes, with the value that stands for "not in the template any more".
_EMPTY: Mapping[str, Any] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "Handler": None,
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": None,
    "MemorySize": 128,
    "Role": None,
    "Runtime": None,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}


def _change_function(work: Work, name: str) -> None:
    client = work.api("lambda")
    changed = {p: work.properties.get(p, empty) for p, empty in _EMPTY.items() if work.changed(p)}
    if changed:
        check_trust(work, str(work.properties["Role"]), "lambda.amazonaws.com", NOT_ASSUMED)
        _check_network(work)
        call(client, "update_function_configuration", changed, FunctionName=name)
        _wait_active(work, name)
    if work.changed("Code") or work.changed("Architectures"):
        architectures = {"Architectures": work.properties.get("Architectures") or ["x86_64"]}
        call(client, "update_function_code", _code(work), architectures, FunctionName=name)
        _wait_active(work, name)
    retag(work, client, {"Resource": work.arn("lambda", f"function:{name}")})


def _settle_function(work: Work, name: str) -> None:
    client = work.api("lambda")
    reserved = work.properties.get("ReservedConcurrentExecutions")
    if reserved is not None:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(reserved))
    elif work.desired.previous.get("ReservedConcurrentExecutions") is not None:
        client.delete_function_concurrency(FunctionName=name)


def _read_function(work: Work, name: str) -> Mapping[str, Any]:
    found = work.api("lambda").get_function_configuration(FunctionName=name)
    start = found.get("SnapStart") or {}
    return {
        "Arn": found["FunctionArn"],
        "FunctionName": name,
        "SnapStartResponse.ApplyOn": start.get("ApplyOn", "None"),
        "SnapStartResponse.OptimizationStatus": start.get("OptimizationStatus", "Off"),
    }


def _make_permission(work: Work) -> str:
    statement = work.name("Id", limit=100)
    call(work.api("lambda"), "add_permission", work.properties, StatementId=statement)
    return statement


def _remove_permission(work: Work, statement: str) -> None:
    function = str(work.properties["FunctionName"])
    work.api("lambda").remove_permission(FunctionName=function, StatementId=statement)


def _put_invoke(work: Work, _identity: str) -> None:
    call(work.api("lambda"), "put_function_event_invoke_config", work.properties)


def _drop_invoke(work: Work, _identity: str) -> None:
    call(work.api("lambda"), "delete_function_event_invoke_config", work.properties)


def _make_version(work: Work) -> str:
    return str(call(work.api("lambda"), "publish_version", work.properties)["FunctionArn"])


def _remove_version(work: Work, arn: str) -> None:
    function, _, version = arn.rpartition(":")
    work.api("lambda").delete_function(FunctionName=function, Qualifier=version)


def _make_alias(work: Work) -> str:
    return str(call(work.api("lambda"), "create_alias", work.properties)["AliasArn"])


def _change_alias(work: Work, _arn: str) -> None:
    call(work.api("lambda"), "update_alias", work.properties)


def _remove_alias(work: Work, _arn: str) -> None:
    call(work.api("lambda"), "delete_alias", work.properties)


FUNCTION_PROVIDERS: Mapping[str, Provider] = {
    "AWS::Lambda::Function": Resource(
        make=_make_function,
        change=_change_function,
        settle=_settle_function,
        read=_read_function,
        remove=lambda work, name: work.api("lambda").delete_function(FunctionName=name),
    ),
    "AWS::Lambda::Permission": Resource(
        make=_make_permission, read=lambda _, statement: {"Id": statement}, remove=_remove_permission
    ),
    "AWS::Lambda::EventInvokeConfig": Resource(
        make=lambda work: f"{work.properties['FunctionName']}|{work.properties['Qualifier']}",
        settle=_put_invoke,
        remove=_drop_invoke,
    ),
    "AWS::Lambda::Version": Resource(
        make=_make_version,
        read=lambda _, arn: {"Version": arn.rpartition(":")[2], "FunctionArn": arn},
        remove=_remove_version,
    ),
    "AWS::Lambda::Alias": Resource(
        make=_make_alias, change=_change_alias, read=lambda _, arn: {"AliasArn": arn}, remove=_remove_alias
    ),
}
