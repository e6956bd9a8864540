"""Section `database`: what each engine refuses, where, and with which advice."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

GOOD = """
name: shop
environment: prod
objectives: {rto: 15m, rpo: 30s}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery:
    - {name: us-east-2, cidr: 10.1.0.0/16}
database:
  engine: aurora-postgresql
  version: "16.9"
  instance_class: db.r6g.large
dns: {zone: shop.internal}
"""


def problems(*changes: tuple[str, str]) -> list[tuple[int, str, str, str]]:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    return [(p.line, p.at, p.problem, p.fix) for p in caught.value.problems]


CLASS = "instance_class: db.r6g.large"

CASES = [
    (
        (CLASS, f"{CLASS}\n  multi_az: {{primary: true}}"),
        (
            13,
            "database.multi_az",
            "an Aurora cluster outlives the loss of a zone by having more than one instance",
            "remove it, and set instances",
        ),
    ),
    (
        (CLASS, f"{CLASS}\n  storage_gib: 100"),
        (13, "database.storage_gib", "Aurora's storage grows by itself", "remove it"),
    ),
    (
        (CLASS, f"{CLASS}\n  instanses: {{primary: 3}}"),
        (13, "database.instanses", "this key is not known", "did you mean instances?"),
    ),
    (
        (CLASS, f"{CLASS}\n  instances: {{recovry: 3}}"),
        (13, "database.instances.recovry", "this key is not known", "did you mean recovery?"),
    ),
    (
        ("engine: aurora-postgresql", "engine: aurora-postgres"),
        (
            10,
            "database.engine",
            "'aurora-postgres' is not possible here",
            "use 'postgres' or 'aurora-postgresql'",
        ),
    ),
    (
        ("engine: aurora-postgresql", "engine: mysql"),
        (10, "database.engine", "'mysql' is not possible here", "use 'postgres' or 'aurora-postgresql'"),
    ),
    (
        ('"16.9"', '"16.99"'),
        (11, "database.version", "aurora-postgresql 16.99 is not offered by RDS", "use 16.15"),
    ),
    (
        ("db.r6g.large", "db.t4g.medium"),
        (
            12,
            "database.instance_class",
            "db.t4g.medium is a burstable class; a global database takes memory-optimized ones only",
            "choose a class of family r or x",
        ),
    ),
    (
        ("db.r6g.large", "db.m6g.large"),
        (
            12,
            "database.instance_class",
            "db.m6g.large is not offered for aurora-postgresql in us-east-1",
            "choose a class both regions have, for example db.r6g.large",
        ),
    ),
    (
        (CLASS, f"{CLASS}\n  instances: {{recovery: 17}}"),
        (
            13,
            "database.instances.recovery",
            "Input should be less than or equal to 16",
            "correct the value 17; see docs/workload.md for what stands here",
        ),
    ),
    (
        ("dns: {zone: shop.internal}", "network: {peering: false}"),
        (
            13,
            "network.peering",
            "the writer of a global database changes regions, and without peering only one region reaches it",
            "set it to true",
        ),
    ),
    (
        ("dns: {zone: shop.internal}", "dns: {zone: shop.internal, policy: failover}"),
        (
            13,
            "dns.policy",
            "an Aurora database has one record, and Aurora itself moves what it points at",
            "remove it",
        ),
    ),
    (
        ("us-east-2", "us-gov-west-1"),
        (
            8,
            "regions.recovery.0.name",
            "CloudFormation has no Aurora global databases in us-gov-west-1",
            "use engine: postgres",
        ),
    ),
]


@pytest.mark.parametrize(("change", "expected"), CASES, ids=lambda value: str(value[1])[:40])
def test_each_mistake_is_told_at_its_place(change: tuple[str, str], expected: tuple[int, str, str, str]) -> None:
    assert expected in problems(change)


def test_each_recovery_region_takes_an_instance_from_the_primary_cluster() -> None:
    third = "    - {name: us-east-2, cidr: 10.1.0.0/16}\n    - {name: eu-west-1, cidr: 10.2.0.0/16}\n"
    found = problems(
        ("    - {name: us-east-2, cidr: 10.1.0.0/16}\n", third), (CLASS, f"{CLASS}\n  instances: {{primary: 15}}")
    )
    problem = "with 2 recovery regions the primary cluster has 14 instances at most"
    assert found == [(14, "database.instances.primary", problem, "use 14 or less")]


def test_one_run_shows_every_problem_of_a_section_without_an_engine() -> None:
    found = problems(("engine: aurora-postgresql", "engin: postgres"), ("db.r6g.large", "large"))
    assert [(at, fix) for _, at, _, fix in found] == [
        ("database.engine", "add `engine:`; see docs/workload.md for what stands here"),
        ("database.engin", "did you mean engine?"),
        ("database.instance_class", "use a value of that form"),
    ]


def test_the_keys_of_aurora_are_refused_on_rds_with_the_reason() -> None:
    found = problems(
        ("engine: aurora-postgresql", "engine: postgres"), (CLASS, f"{CLASS}\n  instances: {{primary: 3}}")
    )
    assert [(at, problem, fix) for _, at, problem, fix in found] == [
        ("database.instances", "engine postgres has one instance per region", "remove it, or see multi_az")
    ]


def test_a_database_that_is_no_mapping_is_told_as_one() -> None:
    (found,) = problems(
        ('  engine: aurora-postgresql\n  version: "16.9"\n  instance_class: db.r6g.large\n', "  - aurora-postgresql\n")
    )
    assert (found[0], found[1]) == (9, "database")


def test_an_aurora_database_does_without_dns_and_with_a_public_name() -> None:
    plain = GOOD.replace("dns: {zone: shop.internal}\n", "")
    public = """
functions: [{name: web, source: payment_processor}]
api:
  health: web
  routes: [{method: POST, path: /orders, function: web}]
  certificate:
    us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
    us-east-2: arn:aws:acm:us-east-2:123456789012:certificate/2
dns: {zone: shop.example.com, private: false}
"""
    for text in (plain, plain + public):
        aurora = parse_workload(text.encode(), file="w.yaml").aurora
        assert aurora is not None
        assert (aurora.instances.primary, aurora.instances.recovery, aurora.storage) == (2, 2, "aurora")
