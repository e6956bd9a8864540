"""AWS::ApiGatewayV2: HTTP APIs, their routes, integrations and stages, and their domain names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.executing import address
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, retag, tags_of

SERVICE = "apigatewayv2"


def _api(work: Work) -> str:
    return str(work.properties["ApiId"])


def _given(work: Work) -> dict[str, Any]:
    return {**work.properties, "Tags": tags_of(work.desired)}


def _retag(work: Work, path: str) -> None:
    """API Gateway's ARNs name no account."""
    arn = f"arn:{work.env.partition}:apigateway:{work.region}::{path}"
    retag(work, work.api(SERVICE), {"ResourceArn": arn})


def _make_api(work: Work) -> str:
    return str(call(work.api(SERVICE), "create_api", _given(work))["ApiId"])


def _change_api(work: Work, api: str) -> None:
    client = work.api(SERVICE)
    call(client, "update_api", work.properties, ApiId=api)
    if work.changed("CorsConfiguration") and not work.properties.get("CorsConfiguration"):
        client.delete_cors_configuration(ApiId=api)
    _retag(work, f"/apis/{api}")


def _read_api(work: Work, api: str) -> Mapping[str, Any]:
    endpoint = address(work.api(SERVICE).meta.endpoint_url, region=work.region, api=api)
    return {"ApiId": api, "ApiEndpoint": endpoint, "ExecuteApiArn": work.arn("execute-api", api)}


def _make_integration(work: Work) -> str:
    return str(call(work.api(SERVICE), "create_integration", work.properties)["IntegrationId"])


def _change_integration(work: Work, integration: str) -> None:
    call(work.api(SERVICE), "update_integration", work.properties, IntegrationId=integration)


def _check_route(work: Work, *, own: str = "") -> None:
    """A key is taken once in an API, and its integration exists."""
    client, key = work.api(SERVICE), str(work.properties["RouteKey"])
    for route in client.get_routes(ApiId=_api(work))["Items"]:
        if route["RouteKey"] == key and route["RouteId"] != own:
            raise ResourceFailed(f"Route with key {key} already exists for this API", code="AlreadyExists")
    target = str(work.properties.get("Target") or "")
    if target:
        client.get_integration(ApiId=_api(work), IntegrationId=target.removeprefix("integrations/"))


def _make_route(work: Work) -> str:
    _check_route(work)
    return str(call(work.api(SERVICE), "create_route", work.properties)["RouteId"])


def _change_route(work: Work, route: str) -> None:
    _check_route(work, own=route)
    call(work.api(SERVICE), "update_route", work.properties, RouteId=route)


def _check_stage(work: Work) -> None:
    wanted = set(work.properties.get("RouteSettings") or {})
    there = {route["RouteKey"] for route in work.api(SERVICE).get_routes(ApiId=_api(work))["Items"]}
    if missing := sorted(wanted - there):
        text = f"Unable to find Route by key {missing[0]} within the provided RouteSettings"
        raise ResourceFailed(text, code="NotFound")


def _make_stage(work: Work) -> str:
    _check_stage(work)
    name = str(work.properties["StageName"])
    if any(stage["StageName"] == name for stage in work.api(SERVICE).get_stages(ApiId=_api(work))["Items"]):
        raise ResourceFailed("Stage already exists", code="AlreadyExists")
    return str(call(work.api(SERVICE), "create_stage", _given(work))["StageName"])


def _change_stage(work: Work, stage: str) -> None:
    _check_stage(work)
    empty: Mapping[str, Any] = {
        name: {} for name in ("AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "StageVariables")
    }
    call(work.api(SERVICE), "update_stage", empty, work.properties, StageName=stage)
    _retag(work, f"/apis/{_api(work)}/stages/{stage}")


def _check_certificate(work: Work) -> None:
    for configuration in work.properties.get("DomainNameConfigurations") or ():
        arn = str(configuration.get("CertificateArn") or "")
        regional = configuration.get("EndpointType", "REGIONAL") == "REGIONAL"
        if arn and regional and arn.split(":")[3] != work.region:
            raise ResourceFailed(f"Invalid certificate ARN: {arn}. Certificate must be in '{work.region}'.")


def _make_domain(work: Work) -> str:
    _check_certificate(work)
    return str(call(work.api(SERVICE), "create_domain_name", _given(work))["DomainName"])


def _change_domain(work: Work, name: str) -> None:
    _check_certificate(work)
    call(work.api(SERVICE), "update_domain_name", work.properties)
    _retag(work, f"/domainnames/{name}")


def _read_domain(work: Work, name: str) -> Mapping[str, Any]:
    found = work.api(SERVICE).get_domain_name(DomainName=name)
    (configuration,) = found["DomainNameConfigurations"]
    return {
        "DomainNameArn": f"arn:{work.env.partition}:apigateway:{work.region}::/domainnames/{name}",
        "RegionalDomainName": configuration["ApiGatewayDomainName"],
        "RegionalHostedZoneId": configuration["HostedZoneId"],
    }


def _make_mapping(work: Work) -> str:
    return str(call(work.api(SERVICE), "create_api_mapping", work.properties)["ApiMappingId"])


def _change_mapping(work: Work, mapping: str) -> None:
    call(work.api(SERVICE), "update_api_mapping", {"ApiMappingKey": ""}, work.properties, ApiMappingId=mapping)


def _remove_mapping(work: Work, mapping: str) -> None:
    work.api(SERVICE).delete_api_mapping(DomainName=work.properties["DomainName"], ApiMappingId=mapping)


API_PROVIDERS: Mapping[str, Provider] = {
    "AWS::ApiGatewayV2::Api": Resource(
        make=_make_api,
        change=_change_api,
        read=_read_api,
        remove=lambda work, api: work.api(SERVICE).delete_api(ApiId=api),
    ),
    "AWS::ApiGatewayV2::Integration": Resource(
        make=_make_integration,
        change=_change_integration,
        read=lambda _, integration: {"IntegrationId": integration},
        remove=lambda work, i: work.api(SERVICE).delete_integration(ApiId=_api(work), IntegrationId=i),
    ),
    "AWS::ApiGatewayV2::Route": Resource(
        make=_make_route,
        change=_change_route,
        read=lambda _, route: {"RouteId": route},
        remove=lambda work, route: work.api(SERVICE).delete_route(ApiId=_api(work), RouteId=route),
    ),
    "AWS::ApiGatewayV2::Stage": Resource(
        make=_make_stage,
        change=_change_stage,
        remove=lambda work, stage: work.api(SERVICE).delete_stage(ApiId=_api(work), StageName=stage),
    ),
    "AWS::ApiGatewayV2::DomainName": Resource(
        make=_make_domain,
        change=_change_domain,
        read=_read_domain,
        remove=lambda work, name: work.api(SERVICE).delete_domain_name(DomainName=name),
    ),
    "AWS::ApiGatewayV2::ApiMapping": Resource(
        make=_make_mapping,
        change=_change_mapping,
        read=lambda _, mapping: {"ApiMappingId": mapping},
        remove=_remove_mapping,
    ),
}
