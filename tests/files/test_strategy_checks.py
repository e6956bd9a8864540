"""The key `strategy`: what it rules out, and what to use in its place."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

START = """
name: shop
environment: prod
strategy: STRATEGY
objectives: {rto: 1h, rpo: 1h}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
network: {endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}
"""
API = """
functions: [{name: web, source: payment_processor}]
api:
  health: web
  routes: [{method: GET, path: /carts, function: web}]
"""
CERTIFICATES = """
  certificate:
    us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
    eu-west-1: arn:aws:acm:eu-west-1:123456789012:certificate/2
"""
SERVICE = """
services:
  - name: web
    image: "{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:DIGEST"
    port: 80
    health_path: /
    count: {primary: 2, recovery: TASKS}
""".replace("DIGEST", "0" * 64)
DATABASES = {
    "postgres": 'database: {engine: postgres, version: "16.9", instance_class: db.r6g.large}',
    "aurora-postgresql": 'database: {engine: aurora-postgresql, version: "16.9", instance_class: db.r6g.large}',
}


def problems(strategy: str, *parts: str) -> list[tuple[str, str, str]]:
    text = "\n".join([START.replace("STRATEGY", strategy), *parts])
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    return [(p.at, p.problem, p.fix) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("strategy", "tasks", "fix"),
    [
        ("warm-standby", "0", "use 1 or more, or set strategy to pilot-light"),
        ("pilot-light", "1", "remove it, or set strategy to warm-standby"),
        ("active-active", "2", "remove it: count.primary is for every region"),
    ],
)
def test_tasks_that_wait_are_those_of_the_strategy(strategy: str, tasks: str, fix: str) -> None:
    ((at, _, found),) = problems(strategy, SERVICE.replace("TASKS", tasks))
    assert (at, found) == ("services.0.count.recovery", fix)


@pytest.mark.parametrize("engine", DATABASES)
def test_regions_do_not_all_serve_from_a_database_with_one_writer(engine: str) -> None:
    dns = "dns: {zone: shop.internal}"
    ((at, problem, fix),) = problems("active-active", API, DATABASES[engine], dns)
    assert (at, problem.rpartition(", and ")[2]) == ("strategy", f"{engine} has one writer")
    assert fix == "keep the data in tables, which every region writes; or set strategy to warm-standby"


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (
            "buckets: [{name: documents}]",
            ("buckets.0.replicate", "use both-ways; or none, if each region keeps its own objects"),
        ),
        ("events: {bus: true}", ("events.forward", "use both-ways; or false, if each region handles its own events")),
        (
            f"{CERTIFICATES}\ndns: {{zone: example.com, private: false, policy: failover}}",
            ("dns.policy", "use weighted: every region then has the same weight"),
        ),
    ],
)
def test_what_goes_one_way_only_keeps_regions_from_serving_all(part: str, wanted: tuple[str, str]) -> None:
    ((at, _, fix),) = problems("active-active", API, part)
    assert (at, fix) == wanted


def test_a_workload_that_serves_nothing_serves_nowhere() -> None:
    ((at, problem, _),) = problems("active-active", "tables: [{name: carts, key: id}]")
    assert (at, problem) == (
        "strategy",
        "active-active needs something that serves, and there is neither an API nor a service",
    )


def test_restoring_from_backups_is_refused_with_the_reason() -> None:
    ((at, problem, fix),) = problems("backup-restore", API)
    assert (at, fix) == ("strategy", "use pilot-light, and backup for copies")
    assert problem.startswith("backup-restore is not offered: CloudFormation restores no DynamoDB table")
    assert problem.endswith("AWS bounds no restore, so no rto could be held")


def test_the_default_of_tasks_that_wait_follows_the_strategy() -> None:
    for strategy, tasks in (("pilot-light", 0), ("warm-standby", 1), ("active-active", 0)):
        text = START.replace("STRATEGY", strategy) + SERVICE.replace(", recovery: TASKS", "")
        workload = parse_workload(text.encode(), file="w.yaml")
        assert workload.standby(workload.services[0]) == tasks
