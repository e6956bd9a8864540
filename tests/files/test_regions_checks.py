"""The recovery regions of a workload file: what is refused, where, and with which advice."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

START = """\
name: shop
environment: prod
objectives: {rto: 1h, rpo: 10m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery:
    - {name: eu-west-1, cidr: 10.1.0.0/16}
"""
DATABASE = """\
network: {endpoints: [s3, secretsmanager]}
database: {engine: postgres, version: "16.9", instance_class: db.r6g.large}
dns: {zone: db.internal}
"""
SIX = "".join(
    f"    - {{name: {name}, cidr: 10.{number}.0.0/16}}\n"
    for number, name in enumerate(("us-east-2", "us-west-1", "us-west-2", "eu-west-2", "eu-central-1"), start=2)
)


def problems(text: str) -> list[tuple[int, str, str, str]]:
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    return [(p.line, p.at, p.problem, p.fix) for p in caught.value.problems]


def test_any_number_of_recovery_regions_is_taken_where_aws_sets_no_limit() -> None:
    workload = parse_workload((START + SIX).encode(), file="w.yaml")
    assert len(workload.regions.recovery) == 6


def test_a_region_that_is_listed_twice_is_named() -> None:
    assert problems(START + "    - {name: eu-west-1, cidr: 10.2.0.0/16}\n") == [
        (8, "regions.recovery.1.name", "eu-west-1 is listed twice", "list each recovery region once")
    ]


def test_blocks_of_two_recovery_regions_may_not_overlap_either() -> None:
    ((line, at, problem, fix),) = problems(START + "    - {name: us-west-2, cidr: 10.1.128.0/20}\n")
    assert (line, at) == (8, "regions.recovery.1.cidr")
    assert problem == "10.1.128.0/20 overlaps 10.1.0.0/16 of eu-west-1; VPCs with overlapping blocks cannot be peered"
    assert fix == "choose a block outside it, for example 10.2.0.0/16"


def test_a_database_has_as_many_replicas_as_rds_guarantees() -> None:
    assert problems(START + SIX + DATABASE) == [
        (
            6,
            "regions.recovery",
            "the database would have 6 replicas in other regions, and RDS guarantees 5",
            "list 5 regions or fewer",
        )
    ]


def test_a_rule_sends_events_to_as_many_regions_as_it_has_targets() -> None:
    ((line, at, problem, fix),) = problems(START + SIX + "events: {}\n")
    assert (line, at) == (6, "regions.recovery")
    assert problem == "events would be sent on to 6 regions, and a rule has 5 targets"
    assert fix == "list 5 regions or fewer, or set events.forward to false"
    assert parse_workload((START + SIX + "events: {forward: false}\n").encode(), file="w.yaml").events is not None


def test_failover_records_know_one_recovery_region() -> None:
    text = (
        START
        + "    - {name: us-west-2, cidr: 10.2.0.0/16}\n"
        + DATABASE.replace("internal", "internal, policy: failover")
    )
    assert problems(text) == [
        (
            11,
            "dns.policy",
            "failover records are one primary and one secondary, and there are 2 recovery regions",
            "use weighted: a record for each region, and the first healthy one answers",
        )
    ]


def test_what_is_wrong_with_a_further_region_hides_nothing_else() -> None:
    found = problems(
        START.replace("name: shop", "name: shop\nstrategy: warm") + "    - {name: us-west-2, cidr: nonsense}\n"
    )
    assert [at for _, at, _, _ in found] == ["strategy", "regions.recovery.1.cidr"]
