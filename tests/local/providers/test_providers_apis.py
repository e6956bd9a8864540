"""HTTP APIs: what is refused, where they answer, and how they change. Paragraphs P55 to P57 of BEHAVIOUR.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest

from drgen.local.providers.provider import ResourceFailed
from drgen.local.server import EmbeddedAws

Fails = Callable[..., ResourceFailed]
SAY = 'def handler(event, context):\n    return {"statusCode": 200, "body": event["routeKey"]}\n'
REGION = "us-west-2"


def api(stacks: Any) -> Any:
    return stacks.make("AWS::ApiGatewayV2::Api", {"Name": "api", "ProtocolType": "HTTP"}, region=REGION)


def answered(stacks: Any, name: str) -> tuple[Any, Any]:
    """An API with a function behind an integration."""
    made = api(stacks)
    function = stacks.make(
        "AWS::Lambda::Function",
        {
            "FunctionName": f"{name}-{stacks.unique}",
            "Role": stacks.role("lambda.amazonaws.com"),
            "Code": {"ZipFile": SAY},
            "Handler": "index.handler",
            "Runtime": "python3.13",
        },
        region=REGION,
    )
    integration = {
        "ApiId": made.id,
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": function.attributes["Arn"],
        "PayloadFormatVersion": "2.0",
        "TimeoutInMillis": "11000",
    }
    return made, stacks.make("AWS::ApiGatewayV2::Integration", integration, region=REGION)


def route(stacks: Any, made: Any, key: str, integration: str, **more: Any) -> Any:
    wanted = {"ApiId": made.id, "RouteKey": key, "Target": f"integrations/{integration}", **more}
    return stacks.make("AWS::ApiGatewayV2::Route", wanted, region=REGION)


def stage(made: Any, **more: Any) -> dict[str, Any]:
    return {"ApiId": made.id, "StageName": "$default", "AutoDeploy": True, **more}


def get(url: str) -> tuple[int, bytes]:
    where = urlsplit(url)
    connection = HTTPConnection(str(where.hostname), where.port, timeout=20)
    connection.request("GET", where.path)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_an_api_answers_at_its_endpoint_until_its_region_is_dark(stacks: Any, aws: EmbeddedAws) -> None:
    made, integration = answered(stacks, "say")
    for key in ("GET /health", "GET /things/{id}"):
        route(stacks, made, key, integration.id)
    stacks.make("AWS::ApiGatewayV2::Stage", stage(made), region=REGION)
    endpoint = made.attributes["ApiEndpoint"]
    assert endpoint == f"{aws.endpoint}/_execute-api/{REGION}/{made.id}"
    assert get(f"{endpoint}/health") == (200, b"GET /health")
    assert get(f"{endpoint}/things/7") == (200, b"GET /things/{id}")
    assert get(f"{endpoint}/nothing")[0] == 404
    aws.faults.dark(REGION)
    with pytest.raises(RemoteDisconnected):
        get(f"{endpoint}/health")


def test_a_route_that_wants_a_signature_gets_one_or_refuses(stacks: Any) -> None:
    made, integration = answered(stacks, "signed")
    route(stacks, made, "GET /secret", integration.id, AuthorizationType="AWS_IAM")
    stacks.make("AWS::ApiGatewayV2::Stage", stage(made), region=REGION)
    status, body = get(f"{made.attributes['ApiEndpoint']}/secret")
    assert (status, json.loads(body)) == (403, {"message": "Forbidden"})


def test_a_route_key_is_taken_once(stacks: Any, fails: Fails) -> None:
    made, integration = answered(stacks, "twice")
    route(stacks, made, "GET /a", integration.id)
    assert fails(route, stacks, made, "GET /a", integration.id).code == "AlreadyExists"


def test_a_route_needs_its_integration(stacks: Any, fails: Fails) -> None:
    assert fails(route, stacks, api(stacks), "GET /a", "00000000").code == "NotFound"


def test_settings_of_a_stage_name_routes_that_exist(stacks: Any, fails: Fails) -> None:
    wanted = stage(api(stacks), RouteSettings={"GET /gone": {"ThrottlingRateLimit": 5}})
    failure = fails(stacks.make, "AWS::ApiGatewayV2::Stage", wanted, region=REGION)
    assert failure.message == "Unable to find Route by key GET /gone within the provided RouteSettings"


def test_what_a_template_no_longer_says_is_gone(stacks: Any) -> None:
    client = stacks.client("apigatewayv2", REGION)
    plain = {"Name": "api", "ProtocolType": "HTTP"}
    made = stacks.make(
        "AWS::ApiGatewayV2::Api",
        {**plain, "CorsConfiguration": {"AllowOrigins": ["https://shop.example.com"]}},
        region=REGION,
    )
    limits = {"DefaultRouteSettings": {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 5}}
    default = stacks.make("AWS::ApiGatewayV2::Stage", stage(made, **limits), region=REGION)
    assert client.get_stage(ApiId=made.id, StageName="$default")["DefaultRouteSettings"]["ThrottlingRateLimit"] == 5.0
    stacks.change(made, plain)
    stacks.change(default, stage(made))
    assert "CorsConfiguration" not in client.get_api(ApiId=made.id)
    assert client.get_stage(ApiId=made.id, StageName="$default").get("DefaultRouteSettings", {}) == {}


def test_a_domain_name_takes_a_certificate_of_its_region(stacks: Any, fails: Fails) -> None:
    def domain(region: str) -> dict[str, Any]:
        arn = f"arn:aws:acm:{region}:123456789012:certificate/11111111-2222-3333-4444-555555555555"
        name = f"api-{stacks.unique}.example.com"
        return {"DomainName": name, "DomainNameConfigurations": [{"CertificateArn": arn, "EndpointType": "REGIONAL"}]}

    failure = fails(stacks.make, "AWS::ApiGatewayV2::DomainName", domain("us-east-1"), region=REGION)
    assert failure.message.endswith("Certificate must be in 'us-west-2'.")
    made = stacks.make("AWS::ApiGatewayV2::DomainName", domain(REGION), region=REGION)
    assert made.attributes["RegionalDomainName"].endswith(".execute-api.us-west-2.amazonaws.com")
