"""AWS::RDS::DBParameterGroup and AWS::RDS::DBClusterParameterGroup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drgen.local.providers.rds_live import pairs, retag
from drgen.local.providers.work import Resource, Work, call, tags_of
from drgen.local.rds.parameter_groups import STATIC_PARAMETERS

_PARAMETERS_PER_CALL = 20


class _Group:
    """The groups of instances, or those of clusters. `noun` is RDS's in every call, `arn` the kind in its ARNs."""

    def __init__(self, *, noun: str, method: str, arn: str) -> None:
        self._name = f"{noun}Name"
        self._noun, self._method, self._arn_kind = noun, method, arn

    def make(self, work: Work) -> str:
        name = work.name(self._name, limit=255, lower=True).lower()
        call(
            work.api("rds"),
            f"create_{self._method}_group",
            {self._name: name},
            DBParameterGroupFamily=work.properties["Family"],
            Description=work.properties["Description"],
            Tags=pairs(tags_of(work.desired)),
        )
        return name

    def settle(self, work: Work, name: str) -> None:
        """Sets what the template says and resets what it no longer says, each in the way its kind can be applied."""
        client = work.api("rds")
        wanted = {key: str(value) for key, value in (work.properties.get("Parameters") or {}).items()}
        described = client.get_paginator(f"describe_{self._method}s").paginate(**{self._name: name}, Source="user")
        present = {entry["ParameterName"]: entry for page in described for entry in page["Parameters"]}
        gone = [
            {"ParameterName": key, "ApplyMethod": entry["ApplyMethod"]}
            for key, entry in present.items()
            if key not in wanted
        ]
        if gone:
            call(client, f"reset_{self._method}_group", {self._name: name}, ResetAllParameters=False, Parameters=gone)
        changed = [key for key, value in wanted.items() if present.get(key, {}).get("ParameterValue") != value]
        for start in range(0, len(changed), _PARAMETERS_PER_CALL):
            some = changed[start : start + _PARAMETERS_PER_CALL]
            entries = [_entry(key, wanted[key]) for key in some]
            call(client, f"modify_{self._method}_group", {self._name: name}, Parameters=entries)

    def change(self, work: Work, name: str) -> None:
        retag(work, self._arn(work, name))

    def read(self, work: Work, name: str) -> Mapping[str, Any]:
        return {f"{self._noun}Arn": self._arn(work, name)} if self._noun == "DBParameterGroup" else {}

    def remove(self, work: Work, name: str) -> None:
        call(work.api("rds"), f"delete_{self._method}_group", {self._name: name})

    def _arn(self, work: Work, name: str) -> str:
        return work.arn("rds", f"{self._arn_kind}:{name}")


def _entry(name: str, value: str) -> dict[str, str]:
    method = "pending-reboot" if name in STATIC_PARAMETERS else "immediate"
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}


def _resource(group: _Group) -> Resource:
    return Resource(make=group.make, settle=group.settle, change=group.change, read=group.read, remove=group.remove)


INSTANCE_GROUP = _resource(_Group(noun="DBParameterGroup", method="db_parameter", arn="pg"))
CLUSTER_GROUP = _resource(_Group(noun="DBClusterParameterGroup", method="db_cluster_parameter", arn="cluster-pg"))
