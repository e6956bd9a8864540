"""AWS::SNS and AWS::SQS: topics, subscriptions, queues and their policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from drgen.local.providers.keys import usable_key
from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, retag, tags_of

_TOPIC_ATTRIBUTES = (
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DataProtectionPolicy",
    "DisplayName",
    "FifoThroughputScope",
    "FifoTopic",
    "KmsMasterKeyId",
    "SignatureVersion",
    "TracingConfig",
)
_SUBSCRIPTION_ATTRIBUTES = (
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "ReplayPolicy",
    "SubscriptionRoleArn",
)
_QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, Mapping | list) else str(value)


def _given(work: Work, names: tuple[str, ...]) -> dict[str, str]:
    return {name: _text(work.properties[name]) for name in names if name in work.properties}


def _changed(work: Work, names: tuple[str, ...]) -> dict[str, str]:
    """The attributes that differ from the last template; one that is gone becomes empty."""
    return {name: _text(work.properties.get(name, "")) for name in names if work.changed(name)}


def _check_key(work: Work) -> None:
    key = str(work.properties.get("KmsMasterKeyId") or "")
    if key and not key.startswith("alias/aws/"):
        usable_key(work, key)


def _make_topic(work: Work) -> str:
    client = work.api("sns")
    _check_key(work)
    name = work.name("TopicName", limit=256)
    arn = work.arn("sns", name)
    if any(
        arn == topic["TopicArn"] for page in client.get_paginator("list_topics").paginate() for topic in page["Topics"]
    ):
        raise ResourceFailed(f"{name} already exists", code="AlreadyExists")
    attributes = _given(work, _TOPIC_ATTRIBUTES)
    topic = str(call(client, "create_topic", Name=name, Attributes=attributes, Tags=tags_of(work.desired))["TopicArn"])
    for item in work.properties.get("Subscription") or ():
        client.subscribe(TopicArn=topic, Protocol=item["Protocol"], Endpoint=item["Endpoint"])
    return topic


def _change_topic(work: Work, topic: str) -> None:
    client = work.api("sns")
    _check_key(work)
    for name, value in _changed(work, _TOPIC_ATTRIBUTES).items():
        client.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    new, old = (
        {(s["Protocol"], s["Endpoint"]) for s in side.get("Subscription") or ()}
        for side in (work.properties, work.desired.previous)
    )
    for protocol, endpoint in sorted(new - old):
        client.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    there = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] if old - new else []
    for item in there:
        if (item["Protocol"], item["Endpoint"]) in old - new:
            client.unsubscribe(SubscriptionArn=item["SubscriptionArn"])
    retag(work, client, {"ResourceArn": topic})


def _read_topic(_work: Work, topic: str) -> Mapping[str, Any]:
    return {"TopicArn": topic, "TopicName": topic.rpartition(":")[2]}


def _put_topic_policy(work: Work, _identity: str) -> None:
    for topic in work.properties["Topics"]:
        work.api("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=_text(work.properties["PolicyDocument"])
        )


def _drop_topic_policy(work: Work, _identity: str) -> None:
    """SNS has no way to delete a policy: the handler puts back one that lets the owner alone in."""
    for topic in work.properties["Topics"]:
        policy = {
            "Version": "2008-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes"],
                    "Resource": topic,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": work.env.account}},
                }
            ],
        }
        work.api("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))


def _make_subscription(work: Work) -> str:
    topic = str(work.properties["TopicArn"])
    region = str(work.properties.get("Region") or work.region)
    if topic.split(":")[3] != region:
        raise ResourceFailed("Invalid parameter: TopicArn", code="InvalidRequest")
    answer = call(
        work.api("sns", region),
        "subscribe",
        work.properties,
        Attributes=_given(work, _SUBSCRIPTION_ATTRIBUTES),
        ReturnSubscriptionArn=True,
    )
    return str(answer["SubscriptionArn"])


def _change_subscription(work: Work, subscription: str) -> None:
    client = work.api("sns", subscription.split(":")[3])
    for name, value in _changed(work, _SUBSCRIPTION_ATTRIBUTES).items():
        client.set_subscription_attributes(SubscriptionArn=subscription, AttributeName=name, AttributeValue=value)


def _remove_subscription(work: Work, subscription: str) -> None:
    work.api("sns", subscription.split(":")[3]).unsubscribe(SubscriptionArn=subscription)


def _make_queue(work: Work) -> str:
    client = work.api("sqs")
    _check_key(work)
    name = work.name("QueueName", limit=80)
    if any(url.rpartition("/")[2] == name for url in client.list_queues(QueueNamePrefix=name).get("QueueUrls", [])):
        raise ResourceFailed(f"{name} already exists", code="AlreadyExists")
    attributes = _given(work, _QUEUE_ATTRIBUTES)
    return str(
        call(client, "create_queue", QueueName=name, Attributes=attributes, tags=tags_of(work.desired))["QueueUrl"]
    )


def _change_queue(work: Work, url: str) -> None:
    client = work.api("sqs")
    _check_key(work)
    changed = _changed(work, _QUEUE_ATTRIBUTES)
    if changed:
        client.set_queue_attributes(QueueUrl=url, Attributes=changed)
    retag(work, client, {"QueueUrl": url}, add="tag_queue", remove="untag_queue")


def _read_queue(work: Work, url: str) -> Mapping[str, Any]:
    found = work.api("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return {"Arn": found["QueueArn"], "QueueName": url.rpartition("/")[2], "QueueUrl": url}


def _put_queue_policy(work: Work, _identity: str) -> None:
    for url in work.properties["Queues"]:
        policy = _text(work.properties["PolicyDocument"])
        work.api("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _drop_queue_policy(work: Work, _identity: str) -> None:
    for url in work.properties["Queues"]:
        work.api("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _named(work: Work) -> str:
    return work.name("Id")


MESSAGE_PROVIDERS: Mapping[str, Provider] = {
    "AWS::SNS::Topic": Resource(
        make=_make_topic,
        change=_change_topic,
        read=_read_topic,
        remove=lambda work, topic: work.api("sns").delete_topic(TopicArn=topic),
    ),
    "AWS::SNS::TopicPolicy": Resource(
        make=_named, settle=_put_topic_policy, read=lambda _, i: {"Id": i}, remove=_drop_topic_policy
    ),
    "AWS::SNS::Subscription": Resource(
        make=_make_subscription,
        change=_change_subscription,
        read=lambda _, arn: {"Arn": arn},
        remove=_remove_subscription,
    ),
    "AWS::SQS::Queue": Resource(
        make=_make_queue,
        change=_change_queue,
        read=_read_queue,
        remove=lambda work, url: work.api("sqs").delete_queue(QueueUrl=url),
    ),
    "AWS::SQS::QueuePolicy": Resource(
        make=_named, settle=_put_queue_policy, read=lambda _, i: {"Id": i}, remove=_drop_queue_policy
    ),
}
