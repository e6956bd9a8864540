"""Section `services`: what could not start, or would differ between the regions."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

ECR = "{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:" + "0" * 64
SHOP = """
name: shop
environment: prod
objectives: {rto: 30m, rpo: 5m}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
"""
ENDPOINTS = "network: {endpoints: [ecr.api, ecr.dkr, logs, s3]}\n"


def text(*, image: str = ECR, more: str = "", network: str = ENDPOINTS) -> bytes:
    service = f'services: [{{name: web, image: "{image}", port: 80, health_path: /{more}}}]\n'
    return f"{SHOP}{network}{service}".encode()


def problems(source: bytes) -> list[tuple[str, str, str]]:
    with pytest.raises(InputErrors) as caught:
        parse_workload(source, file="w.yaml")
    return [(p.at, p.problem, p.fix) for p in caught.value.problems]


def test_a_service_needs_little() -> None:
    (service,) = parse_workload(text(), file="w.yaml").services
    assert (service.count.primary, service.count.recovery, service.max_count) == (2, None, 10)


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (ECR.partition("@")[0] + ":1.2", "has no digest; what a tag stands for may change"),
        (ECR.replace("{region}", "us-east-1"), "both regions would pull from one region's registry"),
        (ECR.replace("{account}", "{id}"), "only {account} and {region} stand for something"),
        ("docker.io/library/nginx@sha256:" + "0" * 64, "private subnets have no way to another registry"),
    ],
)
def test_an_image_is_the_same_bytes_in_both_regions_and_can_be_pulled(image: str, problem: str) -> None:
    ((at, found, _),) = problems(text(image=image))
    assert at == "services.0.image"
    assert problem in found


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (", cpu: 300", ("services.0.cpu", "use one of 256, 512, 1024, 2048, 4096, 8192, 16384")),
        (", cpu: 256, memory: 4096", ("services.0.memory", "use 2048")),
        (", max_count: 1", ("services.0.max_count", "use 2 or more")),
        (
            ", count: {recovery: 0}",
            ("services.0.count.recovery", "use 1 or more, or set strategy to pilot-light"),
        ),
    ],
)
def test_sizes_are_those_of_fargate_and_of_the_strategy(more: str, wanted: tuple[str, str]) -> None:
    ((at, _, fix),) = problems(text(more=more))
    assert (at, fix) == wanted


def test_private_tasks_need_the_endpoints_they_start_through() -> None:
    assert problems(text(network="network: {endpoints: [s3, logs]}\n", more=", secrets: [key]")) == [
        (
            "network.endpoints",
            "tasks in private subnets have no path to ecr.api, ecr.dkr, secretsmanager",
            "add ecr.api, ecr.dkr, secretsmanager, or set network.nat",
        )
    ]


def test_certificates_are_one_for_each_region_and_of_it() -> None:
    here = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    ((at, problem, _),) = problems(text(more=f', certificates: {{us-east-1: "{here}"}}'))
    assert (at, "there is no certificate for eu-west-1" in problem) == ("services.0.certificates", True)
    ((at, problem, _),) = problems(text(more=f', certificates: {{us-east-1: "{here}", eu-west-1: "{here}"}}'))
    assert (at, problem) == ("services.0.certificates.eu-west-1", "this certificate is in us-east-1")


def test_names_fit_into_roles() -> None:
    long = text().replace(b"name: shop", b"name: a-name-as-long-as-it").replace(b"name: web", b"name: front-office-web")
    long = long.replace(b"environment: prod", b"environment: integration").replace(b"eu-west-1", b"ap-southeast-2")
    ((at, problem, fix),) = problems(long)
    assert at == "services.0.name"
    assert "AWS takes 64" in problem
    assert fix == "shorten it by 5"


def test_what_a_service_uses_is_in_the_workload() -> None:
    more = ", tables: {sesions: read}, buckets: {documents: read}, events: true, database: true"
    nat = "network: {nat: one}\ntables: [{name: sessions, key: id}]\n"
    assert [(at, problem, fix) for at, problem, fix in problems(text(more=more, network=nat))] == [
        ("services.0.buckets.documents", "there is no bucket documents", "declare it in buckets"),
        ("services.0.database", "there is no database", "declare database"),
        ("services.0.events", "there is no event bus", "declare events"),
        ("services.0.tables.sesions", "there is no table sesions", "did you mean sessions?"),
    ]


def test_a_variable_of_drgen_is_not_overwritten() -> None:
    more = ", tables: {user-sessions: read}, environment: {TABLE_USER_SESSIONS: mine}"
    nat = "network: {nat: one}\ntables: [{name: user-sessions, key: id}]\n"
    ((at, problem, _),) = problems(text(more=more, network=nat))
    assert (at, problem) == (
        "services.0.environment.TABLE_USER_SESSIONS",
        "TABLE_USER_SESSIONS is set by drgen",
    )


def test_what_a_private_task_uses_is_in_its_reach() -> None:
    more = ", tables: {sessions: read}, events: true"
    tables = f"{ENDPOINTS}tables: [{{name: sessions, key: id}}]\nevents: {{}}\n"
    ((at, problem, _),) = problems(text(more=more, network=tables))
    assert (at, problem) == ("network.endpoints", "tasks in private subnets have no path to dynamodb, events")


def test_a_public_service_has_a_certificate_in_each_region() -> None:
    assert problems(text(more=", public: true")) == [
        (
            "services.0.certificates",
            "a public service speaks HTTPS, and there is no certificate",
            "give one for eu-west-1 and us-east-1, or set public to false",
        )
    ]


def test_a_load_balancer_has_room_in_its_subnets() -> None:
    ((at, problem, fix),) = problems(text().replace(b"10.1.0.0/16", b"10.1.0.0/24"))
    assert at == "regions.recovery.0.cidr"
    assert problem == "the subnets of 10.1.0.0/24 are smaller than the /27 that a load balancer asks for"
    assert fix == "use a /23 or a larger block"
