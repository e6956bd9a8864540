"""The section `canary` of a workload file: a name that leaves room for the bucket of its results."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload


def workload(primary: str, recovery: str) -> bytes:
    return f"""\
name: papers-and-letters-x
environment: stage
objectives: {{rto: 1h, rpo: 10m}}
regions:
  primary: {{name: {primary}, cidr: 10.0.0.0/16}}
  recovery: [{{name: {recovery}, cidr: 10.1.0.0/16}}]
canary: {{url: "https://shop.example.com/health"}}
""".encode()


def test_the_bucket_of_the_results_has_a_name_that_s3_takes_where_it_is() -> None:
    assert parse_workload(workload("ap-southeast-2", "us-east-1"), file="w.yaml").canary
    with pytest.raises(InputErrors) as caught:
        parse_workload(workload("us-east-1", "ap-southeast-2"), file="w.yaml")
    assert [(p.line, p.at, p.problem, p.fix) for p in caught.value.problems] == [
        (
            1,
            "name",
            "the name of a bucket would have 64 characters, with account and region; S3 takes 63",
            "shorten name or environment by 1",
        )
    ]
