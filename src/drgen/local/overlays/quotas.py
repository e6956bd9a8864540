"""Service Quotas: the quotas that `drgen check --live` asks for, with AWS's defaults. Upstream has none.

Source: Service Quotas; Amazon VPC quotas; Quotas and constraints for Amazon RDS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.overlays.overlay import Handler, Overlay
from drgen.local.providers.provider import Environment

DEFAULTS: Mapping[tuple[str, str], tuple[str, int]] = {
    ("ec2", "L-0263D0A3"): ("EC2-VPC Elastic IPs", 5),
    ("vpc", "L-F678F1CE"): ("VPCs per Region", 5),
    ("vpc", "L-A4707A72"): ("Internet gateways per Region", 5),
    ("vpc", "L-E79EC296"): ("VPC security groups per Region", 2500),
    ("rds", "L-7B6409FD"): ("DB instances", 40),
    ("rds", "L-952B80B8"): ("DB clusters", 40),
    ("rds", "L-48C6BF61"): ("DB subnet groups", 50),
    ("rds", "L-D94C7EA3"): ("Proxies", 20),
    ("elasticloadbalancing", "L-53DA6B97"): ("Application Load Balancers per Region", 50),
}


class ServiceQuotas(Overlay):
    """Quotas are told, not enforced. A request for more is granted at once."""

    def __init__(self, env: Environment) -> None:
        super().__init__(env, "granted")

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "GetAWSDefaultServiceQuota": lambda call: {"Quota": _quota(call, _default(call)[1])},
            "GetServiceQuota": lambda call: {"Quota": _quota(call, self._applied(call))},
            "RequestServiceQuotaIncrease": self._grant,
        }

    def _applied(self, call: Call) -> float:
        granted = self._tables["granted"].get(_key(call))
        return granted["value"] if granted else _default(call)[1]

    def _grant(self, call: Call) -> Mapping[str, Any]:
        wanted = float(call.params["DesiredValue"])
        if wanted <= self._applied(call):
            raise ApiError("IllegalArgumentException", "You must provide a quota value greater than the current value")
        self._tables["granted"][_key(call)] = {"value": wanted}
        given = {name: call.params[name] for name in ("ServiceCode", "QuotaCode")}
        return {"RequestedQuota": {**given, "DesiredValue": wanted, "Status": "APPROVED"}}


def _key(call: Call) -> str:
    return f"{call.region}|{call.params['ServiceCode']}|{call.params['QuotaCode']}"


def _default(call: Call) -> tuple[str, int]:
    found = DEFAULTS.get((call.params["ServiceCode"], call.params["QuotaCode"]))
    if found is None:
        raise ApiError("NoSuchResourceException", "The embedded AWS does not have this quota", status=404)
    return found


def _quota(call: Call, value: float) -> Mapping[str, Any]:
    name, _ = _default(call)
    given = {key: call.params[key] for key in ("ServiceCode", "QuotaCode")}
    return {**given, "QuotaName": name, "Value": float(value), "Adjustable": True, "GlobalQuota": False}
