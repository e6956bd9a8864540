"""Event buses, and the rules that carry events from the bus of one region to the bus of another.

Source: Amazon EventBridge User Guide, "Sending and receiving events between AWS Regions", "Encrypting EventBridge event
buses with AWS KMS keys" and "Using dead-letter queues to process undelivered events".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awacs.aws import ArnLike, Condition
from troposphere import GetAtt, Ref, Sub, events

from drgen.builders.policy import ACCOUNT_ROOT, actions, allow, role, service_principal
from drgen.builders.queues import DeadLetters, dead_letters
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, TEXT, Value

TRY_FOR_S, TRIES = 24 * 3600, 185
"""As long and as often as EventBridge tries. Source: EventBridge User Guide, "Event retry policy"."""


@dataclass(frozen=True)
class Bus:
    name: Value
    arn: Value
    lost_arn: Value


def bus(
    stack: StackDraft, names: Names, *, key: Value, queue_key: Value, topic: Value, archive_days: int | None
) -> Bus:
    """A bus that this account may send to, a queue for what cannot be delivered, and an alarm on that queue."""
    name = names.regional("events")
    lost = _lost(stack, names, bus_name=name, key=queue_key, topic=topic)
    made = stack.add(
        events.EventBus(
            "EventBus",
            Name=name,
            Description=f"Events of {names.prefix}",
            KmsKeyIdentifier=stack.use(key),
            DeadLetterConfig=events.DeadLetterConfig(Arn=lost.arn),
        ),
        why="The bus's own dead letters are events that could not be encrypted or decrypted.",
    )
    sending = allow("AccountSendsEvents", actions("events", "PutEvents"), GetAtt(made, "Arn"), Principal=ACCOUNT_ROOT)
    policy = events.EventBusPolicy("EventBusPolicy", EventBusName=Ref(made), StatementId="AccountSendsEvents")
    policy.properties["Statement"] = sending
    stack.add(policy)
    if archive_days is not None:
        _archive(stack, name, made, key=key, days=archive_days)
    return Bus(
        name=stack.value("EventBusName", Ref(made), TEXT, "Event bus"),
        arn=stack.value("EventBusArn", GetAtt(made, "Arn"), ARN, "Event bus"),
        lost_arn=stack.value("LostEventsArn", lost.arn, ARN, "Queue of undelivered events"),
    )


def _archive(stack: StackDraft, name: str, of_bus: Any, *, key: Value, days: int) -> None:
    made = events.Archive(
        "Archive",
        ArchiveName=name,
        Description="Every event of the bus, to send it again",
        SourceArn=GetAtt(of_bus, "Arn"),
        RetentionDays=days,
        KmsKeyIdentifier=stack.use(key),
    )
    stack.add(made)
    stack.keep(made)


def _lost(stack: StackDraft, names: Names, *, bus_name: str, key: Value, topic: Value) -> DeadLetters:
    title = "LostEvents"
    here = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
    sending = allow(
        "BusAndItsRulesSend",
        actions("sqs", "SendMessage"),
        GetAtt(title, "Arn"),
        Principal=service_principal("events.amazonaws.com"),
        Condition=Condition(
            ArnLike({"aws:SourceArn": [Sub(f"{here}:event-bus/{bus_name}"), Sub(f"{here}:rule/{bus_name}/*")]})
        ),
    )
    return dead_letters(
        stack,
        names,
        title=title,
        thing="lost-events",
        about="Events that EventBridge could not deliver",
        key=key,
        topic=topic,
        senders=[sending],
    )


def forward(stack: StackDraft, names: Names, source: Bus, *, to: Sequence[Bus]) -> None:
    """Events that were sent to `source` in this region reach each bus of `to`.

    An event keeps the region it was sent in, so one that was forwarded here is not sent back: no loop.
    """
    targets = {bus.arn.owner.region: stack.use(bus.arn) for bus in to}
    sender = role(
        stack,
        "ForwardingRole",
        name=names.everywhere("forward-events", stack.region),
        service="events.amazonaws.com",
        statements=[allow("SendToOtherRegions", actions("events", "PutEvents"), list(targets.values()))],
    )
    stack.add(
        events.Rule(
            "Forwarding",
            Name=names.regional("forward-events"),
            Description=f"Events sent in {stack.region} go to {', '.join(targets)}",
            EventBusName=stack.use(source.name),
            EventPattern={"region": [stack.region]},
            State="ENABLED",
            Targets=[_target(stack, source, region, arn, sender) for region, arn in targets.items()],
        ),
        why="An event keeps the region in which it was sent: what came from the other region is not sent back.",
    )


def _target(stack: StackDraft, source: Bus, region: str, arn: Any, sender: Any) -> Any:
    return events.Target(
        Id=region,
        Arn=arn,
        RoleArn=GetAtt(sender, "Arn"),
        DeadLetterConfig=events.DeadLetterConfig(Arn=stack.use(source.lost_arn)),
        RetryPolicy=events.RetryPolicy(MaximumEventAgeInSeconds=TRY_FOR_S, MaximumRetryAttempts=TRIES),
    )
