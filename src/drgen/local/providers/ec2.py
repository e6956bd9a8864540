"""What the providers of EC2's types have in common."""

from __future__ import annotations

from typing import Any

from drgen.local.providers.provider import ResourceFailed
from drgen.local.providers.work import Work, tags_of


def describe(client: Any, method: str, key: str, **where: Any) -> dict[str, Any]:
    """The one item that the describe call finds; raises what the service raises, or ResourceFailed NotFound."""
    items = getattr(client, method)(**where)[key]
    if not items:
        raise ResourceFailed(f"{key} {next(iter(where.values()))} does not exist", code="NotFound")
    return dict(items[0])


def ec2_tags(work: Work, identity: str) -> None:
    """Tags of the template on an EC2 resource, and none of those that only the last template had."""
    client = work.api("ec2")
    wanted = tags_of(work.desired)
    old = {tag["Key"] for tag in work.desired.previous.get("Tags") or ()} - set(wanted)
    if old:
        client.delete_tags(Resources=[identity], Tags=[{"Key": key} for key in sorted(old)])
    if wanted:
        client.create_tags(Resources=[identity], Tags=[{"Key": key, "Value": wanted[key]} for key in wanted])


def by(name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]
