"""CloudWatch Synthetics: canaries and their state. Upstream has none. Nothing runs, so nobody is asked anything.

Source: the botocore model of Synthetics; CloudWatch User Guide, "Runtime versions support policy".
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Mapping
from typing import Any

from drgen.local.api import ApiError, Call
from drgen.local.overlays.overlay import Handler, Overlay
from drgen.local.providers.provider import Environment

_OLD = re.compile(r"syn-1\.0$|syn-nodejs-2\.|syn-nodejs-puppeteer-[1-7]\.|syn-python-selenium-[1-5]\.")
"""Runtimes that take no new canary since February 2026."""

_KEPT = frozenset({
    "Name", "ArtifactConfig", "ArtifactS3Location", "ExecutionRoleArn", "FailureRetentionPeriodInDays", "KmsKeyArn",
    "ProvisionedResourceCleanup", "RunConfig", "RuntimeVersion", "Schedule", "SuccessRetentionPeriodInDays", "Tags",
})  # fmt: skip


class Synthetics(Overlay):
    def __init__(self, env: Environment) -> None:
        super().__init__(env, "canaries")

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "CreateCanary": self._create,
            "DeleteCanary": self._delete,
            "DescribeCanaries": self._describe,
            "GetCanary": lambda call: {"Canary": _shown(self._found(call))},
            "StartCanary": lambda call: self._turn(call, "RUNNING"),
            "StopCanary": lambda call: self._turn(call, "STOPPED"),
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "UpdateCanary": self._update,
        }

    @property
    def _canaries(self) -> dict[str, dict[str, Any]]:
        """By region and name."""
        return self._tables["canaries"]

    def _found(self, call: Call) -> dict[str, Any]:
        found = self._canaries.get(f"{call.region}|{call.params['Name']}")
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Canary {call.params['Name']} not found.", status=404)
        return found

    def _create(self, call: Call) -> Mapping[str, Any]:
        given, key = call.params, f"{call.region}|{call.params['Name']}"
        if key in self._canaries:
            raise ApiError("ValidationException", f"Canary name already exists: {given['Name']}")
        if _OLD.match(str(given["RuntimeVersion"])):
            raise ApiError("ValidationException", f"Deprecated runtime version: {given['RuntimeVersion']}")
        _check_time(given)
        canary = {name: value for name, value in given.items() if name in _KEPT}
        canary |= {"Id": str(uuid.uuid4()), "Status": {"State": "READY"}, "Code": {"Handler": given["Code"]["Handler"]}}
        self._canaries[key] = copy.deepcopy(canary)
        return {"Canary": _shown(canary)}

    def _update(self, call: Call) -> Mapping[str, Any]:
        found = self._found(call)
        changed = {**found, **{name: value for name, value in call.params.items() if name in _KEPT}}
        _check_time(changed)
        if "Code" in call.params:
            changed["Code"] = {"Handler": call.params["Code"]["Handler"]}
        found.update(copy.deepcopy(changed))
        return {}

    def _turn(self, call: Call, state: str) -> Mapping[str, Any]:
        self._found(call)["Status"] = {"State": state}
        return {}

    def _delete(self, call: Call) -> Mapping[str, Any]:
        if self._found(call)["Status"]["State"] == "RUNNING":
            raise ApiError("ConflictException", f"Canary {call.params['Name']} is running; stop it first.", status=409)
        del self._canaries[f"{call.region}|{call.params['Name']}"]
        return {}

    def _describe(self, call: Call) -> Mapping[str, Any]:
        here = [canary for key, canary in sorted(self._canaries.items()) if key.startswith(f"{call.region}|")]
        wanted = call.params.get("Names")
        return {"Canaries": [_shown(canary) for canary in here if not wanted or canary["Name"] in wanted]}

    def _tagged(self, call: Call) -> dict[str, Any]:
        name = str(call.params["ResourceArn"]).rpartition(":")[2]
        tags: dict[str, Any] = self._found(Call("", "", call.region, "", {"Name": name})).setdefault("Tags", {})
        return tags

    def _tag(self, call: Call) -> Mapping[str, Any]:
        self._tagged(call).update(call.params["Tags"])
        return {}

    def _untag(self, call: Call) -> Mapping[str, Any]:
        tags = self._tagged(call)
        for key in call.params["TagKeys"]:
            tags.pop(key, None)
        return {}


def _shown(canary: Mapping[str, Any]) -> dict[str, Any]:
    """The canary as the API shows it: without the environment variables of its runs."""
    shown = copy.deepcopy(dict(canary))
    shown.get("RunConfig", {}).pop("EnvironmentVariables", None)
    return shown


def _check_time(given: Mapping[str, Any]) -> None:
    """A run ends before the next one begins. Source: Synthetics API, CanaryRunConfigInput."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", str(given["Schedule"]["Expression"]))
    limit = (given.get("RunConfig") or {}).get("TimeoutInSeconds")
    if rate and limit and 0 < int(rate[1]) * (60 if rate[2] == "minute" else 3600) < int(limit):
        raise ApiError("ValidationException", "The timeout of a run is longer than the time between two runs.")
