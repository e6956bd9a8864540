"""What has to lie in a bucket before a stack can be deployed, and the stack that makes the bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from drgen.model.deployment import StackEntry
from drgen.model.plan import Step, Work

INLINE_LIMIT_BYTES = 51_200
"""The longest template CreateChangeSet takes inline. Source: botocore cloudformation.TemplateBody and the user guide,
"Understand CloudFormation quotas"."""

BOOTSTRAP = Path(__file__).parent / "artifacts.yaml"
STACK = "drgen-artifacts"


def bucket_name(account: str, region: str) -> str:
    return f"drgen-artifacts-{account}-{region}"


def goes_by_bucket(entry: StackEntry, *, size: int) -> bool:
    """True if the template of `size` bytes cannot, or shall not, be sent inline."""
    return entry.template_delivery == "s3" or size > INLINE_LIMIT_BYTES


def needs_bucket(entry: StackEntry, *, size: int) -> bool:
    return bool(entry.artifacts) or goes_by_bucket(entry, size=size)


def with_bootstrap(steps: Iterable[Step], *, sizes: Mapping[str, int]) -> tuple[Step, ...]:
    """The steps, with one step first for the bucket of each region where a step needs it.

    `sizes` are the template sizes in bytes, by step id.
    """
    steps = tuple(steps)
    needing = {s.id for s in steps if s.work is Work.DEPLOY and needs_bucket(s.entry, size=sizes.get(s.id, 0))}
    regions = list(dict.fromkeys(step.entry.region for step in steps if step.id in needing))
    first = tuple(_bootstrap(region) for region in regions)
    return (*first, *(_behind_bootstrap(step, needing) for step in steps))


def _behind_bootstrap(step: Step, needing: Collection[str]) -> Step:
    if step.id not in needing:
        return step
    return replace(step, needs=(_bootstrap_id(step.entry.region), *step.needs))


def _bootstrap_id(region: str) -> str:
    return f"{STACK}-{region}"


def _bootstrap(region: str) -> Step:
    entry = StackEntry(
        stack=_bootstrap_id(region),
        template=str(BOOTSTRAP),
        region=region,
        stack_name=STACK,
        stage="artifacts",
        sha256=hashlib.sha256(BOOTSTRAP.read_bytes()).hexdigest(),
        protect=("Bucket",),
        termination_protection=True,
    )
    return Step(_bootstrap_id(region), entry)
