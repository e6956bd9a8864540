"""botocore's service models, found from what a request shows of itself.

A request names its service by the *signing* name in its credential scope. Several botocore services may share one
(`rds` is also docdb and neptune), and some have another one than botocore's name for them (`monitoring` is cloudwatch).
Source: `signingName` and `endpointPrefix` in the metadata of botocore's service models.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from drgen.local.wire.message import Request

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel
    from botocore.session import Session

BY_SIGNING_NAME = {
    "access-analyzer": "accessanalyzer",
    "airflow": "mwaa",
    "aoss": "opensearchserverless",
    "aps": "amp",
    "cassandra": "keyspaces",
    "cloudcontrolapi": "cloudcontrol",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "es": "opensearch",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}

GLOBAL_SERVICES = {
    "account": "us-east-1",
    "budgets": "us-east-1",
    "ce": "us-east-1",
    "cloudfront": "us-east-1",
    "health": "us-east-1",
    "iam": "us-east-1",
    "networkmanager": "us-west-2",
    "organizations": "us-east-1",
    "route53": "us-east-1",
    "savingsplans": "us-east-1",
    "shield": "us-east-1",
    "waf": "us-east-1",
}
"""Where a global service has its control plane. Source: botocore's endpoints.json, services not regionalized."""


def bare_session() -> Session:
    """A new botocore session that reads no file and no profile of the person who runs it."""
    import os

    from botocore.session import Session

    return Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )


@cache
def _models() -> Session:
    # A session of its own: making an S3 client takes the bucket out of the paths of the model that its session holds.
    return bare_session()


@cache
def service_names() -> frozenset[str]:
    return frozenset(_models().get_available_services())


def service_name(word: str) -> str:
    """botocore's name of a service for its signing name, or for that name itself."""
    name = word.lower()
    return BY_SIGNING_NAME.get(name, name)


@cache
def region_names() -> tuple[str, ...]:
    """Every region of the partition aws that botocore knows."""
    regions = _models().get_component("data_loader").load_data("partitions")["partitions"]
    return tuple(sorted(name for part in regions if part["id"] == "aws" for name in part["regions"] if "-" in name))


@cache
def model(service: str) -> ServiceModel | None:
    """The model of a service by botocore's name; None for a service that botocore does not know."""
    if service not in service_names():
        return None
    return _models().get_service_model(service)


def service_of(signing_name: str, request: Request) -> str:
    """botocore's name of the service that a request signed for `signing_name` means."""
    target = request.headers.get("x-amz-target", "")
    if target.startswith("DynamoDBStreams_"):
        return "dynamodbstreams"
    if signing_name == "elasticloadbalancing" and request.form.get("Version") == "2012-06-01":
        return "elb"
    if signing_name == "ses" and request.path.startswith("/v2/"):
        return "sesv2"
    if signing_name == "apigateway" and request.path.startswith("/v2/"):
        return "apigatewayv2"
    if signing_name == "s3" and request.path.startswith("/v20180820/"):
        return "s3control"
    return service_name(signing_name)


def operation_of(service: str, request: Request) -> str:
    """The operation's name; "" when the request shows none that the service has."""
    target = request.headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if found := re.fullmatch(r"/service/[^/]+/operation/([A-Za-z0-9]+)", request.path):
        return found[1]
    service_model = model(service)
    if service_model is not None and service_model.protocol in ("rest-json", "rest-xml"):
        return _rest_operation(service, request)
    return request.form.get("Action", "")


def _rest_operation(service: str, request: Request) -> str:
    path = request.path
    host = request.headers.get("host", "")
    if service == "s3" and (bucket := re.match(r"(?P<name>[^:/]+)\.(?:s3[^:]*\.)?localhost(?::|$)", host)):
        path = f"/{bucket['name']}{path}"
    best, name = -1, ""
    for route in _routes(service):
        score = route.score(request, path)
        if score > best:
            best, name = score, route.operation
    return name


class Route:
    """One operation's place in a REST service: its method, its path and what else must be there."""

    def __init__(self, operation: OperationModel) -> None:
        self.operation: str = operation.name
        self.method: str = operation.http["method"]
        path, _, query = operation.http["requestUri"].partition("?")
        self.literals = dict(part.partition("=")[::2] for part in query.split("&") if part)
        self.pattern = re.compile(path_pattern(path))
        self.fixed = len(re.sub(r"\{[^}]*\}", "", path))
        self.query, self.headers = _required(operation)

    def score(self, request: Request, path: str) -> int:
        """How much of the request the route explains; -1 when it does not fit."""
        if request.method != self.method or not self.pattern.fullmatch(path):
            return -1
        query = request.query
        if any(name not in query or (value and query[name] != value) for name, value in self.literals.items()):
            return -1
        if any(name not in query for name in self.query) or any(name not in request.headers for name in self.headers):
            return -1
        return self.fixed + 100 * (len(self.literals) + len(self.query) + len(self.headers))


def _required(operation: OperationModel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    query, headers = [], []
    shape: Any = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        place = shape.members[name].serialization
        if place.get("location") == "querystring":
            query.append(place["name"])
        elif place.get("location") == "header":
            headers.append(place["name"].lower())
    return tuple(query), tuple(headers)


def path_pattern(path: str) -> str:
    """A regular expression with one group per label; `{Key+}` takes slashes, and may be absent at the end."""
    pattern = ""
    for piece in re.split(r"(\{[^}]*\})", path.rstrip("/") or "/"):
        if piece.startswith("{"):
            group = re.sub(r"\W", "_", piece.strip("{+}"))
            pattern += f"(?P<{group}>.+)" if piece.endswith("+}") else f"(?P<{group}>[^/]+)"
        else:
            pattern += re.escape(piece)
    return pattern + "/?" if path != "/" else "/"


@cache
def _routes(service: str) -> tuple[Route, ...]:
    service_model = model(service)
    assert service_model is not None
    return tuple(Route(service_model.operation_model(name)) for name in service_model.operation_names)
