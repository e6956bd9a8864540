"""The workload file: what is refused, where, and with which advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from drgen.errors import InputErrors, UsageError
from drgen.files.workload import parse_workload, read_workload

GOOD = (Path(__file__).parents[2] / "templates/postgres-dr/workload.yaml").read_text("utf-8")


def problems(text: str) -> list[tuple[int, str, str, str]]:
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    return [(p.line, p.at, p.problem, p.fix) for p in caught.value.problems]


def changed(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def test_the_example_is_read() -> None:
    workload = parse_workload(GOOD.encode(), file="w.yaml")
    assert workload.names.prefix == "postgres-dr-prod"
    assert [side.name for side in workload.sides()] == ["us-east-1", "eu-west-1"]
    assert workload.objectives.rpo.total_seconds() == 300
    assert workload.zones(workload.regions.primary) == ("us-east-1a", "us-east-1b")


CASES = [
    (("strategy:", "stratgy:"), 6, "stratgy", "this key is not known", "did you mean strategy?"),
    (("engine:", "engin:"), 26, "database.engin", "this key is not known", "did you mean engine?"),
    (('"15.18"', "15.18"), 27, "database.version", "15.18 is read as float", 'put it in quotes: "15.18"'),
    (('"15.18"', '"15.4"'), 27, "database.version", "postgres 15.4 is deprecated by RDS", "use 15.19"),
    (('"15.18"', '"15.99"'), 27, "database.version", "postgres 15.99 is not offered by RDS", "use 15.19"),
    (
        ("10.1.0.0/16", "10.0.128.0/17"),
        17,
        "regions.recovery.0.cidr",
        "10.0.128.0/17 overlaps 10.0.0.0/16 of us-east-1; VPCs with overlapping blocks cannot be peered",
        "choose a block outside it, for example 10.1.0.0/16",
    ),
    (
        ("10.1.0.0/16", "10.1.0.0/25"),
        17,
        "regions.recovery.0.cidr",
        "10.1.0.0/25 is too small for subnets in 2 zones; they would be below /28",
        "use a /24 or a larger block",
    ),
    (
        ("name: eu-west-1", "name: us-east-1"),
        16,
        "regions.recovery.0.name",
        "the recovery region is the primary region",
        "choose another region; one outage would take both",
    ),
    (
        ("name: eu-west-1", "name: cn-north-1"),
        16,
        "regions.recovery.0.name",
        "cn-north-1 is in partition aws-cn, us-east-1 in aws",
        "choose a region of the same partition; no account and no copy reaches into another",
    ),
    (
        ("name: eu-west-1", "name: eu-wset-1"),
        16,
        "regions.recovery.0.name",
        "eu-wset-1 is no AWS region",
        "did you mean eu-west-1?",
    ),
    (
        ("team: platform", "team: R&D"),
        52,
        "tags.team",
        "RDS, IAM and Lambda refuse '&' in a tag",
        "use letters, digits, spaces and _ . : / = + - @",
    ),
    (
        ("[s3, secretsmanager]", "[s3]"),
        23,
        "network.endpoints",
        "the probe in the VPC reads the database's secret and has no path to Secrets Manager",
        "add secretsmanager",
    ),
    (
        ("nat: none", "nat: single"),
        21,
        "network.nat",
        "'single' is not possible here",
        "use 'none', 'one' or 'per-zone'",
    ),
    (
        ("  parameters:\n", '  monitoring: {connections: 400}\n  parameters:\n    max_connections: "400"\n'),
        34,
        "database.monitoring.connections",
        "the alarm needs more than 400 connections, and max_connections lets 400 in",
        "choose less than 400",
    ),
    (
        ("team: platform", "RTO: 15m"),
        52,
        "tags.RTO",
        "drgen sets the tag rto of every stack itself",
        "remove it, or use another key",
    ),
    (
        ("team: platform", "Workload: other"),
        53,
        "tags.workload",
        "IAM takes workload and Workload for the same key",
        "keep one of them",
    ),
]


@pytest.mark.parametrize(("change", "line", "at", "problem", "fix"), CASES, ids=[case[3][:40] for case in CASES])
def test_a_wrong_part_is_named_with_its_line(
    change: tuple[str, str], line: int, at: str, problem: str, fix: str
) -> None:
    assert (line, at, problem, fix) in problems(changed(change))


def test_a_class_must_be_offered_in_both_regions() -> None:
    found = problems(changed(("db.r6g.large", "db.x2g.large"), ("name: eu-west-1", "name: mx-central-1")))
    assert [(at, problem) for _, at, problem, _ in found] == [
        ("database.instance_class", "db.x2g.large is not offered for postgres in mx-central-1")
    ]


def test_one_run_shows_every_problem() -> None:
    text = changed(
        ("strategy:", "stratgy:"), ("rpo: 5m", "rpo: 5x"), ('"15.18"', '"15.4"'), ("name: eu-west-1", "name: us-east-1")
    )
    assert [at for _, at, _, _ in problems(text)] == [
        "stratgy",
        "objectives.rpo",
        "regions.recovery.0.name",
        "database.version",
    ]


def test_a_name_that_makes_a_longer_name_than_aws_takes_is_refused() -> None:
    text = changed(
        ("name: postgres-dr", "name: abcdefghijklmnopqrst"),
        ("environment: prod", "environment: productionxx"),
        ("name: us-east-1", "name: ap-northeast-1"),
        ("name: eu-west-1", "name: ap-southeast-1"),
    )
    found = problems(text)
    assert found[0][1] == "name"
    assert "an IAM role name would be" in found[0][2]
    assert found[0][3] == "shorten name or environment by 1"


def test_malformed_yaml_is_named_with_its_line() -> None:
    found = problems("name: a\nregions: [\n")
    assert found[0][0] == 3
    assert "correct the YAML" in found[0][3]


def test_a_key_that_stands_twice_is_refused() -> None:
    assert problems(GOOD + "name: again\n")[0][2] == "key 'name' stands twice in the same mapping"


def test_a_folder_without_a_workload_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="drgen init"):
        read_workload(tmp_path)
