"""The section `buckets` of a workload file: what is refused, where, and with which advice."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

START = """\
name: papers-and-letters
environment: prod
objectives: {rto: 1h, rpo: 10m}
regions:
  primary: {name: us-east-1, cidr: 10.0.0.0/16}
  recovery: [{name: ap-southeast-2, cidr: 10.1.0.0/16}]
buckets:
  - {name: a-1}
"""

CASES = [
    ("{name: a1}", "buckets.1.name", "a1 cannot be told from a-1", "choose another name"),
    ("{name: logs}", "buckets.1.name", "the access logs are kept under this name", "choose another name"),
    (
        "{name: b, replicate: none, replication_time_control: true}",
        "buckets.1.replication_time_control",
        "nothing is replicated, so there is no time to control",
        "remove it, or set replicate",
    ),
    (
        "{name: documents-1234}",
        "buckets.1.name",
        "the name of a bucket would have 69 characters, with account and region; S3 takes 63",
        "shorten it, or the workload's name, by 6",
    ),
]


@pytest.mark.parametrize(("bucket", "at", "problem", "fix"), CASES)
def test_a_wrong_bucket_is_named_with_its_line(bucket: str, at: str, problem: str, fix: str) -> None:
    with pytest.raises(InputErrors) as caught:
        parse_workload(f"{START}  - {bucket}\n".encode(), file="w.yaml")
    assert [(p.line, p.at, p.problem, p.fix) for p in caught.value.problems] == [(9, at, problem, fix)]


def test_a_workload_too_long_for_the_bucket_of_its_logs_is_refused() -> None:
    text = START.replace("papers-and-letters", "papers-and-letters-x").replace("prod", "production")
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    assert [(p.at, p.fix) for p in caught.value.problems] == [
        ("name", "shorten name or environment by 4"),
        ("buckets.0.name", "shorten it, or the workload's name, by 3"),
    ]


def test_a_bucket_replicates_to_the_recovery_region_unless_told_otherwise() -> None:
    (bucket,) = parse_workload(START.encode(), file="w.yaml").buckets
    assert (bucket.replicate, bucket.replication_time_control, bucket.noncurrent_days) == ("to-recovery", False, 30)
