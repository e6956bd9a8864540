"""Application Auto Scaling for ECS services, which the upstream emulator does not have.

A target holds its service between minimum and maximum at the moment it is registered. Source of the rules and texts:
Application Auto Scaling API, RegisterScalableTarget and PutScalingPolicy; user guide, "Scaling activities".
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from drgen.local.api import ApiError, Call
from drgen.local.overlays.overlay import Handler, Overlay
from drgen.local.providers.provider import Environment

_DIMENSION = "ecs:service:DesiredCount"
_IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


class Scaling(Overlay):
    def __init__(self, env: Environment) -> None:
        super().__init__(env, "targets", "policies")

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "DeleteScalingPolicy": self._delete_policy,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._describe_targets,
            "DescribeScalingPolicies": self._describe_policies,
            "PutScalingPolicy": self._put_policy,
            "RegisterScalableTarget": self._register,
        }

    @property
    def _targets(self) -> dict[str, dict[str, Any]]:
        """By region and the three parts of a target's identity, joined."""
        return self._tables["targets"]

    @property
    def _policies(self) -> dict[str, dict[str, Any]]:
        """By ARN."""
        return self._tables["policies"]

    def _register(self, call: Call) -> Mapping[str, Any]:
        given, key = call.params, _key(call.region, call.params)
        if given["ServiceNamespace"] != "ecs" or given["ScalableDimension"] != _DIMENSION:
            raise ApiError("ValidationException", "The embedded AWS scales the desired count of ECS services only")
        old = self._targets.get(key, {})
        target = {
            "Region": call.region,
            **{name: str(given[name]) for name in _IDENTITY},
            "MinCapacity": given.get("MinCapacity", old.get("MinCapacity")),
            "MaxCapacity": given.get("MaxCapacity", old.get("MaxCapacity")),
            "Created": old.get("Created", self._env.now()),
        }
        if target["MinCapacity"] is None or target["MaxCapacity"] is None:
            raise ApiError("ValidationException", "MinCapacity and MaxCapacity are required for a new scalable target")
        if target["MaxCapacity"] < target["MinCapacity"]:
            raise ApiError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
        self._hold(target)
        self._targets[key] = target
        return {"ScalableTargetARN": f"arn:aws:application-autoscaling:{call.region}:{call.account}:scalable-target/1"}

    def _hold(self, target: Mapping[str, Any]) -> None:
        """Brings the service's count between minimum and maximum."""
        client = self._env.client("ecs", str(target["Region"]))
        _, cluster, name = f"{target['ResourceId']}//".split("/")[:3]
        missing = ApiError("ValidationException", f"ECS service doesn't exist: {target['ResourceId']}")
        try:
            found = client.describe_services(cluster=cluster, services=[name])["services"]
        except ClientError as error:
            raise missing from error
        if not found or found[0]["status"] != "ACTIVE":
            raise missing
        count = int(found[0]["desiredCount"])
        held = min(max(count, int(target["MinCapacity"])), int(target["MaxCapacity"]))
        if held != count:
            client.update_service(cluster=cluster, service=name, desiredCount=held)

    def _find(self, call: Call) -> str:
        key = _key(call.region, call.params)
        if key not in self._targets:
            parts = ", ".join(str(call.params[name]) for name in _IDENTITY)
            raise ApiError("ObjectNotFoundException", f"No scalable target registered for {parts}")
        return key

    def _deregister(self, call: Call) -> Mapping[str, Any]:
        key = self._find(call)
        del self._targets[key]
        for arn in [arn for arn, policy in self._policies.items() if policy["Target"] == key]:
            del self._policies[arn]
        return {}

    def _put_policy(self, call: Call) -> Mapping[str, Any]:
        given, key = call.params, self._find(call)
        name = str(given["PolicyName"])
        same = [arn for arn, each in self._policies.items() if (each["Target"], each["PolicyName"]) == (key, name)]
        resource = f"resource/ecs/{given['ResourceId']}:policyName/{name}"
        made = f"arn:aws:autoscaling:{call.region}:{call.account}:scalingPolicy:{secrets.token_hex(16)}:{resource}"
        arn = same[0] if same else made
        old = self._policies.get(arn, {})
        plain = {each: item for each, item in given.items() if item is not None}
        created = old.get("Created", self._env.now())
        self._policies[arn] = {**old, **plain, "PolicyARN": arn, "Target": key, "Created": created}
        return {"PolicyARN": arn, "Alarms": []}

    def _delete_policy(self, call: Call) -> Mapping[str, Any]:
        key, name = self._find(call), call.params["PolicyName"]
        for arn, policy in self._policies.items():
            if (policy["Target"], policy["PolicyName"]) == (key, name):
                del self._policies[arn]
                return {}
        raise ApiError("ObjectNotFoundException", f"No scaling policy found for {name}")

    def _describe_targets(self, call: Call) -> Mapping[str, Any]:
        found = [target for target in self._targets.values() if _asked_for(target, target["Region"], call)]
        return {"ScalableTargets": [_shape(target) for target in found]}

    def _describe_policies(self, call: Call) -> Mapping[str, Any]:
        names = call.params.get("PolicyNames")
        found = [
            policy
            for policy in self._policies.values()
            if _asked_for(policy, self._targets[policy["Target"]]["Region"], call)
            and (not names or policy["PolicyName"] in names)
        ]
        return {"ScalingPolicies": [{**_shape(policy), "Alarms": []} for policy in found]}


def _key(region: str, params: Mapping[str, Any]) -> str:
    return "|".join((region, *(str(params[name]) for name in _IDENTITY)))


def _asked_for(item: Mapping[str, Any], region: str, call: Call) -> bool:
    wanted = call.params
    resources = wanted.get("ResourceIds") or [wanted.get("ResourceId") or item["ResourceId"]]
    return (
        region == call.region
        and item["ServiceNamespace"] == wanted["ServiceNamespace"]
        and item["ResourceId"] in resources
        and item["ScalableDimension"] == (wanted.get("ScalableDimension") or item["ScalableDimension"])
    )


def _shape(item: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: copy.deepcopy(value) for name, value in item.items() if name not in ("Region", "Target", "Created")}
    return {**shown, "CreationTime": datetime.fromtimestamp(item["Created"], UTC)}
