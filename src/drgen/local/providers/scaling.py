"""AWS::ApplicationAutoScaling: scalable targets and policies, of ECS services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.providers.provider import Provider
from drgen.local.providers.work import Resource, Work, call

_DIMENSION, _NAMESPACE = "ScalableDimension", "ServiceNamespace"


def _register(work: Work) -> str:
    call(work.api("application-autoscaling"), "register_scalable_target", work.properties)
    return "|".join(str(work.properties[name]) for name in ("ResourceId", _DIMENSION, _NAMESPACE))


def _register_again(work: Work, _identity: str) -> None:
    _register(work)


def _of_target(identity: str) -> dict[str, str]:
    resource, dimension, namespace = identity.split("|")
    return {"ResourceId": resource, _DIMENSION: dimension, _NAMESPACE: namespace}


def _deregister(work: Work, identity: str) -> None:
    call(work.api("application-autoscaling"), "deregister_scalable_target", _of_target(identity))


def _whose(work: Work) -> Mapping[str, Any]:
    target = work.properties.get("ScalingTargetId")
    return _of_target(str(target)) if target else work.properties


def _put(work: Work) -> str:
    client = work.api("application-autoscaling")
    return str(call(client, "put_scaling_policy", work.properties, _whose(work))["PolicyARN"])


def _put_again(work: Work, _arn: str) -> None:
    _put(work)


def _delete_policy(work: Work, _arn: str) -> None:
    name = work.properties["PolicyName"]
    call(work.api("application-autoscaling"), "delete_scaling_policy", _whose(work), PolicyName=name)


SCALING_PROVIDERS: Mapping[str, Provider] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Resource(
        make=_register,
        change=_register_again,
        read=lambda _, identity: {"Id": identity},
        remove=_deregister,
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Resource(
        make=_put,
        change=_put_again,
        read=lambda _, arn: {"Arn": arn},
        remove=_delete_policy,
    ),
}
