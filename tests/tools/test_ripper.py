"""What `make lint` makes of cfripper's findings."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

TOOL = Path(__file__).parents[2] / "tools/ripper.py"
spec = importlib.util.spec_from_file_location("ripper", TOOL)
assert spec is not None
assert spec.loader is not None
ripper = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ripper)


def test_what_is_accepted_is_not_told_and_the_rest_is() -> None:
    found = [(rule, title, "as ever") for rule, title in ripper.ACCEPTED]
    found.append(("WildcardResourceRule", "ProbeRole", "uses a wildcard"))
    lines = list(ripper.report({"orders/app.yaml": {"Resources": {}}}, lambda _: found))
    assert lines == ["orders/app.yaml: ProbeRole: WildcardResourceRule: uses a wildcard"]


def test_an_acceptance_that_nothing_needs_is_told() -> None:
    found = [(rule, title, "as ever") for rule, title in ripper.ACCEPTED if rule != "PublicELBCheckerRule"]
    lines = list(ripper.report({"orders/app.yaml": {"Resources": {}}}, lambda _: found))
    assert lines == ["PublicELBCheckerRule finds nothing at WebLoadBalancer any more: take it out of ripper.py"]


def test_only_what_the_model_cannot_read_is_kept_from_the_rules() -> None:
    given: dict[str, Any] = {
        "Description": "orders",
        "Resources": {
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Threshold": 0.05}},
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": "orders", "BucketNamespace": "account-regional"},
            },
        },
    }
    assert ripper.readable(given) == {
        "Description": "orders",
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "orders"}}},
    }
