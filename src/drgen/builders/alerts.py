"""The alerts topic of a region: encrypted, TLS only, open to alarms of this account and to EventBridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, sns

from drgen.builders.policy import THIS_ACCOUNT, actions, allow, deny_without_tls, document, service_principal
from drgen.builders.scanners import SUBSCRIPTION_DEAD_LETTERS, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, Value

MAIL = "SNS tries for six hours, and the alarm itself stays in CloudWatch: a queue of mails would have no reader."
"""Source: Amazon SNS Developer Guide, "Amazon SNS message delivery retries" (customer managed endpoints)."""


@dataclass(frozen=True)
class Alerts:
    topic_arn: Value


def alerts(stack: StackDraft, names: Names, *, key: Value, emails: Sequence[str]) -> Alerts:
    """A topic with one subscription per address; subscribers confirm by mail."""
    topic = stack.add(sns.Topic("Alerts", TopicName=names.regional("alerts"), KmsMasterKeyId=stack.use(key)))
    stack.add(
        sns.TopicPolicy("AlertsPolicy", Topics=[Ref(topic)], PolicyDocument=document(*_statements(topic))),
        why="No condition on events, as in the key's policy: EventBridge supports none here.",
    )
    for number, email in enumerate(emails, start=1):
        title = f"AlertsEmail{number}"
        subscription = sns.SubscriptionResource(
            title,
            TopicArn=Ref(topic),
            Protocol="email",
            Endpoint=email,
            Metadata=accepted({SUBSCRIPTION_DEAD_LETTERS: MAIL}),
        )
        stack.add(subscription)
    return Alerts(stack.value("AlertsTopicArn", Ref(topic), ARN, "Topic of alarms and failover messages"))


def _statements(topic: Any) -> list[Any]:
    """Source: Amazon SNS Developer Guide, "Example cases for Amazon SNS access control"; for events without a condition
    "Managing Amazon SNS encryption keys and costs"."""
    publish = actions("sns", "Publish")
    alarm_or_event = (
        ("AlarmsPublish", "cloudwatch.amazonaws.com", THIS_ACCOUNT),
        ("EventsPublish", "events.amazonaws.com", None),
    )
    statements = []
    for sid, service, condition in alarm_or_event:
        more: dict[str, Any] = {"Condition": condition} if condition is not None else {}
        statements.append(allow(sid, publish, Ref(topic), Principal=service_principal(service), **more))
    statements.append(deny_without_tls(publish, Ref(topic)))
    return statements
