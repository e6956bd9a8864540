"""DR641, DR644: what queues let the services do that send to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drgen.model.finding import Severity
from drgen.preflight.policies import bodies, is_readable, statements, tested
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.encryption import key_allows, key_of
from drgen.preflight.rules.invocations import QUEUE, calls, names_another, sender
from drgen.preflight.stack import Resource
from drgen.preflight.values import pattern
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


@rule(
    "DR641",
    "A queue lets the services that send to it send",
    source="Amazon SQS Developer Guide, Amazon SQS policy examples",
    severity=Severity.WARNING,
)
def queue_lets_in(world: World) -> Found:
    """A topic, a rule or a bucket sends with the queue's own policy. Without one, messages are dropped in silence; a
    bucket is refused ("Unable to validate the following destination configurations").

    Fix: add an AWS::SQS::QueuePolicy that allows the service sqs:SendMessage.
    """
    for call in calls(world, QUEUE):
        documents = [
            policy.properties.get("PolicyDocument")
            for policy in world.resources("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy")
            if any(
                world.target(value, QUEUE) is call.target
                for name in ("Queues", "Queue")
                for value in policy.values(name)
            )
        ]
        if not all(map(is_readable, documents)):
            yield NotDecided(call.target.place(), "a part of the queue's policy is not known")
            continue
        letting = [body for document in documents for body in bodies(document) if _lets_send(body, call.service)]
        calling = sender(world, call.caller)
        if letting and all(_only_others(world, body, calling) for body in letting):
            message = f"the policy of {call.target.logical_id} names another source than {call.caller.logical_id}"
            yield Fault(call.caller.place(call.path), message, "correct aws:SourceArn in the queue's policy")
        elif not letting:
            message = f"{call.service} may not send to {call.target}"
            severity = Severity.ERROR if call.at_creation else None
            yield Fault(call.caller.place(call.path), message, f"allow {call.service} sqs:SendMessage", severity)


@rule(
    "DR644",
    "A queue's key lets the services that send to it use it",
    source="Amazon SQS Developer Guide, Key management (configure KMS permissions for AWS services)",
    severity=Severity.WARNING,
)
def sender_may_use_key(world: World) -> Found:
    """The service may send, and cannot encrypt what it sends: messages are dropped in silence. The AWS managed key
    alias/aws/sqs has a policy that cannot be changed.

    Fix: encrypt the queue with a key of your own whose policy allows the service kms:GenerateDataKey* and kms:Decrypt.
    """
    for call in calls(world, QUEUE):
        for value in call.target.values("KmsMasterKeyId"):
            key, place = key_of(world, value), call.target.place("KmsMasterKeyId")
            if (pattern(value) or "").endswith("alias/aws/sqs"):
                yield Fault(place, f"alias/aws/sqs does not allow {call.service}", "use a key of your own")
            elif key is None or not is_readable(key.properties.get("KeyPolicy")):
                yield NotDecided(place, "the key, or a part of its policy, is not known")
            elif not all(key_allows(key, call.service, action) for action in ("kms:GenerateDataKey", "kms:Decrypt")):
                message = f"it does not allow {call.service}, as queue {call.target.logical_id} needs"
                yield Fault(key.place("KeyPolicy"), message, f"allow {call.service} GenerateDataKey* and Decrypt")


def _lets_send(body: Mapping[str, Any], service: str) -> bool:
    return any(
        found.allows_service(service) and found.allows("sqs:SendMessage")
        for found in statements({"Statement": dict(body)})
    )


def _only_others(world: World, body: Mapping[str, Any], calling: Resource | None) -> bool:
    """True if the statement is for other sources than `calling`, by a condition on aws:SourceArn."""
    for operator, values in tested(body, "aws:SourceArn"):
        if operator.startswith(("Arn", "String")) and "Not" not in operator and values:
            return all(names_another(world, value, calling) for value in values)
    return False
