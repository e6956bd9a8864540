"""An HTTP API of one region: routes to functions, access logs, limits, and its public name where it has one.

Source: API Gateway Developer Guide, "Work with HTTP APIs", "Set up custom domain names for HTTP APIs", "Monitor
CloudWatch metrics for HTTP APIs".
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, Sub, apigatewayv2, awslambda

from drgen.builders.alarms import alarm
from drgen.builders.app_functions import AppFunction
from drgen.builders.logs import log_group
from drgen.builders.scanners import API_AUTHORIZATION, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import HOST, TEXT, Value

HEALTH = "GET /health"
OPEN_HEALTH = "Route 53 asks for it, and signs nothing; the answer says no more than whether the region is well."
OPEN_ROUTE = "The workload file leaves it open: api.routes."
HEALTH_RATE = 50
"""Requests per second that GET /health takes. Route 53 asks from several regions, each every ten seconds."""

LOG_FORMAT = json.dumps(
    {
        "requestId": "$context.requestId",
        "time": "$context.requestTime",
        "ip": "$context.identity.sourceIp",
        "caller": "$context.identity.userArn",
        "route": "$context.routeKey",
        "status": "$context.status",
        "bytes": "$context.responseLength",
        "latencyMs": "$context.responseLatency",
        "error": "$context.integrationErrorMessage",
    }
)
"""Source: API Gateway Developer Guide, "Customize HTTP API access logs"."""


@dataclass(frozen=True)
class Endpoint:
    """A route and the function that answers it; `title` begins its logical ids."""

    title: str
    key: str
    function: AppFunction
    authorization: str


@dataclass(frozen=True)
class Domain:
    """The public name of the API in every region, and this region's certificate."""

    name: str
    certificate: str


@dataclass(frozen=True)
class Limits:
    """Requests per second, and at once."""

    rate: int
    burst: int


@dataclass(frozen=True)
class HttpApi:
    """`endpoint` is its URL; `host` is where Route 53 asks for the region's health, `target` what the public name
    points at."""

    region: str
    endpoint: Value
    host: Value
    target: Value | None


def http_api(
    stack: StackDraft,
    names: Names,
    *,
    endpoints: Sequence[Endpoint],
    limits: Limits,
    origins: Sequence[str],
    headers: Sequence[str],
    logs_key: Value,
    log_days: int,
    topic: Value,
    domain: Domain | None,
) -> HttpApi:
    """The API with its default stage. `origins` are the web pages that may call it."""
    api = apigatewayv2.Api("Api", Name=names.regional("api"), ProtocolType="HTTP", DisableExecuteApiEndpoint=False)
    if origins:
        api.CorsConfiguration = apigatewayv2.Cors(
            AllowOrigins=list(origins),
            AllowHeaders=list(headers),
            AllowMethods=sorted({endpoint.key.split(" ")[0] for endpoint in endpoints}),
        )
    stack.add(api, why="Its own endpoint stays open: Route 53 asks each region for its health there.")
    for function in {endpoint.function.name: endpoint.function for endpoint in endpoints}.values():
        _integration(stack, api, function)
    for endpoint in endpoints:
        _route(stack, api, endpoint)
    stage = _stage(stack, names, api, limits, key=logs_key, days=log_days)
    _alarm(stack, names, api, topic=topic)
    own = stack.value("ApiEndpoint", GetAtt(api, "ApiEndpoint"), TEXT, f"The API in {stack.region}")
    stack.output(own)
    host = Sub("${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}")
    return HttpApi(
        region=stack.region,
        endpoint=own,
        host=stack.value("ApiHost", host, HOST, f"Host name of the API in {stack.region}"),
        target=_domain(stack, api, stage, domain) if domain is not None else None,
    )


def _integration(stack: StackDraft, api: Any, function: AppFunction) -> None:
    """One per function. It waits a second longer than the function may take, so that the function's own end is seen."""
    integration = apigatewayv2.Integration(
        f"{function.title}Integration",
        ApiId=Ref(api),
        IntegrationType="AWS_PROXY",
        IntegrationUri=function.arn,
        PayloadFormatVersion="2.0",
        TimeoutInMillis=(function.timeout_s + 1) * 1000,
    )
    stack.add(integration)


def _route(stack: StackDraft, api: Any, endpoint: Endpoint) -> None:
    route = apigatewayv2.Route(
        f"{endpoint.title}Route",
        ApiId=Ref(api),
        RouteKey=endpoint.key,
        AuthorizationType=endpoint.authorization,
        Target=Sub(f"integrations/${{{endpoint.function.title}Integration}}"),
    )
    if endpoint.authorization == "NONE":
        route.Metadata = accepted({API_AUTHORIZATION: OPEN_HEALTH if endpoint.key == HEALTH else OPEN_ROUTE})
    stack.add(route)
    method, path = endpoint.key.split(" ", 1)
    where = re.sub(r"\{[^}]*\}", "*", path)
    permission = awslambda.Permission(
        f"{endpoint.title}Permission",
        Action="lambda:InvokeFunction",
        FunctionName=endpoint.function.ref,
        Principal="apigateway.amazonaws.com",
        SourceArn=Sub(
            f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/*/{method}{where}"
        ),
    )
    stack.add(permission)


def _stage(stack: StackDraft, names: Names, api: Any, limits: Limits, *, key: Value, days: int) -> Any:
    name = names.log_group("aws", "vendedlogs", "apis", names.regional("api"))
    logs = log_group(stack, "ApiLogs", name=name, key=key, days=days)
    stage = apigatewayv2.Stage(
        "ApiStage",
        ApiId=Ref(api),
        StageName="$default",
        AutoDeploy=True,
        AccessLogSettings=apigatewayv2.AccessLogSettings(DestinationArn=GetAtt(logs, "Arn"), Format=LOG_FORMAT),
        DefaultRouteSettings=apigatewayv2.RouteSettings(
            DetailedMetricsEnabled=True, ThrottlingRateLimit=limits.rate, ThrottlingBurstLimit=limits.burst
        ),
        RouteSettings={HEALTH: {"ThrottlingRateLimit": HEALTH_RATE, "ThrottlingBurstLimit": 2 * HEALTH_RATE}},
        DependsOn="HealthRoute",
    )
    why = "GET /health has a limit of its own: callers who use up the API's must not make the region look dead."
    return stack.add(stage, why=why)


def _alarm(stack: StackDraft, names: Names, api: Any, *, topic: Value) -> None:
    alarm(
        stack,
        "ApiErrorsAlarm",
        name=names.regional("api-errors"),
        description="More than 5 % of the API's answers are server errors",
        namespace="AWS/ApiGateway",
        metric="5xx",
        dimensions={"ApiId": Ref(api)},
        statistic="Average",
        threshold=0.05,
        topic=topic,
    )


def _domain(stack: StackDraft, api: Any, stage: Any, domain: Domain) -> Value:
    """The name in this region. Every region has it, so that an answer of DNS may point at any of them."""
    name = apigatewayv2.DomainName(
        "ApiDomain",
        DomainName=domain.name,
        DomainNameConfigurations=[
            apigatewayv2.DomainNameConfiguration(
                CertificateArn=domain.certificate, EndpointType="REGIONAL", SecurityPolicy="TLS_1_2"
            )
        ],
    )
    stack.add(name)
    mapping = apigatewayv2.ApiMapping("ApiDomainMapping", ApiId=Ref(api), DomainName=Ref(name), Stage=Ref(stage))
    stack.add(mapping)
    target = GetAtt(name, "RegionalDomainName")
    return stack.value("ApiDomainTarget", target, HOST, f"What {domain.name} points at in {stack.region}")
