"""A workload without protection comes and goes, and leaves nothing."""

from __future__ import annotations

import pytest

from .conftest import Start

pytestmark = pytest.mark.embedded


def test_an_unprotected_workload_is_destroyed_without_a_trace(start: Start) -> None:
    project = start(
        lambda text: text.replace("protection: true", "protection: false").replace(
            "policy: weighted", "policy: failover"
        )
    )
    project.succeeds("deploy", "postgres-dr", "--yes")
    project.succeeds("destroy", "postgres-dr", "--yes")
    for region in ("us-east-1", "eu-west-1"):
        stacks = project.client("cloudformation", region).list_stacks()["StackSummaries"]
        left = [s["StackName"] for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"]
        assert [name for name in left if name.startswith("postgres-dr")] == []
        assert project.client("rds", region).describe_db_instances()["DBInstances"] == []
        groups = project.client("logs", region).describe_log_groups()["logGroups"]
        assert [group["logGroupName"] for group in groups if "postgres-dr-prod" in group["logGroupName"]] == []
