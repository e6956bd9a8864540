"""Names that differ by hyphens only: AWS could tell the parts, their logical ids could not."""

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
  recovery: [{name: us-east-2, cidr: 10.1.0.0/16}]
network: {nat: one}
"""
DIGEST = "sha256:" + "0" * 64


def item(section: str, name: str) -> str:
    more = {
        "functions": "source: payment_processor",
        "services": f"image: 'public.ecr.aws/a/b@{DIGEST}', port: 8080, health_path: /",
    }
    return f"{{name: {name}, {more[section]}}}"


@pytest.mark.parametrize(
    ("section", "second", "problem"),
    [
        ("functions", "a1", "a1 and another function differ by hyphens only, and would be one logical id"),
        ("functions", "a-1", "two functions are called a-1"),
        ("services", "a1", "a1 and a-1 differ by hyphens only, and would be one logical id"),
        ("services", "a-1", "there are two services called a-1"),
        ("services", "access", "the bucket of access logs has this logical id"),
    ],
)
def test_parts_of_one_kind_have_names_that_stay_different_without_hyphens(
    section: str, second: str, problem: str
) -> None:
    text = f"{START}{section}: [{item(section, 'a-1')}, {item(section, second)}]\n"
    with pytest.raises(InputErrors) as caught:
        parse_workload(text.encode(), file="w.yaml")
    assert [(p.at, p.problem) for p in caught.value.problems] == [(f"{section}.1.name", problem)]
