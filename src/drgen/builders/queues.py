"""Queues for what could not be done: encrypted, TLS only, with an alarm on the first message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, sqs

from drgen.builders.alarms import alarm
from drgen.builders.policy import actions, deny_without_tls, document
from drgen.builders.scanners import QUEUE_DEAD_LETTERS, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import Value

KEPT_S = 14 * 24 * 3600
"""The longest that SQS keeps a message. Source: registry schema AWS::SQS::Queue, MessageRetentionPeriod."""

LAST = "It is where dead letters end; an alarm tells of the first."


@dataclass(frozen=True)
class DeadLetters:
    arn: Any


def dead_letters(
    stack: StackDraft,
    names: Names,
    *,
    title: str,
    thing: str,
    about: str,
    key: Value,
    topic: Value,
    senders: Sequence[Any] = (),
) -> DeadLetters:
    """A queue named `<prefix>-<thing>` that keeps what failed for 14 days. `topic` hears of the first message.

    `senders` are the statements that let services send; a sender with a role of its own needs none. Source of the
    metric: Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS".
    """
    queue = sqs.Queue(
        title,
        QueueName=names.regional(thing),
        KmsMasterKeyId=stack.use(key),
        MessageRetentionPeriod=KEPT_S,
        Metadata=accepted({QUEUE_DEAD_LETTERS: LAST}),
    )
    stack.add(queue, why=f"{about}. Look at a message, mend the cause, then send it again.")
    stack.keep(queue)
    policy = document(*senders, deny_without_tls(actions("sqs", "*"), GetAtt(queue, "Arn")))
    stack.add(sqs.QueuePolicy(f"{title}Policy", Queues=[Ref(queue)], PolicyDocument=policy))
    alarm(
        stack,
        f"{title}Alarm",
        name=names.regional(thing),
        description=about,
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": GetAtt(queue, "QueueName")},
        statistic="Maximum",
        threshold=0,
        periods=1,
        topic=topic,
    )
    return DeadLetters(GetAtt(queue, "Arn"))
