"""Section `dns`: names that lead nowhere, or to two things."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload
from drgen.model.workload import Workload

IMAGE = "{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:" + "0" * 64
CERTIFICATES = ", ".join(
    f"{region}: arn:aws:acm:{region}:123456789012:certificate/1" for region in ("us-east-1", "eu-west-1")
)
SHOP = """
name: shop
environment: prod
objectives: {rto: 30m, rpo: 5m}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
network: {endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}
"""
API = """
functions: [{name: front, source: payment_processor}]
api: {health: front, routes: [{method: GET, path: /a, function: front}]}
"""
DATABASE = 'database: {engine: postgres, version: "16.9", instance_class: db.r6g.large}\n'


def service(name: str, *, public: bool = True, path: str = "/") -> str:
    more = f", public: true, certificates: {{{CERTIFICATES}}}" if public else ""
    return f'  - {{name: {name}, image: "{IMAGE}", port: 80, health_path: "{path}"{more}}}\n'


def shop(dns: str, *services: str, more: str = "") -> Workload:
    listed = f"services:\n{''.join(services)}" if services else ""
    return parse_workload(f"{SHOP}{more}dns: {{{dns}}}\n{listed}".encode(), file="w.yaml")


def problem(dns: str, *services: str, more: str = "") -> tuple[str, str, str]:
    with pytest.raises(InputErrors) as caught:
        shop(dns, *services, more=more)
    (found,) = caught.value.problems
    return found.at, found.problem, found.fix


PUBLIC = "zone: shop.example.com, private: false"
PRIVATE = "zone: shop.internal"


def test_the_only_public_thing_has_the_public_name() -> None:
    assert shop(PUBLIC, service("web"), service("admin", public=False)).public_name == "web.shop.example.com"
    assert shop(f"{PUBLIC}, record: www", service("web")).public_name == "www.shop.example.com"


def test_of_several_public_things_one_is_chosen() -> None:
    assert shop(f"{PUBLIC}, target: web", service("web"), service("admin")).public_target == "web"
    assert problem(PUBLIC, service("web"), service("admin")) == (
        "dns",
        "the public name could lead to service web and service admin",
        "choose one, for example target: admin",
    )
    assert problem(PUBLIC, service("web"), more=API)[1] == "the public name could lead to the API and service web"


def test_a_public_name_leads_somewhere() -> None:
    assert problem(PUBLIC, service("web", public=False)) == (
        "dns",
        "a public name points at the API or at a public service, and there are none",
        "declare api, set public of a service to true, or remove dns",
    )
    assert problem(f"{PUBLIC}, target: wbe", service("web"), service("admin"))[2] == "did you mean web?"


def test_a_name_of_the_api_is_not_taken_by_a_service() -> None:
    at, _, fix = problem(f"{PUBLIC}, target: web", service("web"), service("api"), more=API)
    assert (at, fix) == ("services.1.name", "choose another name")


def test_route_53_asks_for_short_paths_only() -> None:
    at, found, _ = problem(PUBLIC, service("web", path="/" + "a" * 255))
    assert (at, found) == ("services.0.health_path", "Route 53 asks for paths of at most 255 characters")


def test_an_internal_service_has_a_private_name_of_its_own() -> None:
    workload = shop(PRIVATE, service("web", public=False))
    assert ([each.name for each in workload.internal_services], workload.public_name) == (["web"], "")
    assert problem(PRIVATE, service("web"))[1].startswith("a private name points at the database or at internal")


@pytest.mark.parametrize(
    ("more", "at", "found"),
    [
        ("record: a", "dns.record", "it is the name of a database, and there is none"),
        ("target: web", "dns.target", "in a private zone everything has its own name"),
        ("zone_id: Z123", "dns.zone_id", "a private zone is made by drgen"),
    ],
)
def test_what_a_private_zone_does_not_take(more: str, at: str, found: str) -> None:
    assert problem(f"{PRIVATE}, {more}", service("web", public=False))[:2] == (at, found)


def test_the_database_and_a_service_do_not_share_a_name() -> None:
    assert problem(f"{PRIVATE}, record: web", service("web", public=False), more=DATABASE) == (
        "dns.record",
        "web.shop.internal would be the database and the service web",
        "give the database another record",
    )
