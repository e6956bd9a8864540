"""Events of AWS's own services on the default bus of a region.

PutEvents refuses the sources that begin with "aws.", upstream as on AWS, so the rules are read and their targets are
served here: Lambda functions, topics, queues and state machines; Input, InputPath to a member, and InputTransformer.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
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


def publish(env: Environment, event: Event) -> int:
    """How many targets the event reached. A target that cannot be reached loses it, as delivery is best effort."""
    envelope = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": event.detail_type,
        "source": event.source,
        "account": env.account,
        "time": datetime.fromtimestamp(env.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": event.region,
        "resources": list(event.resources),
        "detail": dict(event.detail),
    }
    client = env.client("events", event.region)
    text = json.dumps(envelope)
    reached = 0
    for rule in client.list_rules().get("Rules", []):
        pattern = rule.get("EventPattern")
        if rule.get("State") != "ENABLED" or not pattern:
            continue
        if client.test_event_pattern(EventPattern=pattern, Event=text)["Result"]:
            for target in client.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                reached += _deliver(env, event.region, target, _input(target, envelope))
    return reached


def _deliver(env: Environment, region: str, target: Mapping[str, Any], text: str) -> bool:
    arn = str(target["Arn"])
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
