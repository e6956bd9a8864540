"""What CloudWatch tells EventBridge: one event for each change of an alarm's state, on the alarm's region's bus.

The upstream emulator runs an alarm's actions and sends no event. Source of the event's form: CloudWatch guide, "Alarm
events and EventBridge".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.api import ApiError, Call
from drgen.local.bus import Event, publish
from drgen.local.overlays.silence import treat_missing_data
from drgen.local.providers.provider import Environment

# Regions that every account has from the start. Source: AWS Account Management guide, "Regions enabled by default".
_REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1",
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
)  # fmt: skip


class AlarmEvents:
    """Watches the alarms of the regions that have some, and looks into one other region at each tick."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._states: dict[str, dict[str, dict[str, str]]] = {}
        self._next = 0

    def operations(self) -> frozenset[str]:
        return frozenset()

    def handle(self, call: Call) -> Mapping[str, Any]:
        raise ApiError("InvalidAction", f"{call.operation} is not answered here")

    def tick(self) -> None:
        """Called about once a second of real time."""
        self._next = (self._next + 1) % len(_REGIONS)
        for region in sorted({*self._states, _REGIONS[self._next]}):
            try:
                if region == _REGIONS[self._next]:
                    self._silence(region)
                self._look(region)
            except (BotoCoreError, ClientError):
                # A dark region's alarms are looked at again when it is back.
                continue

    def _look(self, region: str) -> None:
        pages = (
            self._env.client("cloudwatch", region)
            .get_paginator("describe_alarms")
            .paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        )
        alarms = [alarm for page in pages for key in ("MetricAlarms", "CompositeAlarms") for alarm in page.get(key, [])]
        before = self._states.get(region, {})
        now = {str(alarm["AlarmName"]): _state(alarm) for alarm in alarms}
        if now:
            self._states[region] = now
        else:
            self._states.pop(region, None)
        for alarm in alarms:
            name = str(alarm["AlarmName"])
            if now[name]["value"] != before.get(name, _NEW)["value"]:
                publish(self._env, _event(region, alarm, now[name], before.get(name, _NEW)))

    def _silence(self, region: str) -> None:
        """Gives the alarms without data the state that they ask for. Each region has its turn every 17 ticks."""
        client, now = self._env.client("cloudwatch", region), datetime.now(UTC)
        for page in client.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
            for alarm in page["MetricAlarms"]:
                state = treat_missing_data(client, alarm, now)
                if state is not None:
                    how = alarm.get("TreatMissingData") or "missing"
                    reason = f"No datapoints were received; missing data is treated as {how}."
                    client.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue=state, StateReason=reason)

    def dump(self) -> Any:
        return {region: dict(states) for region, states in self._states.items()}

    def restore(self, state: Any) -> None:
        self._states = {region: dict(states) for region, states in state.items()}


# An alarm is born without data, which is no change of state.
_NEW = {"value": "INSUFFICIENT_DATA", "reason": "Unchecked: Initial alarm creation", "timestamp": ""}


def _state(alarm: Mapping[str, Any]) -> dict[str, str]:
    at = alarm.get("StateUpdatedTimestamp")
    return {
        "value": str(alarm["StateValue"]),
        "reason": str(alarm.get("StateReason", "")),
        "timestamp": at.isoformat() if isinstance(at, datetime) else str(at or ""),
    }


def _event(region: str, alarm: Mapping[str, Any], now: Mapping[str, str], before: Mapping[str, str]) -> Event:
    return Event(
        region=region,
        source="aws.cloudwatch",
        detail_type="CloudWatch Alarm State Change",
        resources=(str(alarm["AlarmArn"]),),
        detail={
            "alarmName": alarm["AlarmName"],
            "state": dict(now),
            "previousState": dict(before),
            "configuration": {"description": alarm.get("AlarmDescription", "")},
        },
    )
