"""Holds the committed templates to cfripper's rules. `make lint` runs it.

It runs in the environment of the scanners and imports nothing of drgen. cfripper reads no suppression in a template, so
what it finds and what stays as it is stands here, with the reason.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ACCEPTED = {
    ("EC2SecurityGroupOpenToWorldRule", "WebLoadBalancerGroup"): "a public website; port 80 only redirects",
    (
        "GenericResourceFullWildcardPrincipalRule",
        "S3Endpoint",
    ): "ECR signs requests for image layers, from a bucket of AWS",
    ("HardcodedRDSPasswordRule", "Cluster"): "a dynamic reference to a secret, which the rule takes for a password",
    ("HardcodedRDSPasswordRule", "Database"): "a dynamic reference to a secret, which the rule takes for a password",
    ("PublicELBCheckerRule", "WebLoadBalancer"): "a public website",
    ("WildcardResourceRule", "FailoverRole"): "descriptions only; what it changes is named",
    ("WildcardResourceRule", "MachineRole"): "log delivery takes no resources",
}
"""By rule and logical id."""

Scan = Callable[[dict[str, Any]], list[tuple[str, str, str]]]
"""Rule, logical id and message of what is wrong with a template."""


def readable(template: dict[str, Any]) -> dict[str, Any]:
    """The template without what pycfmodel 2.1 cannot read and no rule looks at: alarms, and namespaces of buckets."""
    kept = {}
    for title, resource in template.get("Resources", {}).items():
        if resource["Type"] != "AWS::CloudWatch::Alarm":
            properties = resource.get("Properties", {})
            kept[title] = {**resource, "Properties": {k: v for k, v in properties.items() if k != "BucketNamespace"}}
    return {**template, "Resources": kept}


def report(templates: dict[str, dict[str, Any]], scan: Scan) -> Iterator[str]:
    """One line for each finding that is not accepted, and for each acceptance that nothing needs any more."""
    used = set()
    for path, template in templates.items():
        for rule, title, text in scan(readable(template)):
            if (rule, title) in ACCEPTED:
                used.add((rule, title))
            else:
                yield f"{path}: {title}: {rule}: {text}"
    for rule, title in ACCEPTED.keys() - used:
        yield f"{rule} finds nothing at {title} any more: take it out of {Path(__file__).name}"


def _scanner() -> Scan:
    import pycfmodel
    from cfripper.cli import init_cfripper
    from cfripper.model.enums import RuleMode

    config, processor = init_cfripper(None, None, None, None)

    def scan(template: dict[str, Any]) -> list[tuple[str, str, str]]:
        if not template["Resources"]:
            return []
        result = processor.process_cf_template(pycfmodel.parse(template), config)
        if result.exceptions:
            raise result.exceptions[0]
        found = result.get_failures(include_rule_modes={RuleMode.BLOCKING})
        return [(each.rule, title, each.reason) for each in found for title in sorted(each.resource_ids or [""])]

    return scan


def main(folder: Path) -> int:
    from cfripper.model.utils import convert_json_or_yaml_to_dict

    # Types without a model of their own are a warning each.
    logging.disable(logging.WARNING)
    paths = sorted(folder.glob("*/*/*.yaml"))
    templates = {str(path): convert_json_or_yaml_to_dict(path.read_text("utf-8")) for path in paths}
    lines = list(report(templates, _scanner()))
    print(*lines, f"cfripper: {len(templates)} templates in {folder}, {len(lines)} findings", sep="\n")
    return 1 if lines or not templates else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
