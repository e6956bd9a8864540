"""What Route 53 knows: zones, their records, health checks, tags and changes, as the API shapes them."""

from __future__ import annotations

import copy
import secrets
import string
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drgen.local.api import ApiError

_ID = string.ascii_uppercase + string.digits

Record = dict[str, Any]


def new_zone_id() -> str:
    return "Z" + "".join(secrets.choice(_ID) for _ in range(20))


def absolute(name: str) -> str:
    """The name as Route 53 keeps it: lower case, with a final dot, and `*` written \\052."""
    lowered = name.lower().replace("*", "\\052", 1) if name.startswith("*") else name.lower()
    return lowered if lowered.endswith(".") else f"{lowered}."


def bare(identifier: str) -> str:
    """ "/hostedzone/Z1" and "Z1" are the same zone."""
    return identifier.rpartition("/")[2]


def key(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return absolute(str(record["Name"])), str(record["Type"]), str(record.get("SetIdentifier") or "")


@dataclass
class Zone:
    id: str
    name: str
    reference: str
    comment: str = ""
    private: bool = False
    vpcs: list[dict[str, str]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def serves(self, region: str) -> bool:
        """Public zones answer everybody, private ones the networks that are associated with them."""
        return not self.private or any(vpc["VPCRegion"] == region for vpc in self.vpcs)


@dataclass
class HealthCheck:
    id: str
    reference: str
    config: dict[str, Any]
    version: int = 1
    # What the check was when its alarm last had enough data; checks are healthy until then.
    last_known: bool = True


@dataclass
class Store:
    zones: dict[str, Zone] = field(default_factory=dict)
    checks: dict[str, HealthCheck] = field(default_factory=dict)
    # Tags by "hostedzone/Z1" or "healthcheck/id".
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    # When each change was submitted.
    changes: dict[str, float] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def zone(self, identifier: str) -> Zone:
        found = self.zones.get(bare(identifier))
        if found is None:
            raise ApiError("NoSuchHostedZone", f"No hosted zone found with ID: {bare(identifier)}", status=404)
        return found

    def check(self, identifier: str) -> HealthCheck:
        found = self.checks.get(identifier)
        if found is None:
            text = f"A health check with id {identifier} does not exist."
            raise ApiError("NoSuchHealthCheck", text, status=404)
        return found

    def dump(self) -> dict[str, Any]:
        with self.lock:
            return copy.deepcopy(
                {
                    "zones": [vars(zone) for zone in self.zones.values()],
                    "checks": [vars(check) for check in self.checks.values()],
                    "tags": self.tags,
                    "changes": self.changes,
                }
            )

    def restore(self, state: Mapping[str, Any]) -> None:
        with self.lock:
            self.zones = {item["id"]: Zone(**item) for item in state["zones"]}
            self.checks = {item["id"]: HealthCheck(**item) for item in state["checks"]}
            self.tags = {name: dict(tags) for name, tags in state["tags"].items()}
            self.changes = dict(state["changes"])
