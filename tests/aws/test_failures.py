from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as aws

from drgen.aws.failures import (
    CallFailed,
    CredentialsExpired,
    CredentialsMissing,
    RegionUnreachable,
    SettingsWrong,
    asking,
)
from drgen.aws.session import Session
from drgen.errors import DrgenError


def refusal(code: str, message: str = "no", status: int = 400) -> aws.ClientError:
    metadata: Any = {"HTTPStatusCode": status, "RequestId": "r-1"}
    return aws.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "CreateChangeSet"
    )


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (aws.NoCredentialsError(), CredentialsMissing),
        (aws.UnauthorizedSSOTokenError(), CredentialsExpired),
        (refusal("ExpiredToken"), CredentialsExpired),
        (refusal("ExpiredTokenException"), CredentialsExpired),
        (aws.ConnectTimeoutError(endpoint_url="x"), RegionUnreachable),
        (aws.ReadTimeoutError(endpoint_url="x"), RegionUnreachable),
        (aws.EndpointConnectionError(endpoint_url="x"), RegionUnreachable),
        (refusal("ServiceUnavailable", status=503), RegionUnreachable),
        (refusal("AccessDenied", status=403), CallFailed),
    ],
)
def test_each_failure_becomes_an_error_that_says_where_and_what_to_do(
    raised: Exception, becomes: type[DrgenError]
) -> None:
    with pytest.raises(becomes) as caught, asking("cloudformation.CreateChangeSet", "eu-west-1"):
        raise raised
    assert caught.value.at == "cloudformation.CreateChangeSet in eu-west-1"
    assert caught.value.fix != ""


@pytest.mark.parametrize(
    ("raised", "becomes", "message"),
    [
        (
            aws.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            CredentialsMissing,
            "the AWS credentials from env lack AWS_SECRET_ACCESS_KEY",
        ),
        (
            aws.ProfileNotFound(profile="nope"),
            SettingsWrong,
            "AWS_PROFILE=nope: no configuration file has a profile of this name",
        ),
        (
            aws.ConfigParseError(path="/aws/config"),
            SettingsWrong,
            "/aws/config: the AWS configuration file cannot be read",
        ),
    ],
)
def test_settings_of_this_machine_are_told_apart_from_answers_of_a_region(
    raised: Exception, becomes: type[DrgenError], message: str
) -> None:
    with pytest.raises(becomes) as caught, asking("credentials", "every region"):
        raise raised
    assert str(caught.value).splitlines()[0] == message
    assert caught.value.fix != ""


def test_an_endpoint_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    with pytest.raises(SettingsWrong, match="nowhere") as caught:
        Session().rds("eu-west-1")
    assert caught.value.fix == "correct or unset AWS_ENDPOINT_URL"


def test_a_refused_call_keeps_code_message_and_request() -> None:
    with pytest.raises(CallFailed) as caught, asking("cloudformation.CreateChangeSet", "eu-west-1"):
        raise refusal("AccessDenied", "User is not authorized", status=403)
    assert str(caught.value) == (
        "cloudformation.CreateChangeSet in eu-west-1: User is not authorized (AccessDenied; request r-1)\n"
        "  fix: allow cloudformation:CreateChangeSet to the role or user that deploys"
    )


def test_an_error_that_is_not_of_aws_passes() -> None:
    with pytest.raises(ZeroDivisionError), asking("s3.PutObject", "eu-west-1"):
        raise ZeroDivisionError
