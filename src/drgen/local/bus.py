"""Events that upstream does not deliver: those of AWS's own services, and those that come from another region.

PutEvents refuses the sources that begin with "aws.", upstream as on AWS, and gives an event the region of the call.
So the rules are read and their targets are served here: Lambda functions, topics, queues, state machines and other
buses; Input, InputPath to a member, and InputTransformer.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Environment

_PLACEHOLDER = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True)
class Event:
    region: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]
    resources: Sequence[str] = ()


@dataclass(frozen=True)
class ForwardedEvent:
    """An event on its way from `origin` to `bus` in `region`, since a moment on the virtual clock."""

    id: str
    origin: str
    region: str
    bus: str
    envelope: Mapping[str, Any]
    target: Mapping[str, Any]
    since: float


def publish(env: Environment, event: Event) -> int:
    """How many targets the event reached. A target that cannot be reached loses it, as delivery is best effort."""
    envelope = envelope_of(
        env,
        region=event.region,
        source=event.source,
        detail_type=event.detail_type,
        detail=event.detail,
        resources=event.resources,
    )
    return on_bus(env, event.region, "default", envelope)


def envelope_of(
    env: Environment, *, region: str, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]
) -> dict[str, Any]:
    """A new event as targets see it. Source: EventBridge Events Reference, "AWS service event metadata"."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": env.account,
        "time": datetime.fromtimestamp(env.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": list(resources),
        "detail": dict(detail),
    }


def on_bus(env: Environment, region: str, bus: str, envelope: Mapping[str, Any], *, hops: int = 0) -> int:
    """How many targets of the bus's rules the event reached. Raises a botocore error if the region does not answer."""
    targets = list(matches(env, region, bus, envelope))
    return sum(_deliver(env, region, target, envelope, hops=hops) for target in targets)


def matches(env: Environment, region: str, bus: str, envelope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The targets of the bus's rules that the event matches."""
    client = env.client("events", region)
    text = json.dumps(envelope)
    for rule in client.list_rules(EventBusName=bus).get("Rules", []):
        pattern = rule.get("EventPattern")
        if rule.get("State") != "ENABLED" or not pattern:
            continue
        if client.test_event_pattern(EventPattern=pattern, Event=text)["Result"]:
            yield from client.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]


def dead_letter(env: Environment, event: ForwardedEvent) -> None:
    """Puts the event into the target's dead-letter queue; without one it is lost."""
    arn = str((event.target.get("DeadLetterConfig") or {}).get("Arn") or "")
    if arn:
        _deliver(env, event.origin, {"Arn": arn}, event.envelope, hops=0)


MOST_HOPS = 5
"""Rules of an own making can send an event in circles; AWS would go on and send the bill."""


def _deliver(
    env: Environment, region: str, target: Mapping[str, Any], envelope: Mapping[str, Any], *, hops: int
) -> bool:
    arn, text = str(target["Arn"]), _input(target, envelope)
    service = arn.split(":")[2]
    try:
        match service:
            case "lambda":
                env.client("lambda", region).invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())
            case "sns":
                env.client("sns", region).publish(TopicArn=arn, Message=text)
            case "sqs":
                client = env.client("sqs", region)
                url = client.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
                group = (target.get("SqsParameters") or {}).get("MessageGroupId")
                client.send_message(QueueUrl=url, MessageBody=text, **({"MessageGroupId": group} if group else {}))
            case "states":
                env.client("stepfunctions", region).start_execution(stateMachineArn=arn, input=text)
            case "events" if ":event-bus/" in arn and hops < MOST_HOPS:
                on_bus(env, arn.split(":")[3], arn.rpartition("/")[2], envelope, hops=hops + 1)
            case _:
                return False
    except (BotoCoreError, ClientError):
        return False
    return True


def _input(target: Mapping[str, Any], envelope: Mapping[str, Any]) -> str:
    """What the target gets of the event."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(_at(envelope, str(target["InputPath"])))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(envelope)
    values = {name: _at(envelope, path) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {"aws.events.rule-arn": "", "aws.events.event.json": dict(envelope)}
    template = str(transformer["InputTemplate"])
    return _PLACEHOLDER.sub(lambda match: _filled(match, values, template), template)


def _filled(match: re.Match[str], values: Mapping[str, Any], template: str) -> str:
    """A string inside quotes stays bare; anywhere else it is written as JSON."""
    name = match.group(1)
    if name not in values:
        return match.group(0)
    quoted = template[: match.start()].count('"') % 2 == 1
    value = values[name]
    text = json.dumps(value)
    if not quoted:
        return text if template.lstrip().startswith("{") or not isinstance(value, str) else value
    return text[1:-1] if isinstance(value, str) else text


def _at(envelope: Mapping[str, Any], path: str) -> Any:
    """The member at a path such as $.detail.state.value; None where there is none."""
    found: Any = envelope
    for step in path.removeprefix("$").strip(".").split("."):
        if step:
            found = found.get(step) if isinstance(found, Mapping) else None
    return found
