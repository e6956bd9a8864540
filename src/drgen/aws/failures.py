"""What can go wrong when AWS is asked, in drgen's errors: each keeps code, operation, region and request id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drgen.errors import DrgenError, UsageError


class CredentialsMissing(DrgenError):
    """There are no credentials, or not all parts of them."""


class CredentialsExpired(DrgenError):
    """The credentials were good once. What AWS was asked to do goes on without them."""


class SettingsWrong(UsageError):
    """The AWS settings of this machine cannot be used: profile, configuration file or endpoint."""


class RegionUnreachable(DrgenError):
    """The region gave no answer, or only that it cannot answer."""

    def __init__(self, region: str, operation: str, detail: str) -> None:
        super().__init__(
            f"{region} does not answer ({detail})",
            at=f"{operation} in {region}",
            fix=f"look at the health of {region} and at your network; only `drgen deploy --region` can leave it out",
        )
        self.region = region


class CallFailed(DrgenError):
    """AWS said no. `code` and `message` are AWS's own."""

    def __init__(self, code: str, message: str, *, operation: str, region: str, request_id: str) -> None:
        request = f"; request {request_id}" if request_id else ""
        super().__init__(f"{message} ({code}{request})", at=f"{operation} in {region}", fix=_fix(code, operation))
        self.code = code
        self.message = message


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
SIGN_IN_FIRST = "set AWS_PROFILE, or sign in; for the embedded AWS, `drgen local env` prints what to set"
_SIGN_IN = "sign in again (for example `aws sso login`), then run the same command"


def _fix(code: str, operation: str) -> str:
    if code in _UNKNOWN:
        return "check the access key, its secret and the clock of this machine; `aws sts get-caller-identity` tells"
    if code in _DENIED:
        action = operation.replace(".", ":", 1)
        return f"allow {action} to the role or user that deploys"
    if code.startswith(("Throttl", "RequestLimit", "TooManyRequests")):
        return "run the same command again; the service asked for fewer calls"
    return "correct what the message names, then run the same command again"


@contextmanager
def asking(operation: str, region: str) -> Iterator[None]:
    """Turns botocore's errors inside the block into drgen's. `operation` reads `service.Operation`."""
    from botocore import exceptions as aws

    try:
        yield
    except aws.ClientError as error:
        raise _refusal(error, operation, region) from error
    except aws.ProfileNotFound as error:
        raise SettingsWrong(
            "no configuration file has a profile of this name",
            at=f"AWS_PROFILE={error.kwargs['profile']}",
            fix="choose one of those that `aws configure list-profiles` prints",
        ) from error
    except (aws.ConfigNotFound, aws.ConfigParseError) as error:
        raise SettingsWrong(
            "the AWS configuration file cannot be read",
            at=str(error.kwargs["path"]),
            fix="correct the file, or let AWS_CONFIG_FILE name another one",
        ) from error
    except aws.PartialCredentialsError as error:
        raise CredentialsMissing(
            f"the AWS credentials from {error.kwargs['provider']} lack {error.kwargs['cred_var']}", fix=SIGN_IN_FIRST
        ) from error
    except (aws.NoCredentialsError, aws.CredentialRetrievalError) as error:
        raise CredentialsMissing(
            "there are no AWS credentials", at=f"{operation} in {region}", fix=SIGN_IN_FIRST
        ) from error
    except (aws.TokenRetrievalError, aws.UnauthorizedSSOTokenError, aws.SSOTokenLoadError) as error:
        raise CredentialsExpired("the AWS sign-in has expired", at=f"{operation} in {region}", fix=_SIGN_IN) from error
    except (aws.HTTPClientError, aws.ConnectionError) as error:
        raise RegionUnreachable(region, operation, type(error).__name__) from error


def _refusal(error: Exception, operation: str, region: str) -> DrgenError:
    response = getattr(error, "response", {})
    details = response.get("Error", {})
    metadata = response.get("ResponseMetadata", {})
    code, message = str(details.get("Code", "")), str(details.get("Message", error))
    if code in _EXPIRED:
        return CredentialsExpired("the AWS credentials have expired", at=f"{operation} in {region}", fix=_SIGN_IN)
    if int(metadata.get("HTTPStatusCode", 0)) >= 500:
        return RegionUnreachable(region, operation, code)
    request_id = str(metadata.get("RequestId", ""))
    return CallFailed(code, message, operation=operation, region=region, request_id=request_id)
