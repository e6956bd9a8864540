"""Route 53's operations on health checks, and on tags."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drgen.local.api import ApiError
from drgen.local.dns import Dns
from drgen.local.overlays.route53.store import HealthCheck, Store, bare
from drgen.local.providers.provider import Environment

Answer = Mapping[str, Any]

# Where Route 53's health checkers stand. Source: botocore, route53 HealthCheckRegion.
_CHECKERS = (
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
)


class Checks:
    def __init__(self, env: Environment, store: Store, dns: Dns) -> None:
        self._env = env
        self._store = store
        self._dns = dns

    def create(self, params: Answer) -> Answer:
        reference = str(params["CallerReference"])
        if any(check.reference == reference for check in self._store.checks.values()):
            text = "A health check with the same caller reference already exists."
            raise ApiError("HealthCheckAlreadyExists", text, status=409)
        config = {name: value for name, value in params["HealthCheckConfig"].items() if value is not None}
        _check_config(config)
        if config["Type"] not in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
            # Source: Route 53 API, HealthCheckConfig: the defaults.
            config = {"RequestInterval": 30, "FailureThreshold": 3, **config}
        check = HealthCheck(str(uuid.uuid4()), reference, {"Inverted": False, "Disabled": False, **config})
        self._store.checks[check.id] = check
        location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check.id}"
        return {"HealthCheck": _shape(check), "Location": location}

    def get(self, params: Answer) -> Answer:
        return {"HealthCheck": _shape(self._store.check(str(params["HealthCheckId"])))}

    def update(self, params: Answer) -> Answer:
        check = self._store.check(str(params["HealthCheckId"]))
        expected = params.get("HealthCheckVersion")
        if expected is not None and int(expected) != check.version:
            text = "The value of HealthCheckVersion in the request does not match the value in the health check."
            raise ApiError("HealthCheckVersionMismatch", text, status=409)
        changed = {
            name: value
            for name, value in params.items()
            if name not in ("HealthCheckId", "HealthCheckVersion", "ResetElements") and value is not None
        }
        kept = {name: value for name, value in check.config.items() if name not in (params.get("ResetElements") or ())}
        config = {**kept, **changed}
        _check_config(config)
        check.config = config
        check.version += 1
        return {"HealthCheck": _shape(check)}

    def delete(self, params: Answer) -> Answer:
        check = self._store.check(str(params["HealthCheckId"]))
        del self._store.checks[check.id]
        self._store.tags.pop(f"healthcheck/{check.id}", None)
        return {}

    def list(self, params: Answer) -> Answer:
        marker, limit = str(params.get("Marker") or ""), int(params.get("MaxItems") or 100)
        after = [check for check in sorted(self._store.checks.values(), key=lambda c: c.id) if check.id >= marker]
        more = {"NextMarker": after[limit].id} if len(after) > limit else {}
        page = [_shape(check) for check in after[:limit]]
        return {"HealthChecks": page, "Marker": marker, "IsTruncated": bool(more), "MaxItems": str(limit), **more}

    def count(self, _params: Answer) -> Answer:
        return {"HealthCheckCount": len(self._store.checks)}

    def status(self, params: Answer) -> Answer:
        """One observation from each of Route 53's checkers; they agree, as the embedded AWS asks once."""
        health = self._dns.health(str(params["HealthCheckId"]))
        now = datetime.fromtimestamp(self._env.now(), UTC)
        word = "Success" if health.healthy else "Failure"
        report = {"Status": f"{word}: {health.reason}", "CheckedTime": now}
        return {
            "HealthCheckObservations": [
                {"Region": region, "IPAddress": f"192.0.2.{number}", "StatusReport": report}
                for number, region in enumerate(_CHECKERS, 1)
            ]
        }

    def change_tags(self, params: Answer) -> Answer:
        name = self._tagged(params)
        tags = self._store.tags.setdefault(name, {})
        tags.update({tag["Key"]: str(tag.get("Value") or "") for tag in params.get("AddTags") or ()})
        for gone in params.get("RemoveTagKeys") or ():
            tags.pop(gone, None)
        return {}

    def list_tags(self, params: Answer) -> Answer:
        return {"ResourceTagSet": self._tag_set(self._tagged(params))}

    def list_many_tags(self, params: Answer) -> Answer:
        names = [self._tagged({**params, "ResourceId": identity}) for identity in params["ResourceIds"]]
        return {"ResourceTagSets": [self._tag_set(name) for name in names]}

    def _tag_set(self, name: str) -> dict[str, Any]:
        kind, _, identity = name.partition("/")
        tags = [{"Key": key, "Value": value} for key, value in self._store.tags.get(name, {}).items()]
        return {"ResourceType": kind, "ResourceId": identity, "Tags": tags}

    def _tagged(self, params: Answer) -> str:
        kind, identity = str(params["ResourceType"]), bare(str(params["ResourceId"]))
        if kind == "hostedzone":
            self._store.zone(identity)
        else:
            self._store.check(identity)
        return f"{kind}/{identity}"


def _check_config(config: Mapping[str, Any]) -> None:
    """Source: botocore, route53 HealthCheckConfig: what each type needs."""
    kind = config.get("Type")
    needs = {
        "CLOUDWATCH_METRIC": ("AlarmIdentifier",),
        "CALCULATED": ("ChildHealthChecks", "HealthThreshold"),
        "RECOVERY_CONTROL": ("RoutingControlArn",),
    }.get(str(kind), ())
    missing = [name for name in needs if config.get(name) is None]
    if missing:
        raise ApiError(
            "InvalidInput", f"Invalid parameter : {missing[0]} is required for a health check of type {kind}"
        )
    if kind in ("HTTP", "HTTPS", "TCP", "HTTP_STR_MATCH", "HTTPS_STR_MATCH") and not (
        config.get("IPAddress") or config.get("FullyQualifiedDomainName")
    ):
        raise ApiError("InvalidInput", "Invalid parameter : either IPAddress or FullyQualifiedDomainName is required")


def _shape(check: HealthCheck) -> dict[str, Any]:
    return {
        "Id": check.id,
        "CallerReference": check.reference,
        "HealthCheckConfig": dict(check.config),
        "HealthCheckVersion": check.version,
    }
