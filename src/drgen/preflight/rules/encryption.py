"""DR60x: keys, topics and secrets, and who may use them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from drgen.model.finding import Severity
from drgen.preflight.policies import bodies, conditions, is_readable, statements
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.dns import ALARMS
from drgen.preflight.stack import Resource
from drgen.preflight.values import dynamic_references, is_true, is_unknown, leaves, pattern
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]
KEY = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
TOPIC = "AWS::SNS::Topic"
SECRET = "AWS::SecretsManager::Secret"
SOURCES = ("aws:SourceAccount", "aws:SourceArn")
SNS_KEYS = "Amazon SNS Developer Guide, Managing Amazon SNS encryption keys and costs"


SENDERS = (
    (ALARMS, ("AlarmActions", "OKActions", "InsufficientDataActions"), "cloudwatch.amazonaws.com"),
    (("AWS::Events::Rule",), ("Targets.Arn",), "events.amazonaws.com"),
    (("AWS::RDS::EventSubscription",), ("SnsTopicArn",), "events.rds.amazonaws.com"),
    (("AWS::S3::Bucket",), ("NotificationConfiguration.TopicConfigurations.Topic",), "s3.amazonaws.com"),
    (("AWS::Backup::BackupVault",), ("Notifications.SNSTopicArn",), "backup.amazonaws.com"),
    (("AWS::Budgets::Budget",), ("NotificationsWithSubscribers.Subscribers.Address",), "budgets.amazonaws.com"),
)
NOT_BY_DEFAULT = ("events.amazonaws.com", "s3.amazonaws.com", "backup.amazonaws.com", "budgets.amazonaws.com")
"""Services that the default policy of a topic does not admit. Source: their user guides, topic policies."""

"""What sends to topics: types, properties that name the topic, and the service principal that sends."""


def key_of(world: World, value: Resolved) -> Resource | None:
    """The key that `value` names: by ARN, id or alias."""
    key = world.target(value, *KEY)
    if key is None:
        alias = world.target(value, "AWS::KMS::Alias")
        key = world.target(alias.value("TargetKeyId"), *KEY) if alias else None
    return key


def key_allows(key: Resource, service: str, action: str) -> bool:
    document = key.properties.get("KeyPolicy")
    return any(s.allows_service(service) and s.allows(action) for s in statements(document))


@rule(
    "DR601",
    "The key of a log group lets CloudWatch Logs of its region use it",
    source="CloudWatch Logs User Guide, Encrypt log data in CloudWatch Logs using AWS KMS",
)
def logs_may_use_key(world: World) -> Found:
    """CloudWatch Logs checks the key when the group is made: without a statement for `logs.REGION.amazonaws.com` the
    group is refused. The root statement does not speak of services.

    Fix: allow `!Sub "logs.${AWS::Region}.amazonaws.com"` kms:Encrypt*, Decrypt*, ReEncrypt*, GenerateDataKey*,
    Describe*.
    """
    users: dict[tuple[Resource, str], list[Resource]] = defaultdict(list)
    for group in world.resources("AWS::Logs::LogGroup"):
        for value in group.values("KmsKeyId"):
            key = key_of(world, value)
            if key is None:
                yield NotDecided(group.place("KmsKeyId"), "the key is made by no stack of this deployment")
            elif not is_readable(key.properties.get("KeyPolicy")):
                yield NotDecided(key.place("KeyPolicy"), "a part of the key's policy is not known")
            else:
                users[key, f"logs.{group.region}.amazonaws.com"].append(group)
    for (key, service), groups in users.items():
        if not key_allows(key, service, "kms:GenerateDataKey"):
            message = f"the key's policy does not allow {service}, as {named(groups)} needs"
            yield Fault(key.place("KeyPolicy"), message, "add a statement for that principal")


def named(resources: Sequence[Resource]) -> str:
    """The first of `resources`, and how many more there are."""
    first = f"{resources[0].logical_id} of stack {resources[0].stack.key}"
    return first if len(resources) == 1 else f"{first} (and {len(resources) - 1} more)"


def publishers(world: World) -> Mapping[tuple[Resource, str], list[Resource]]:
    """Topics and the service principals that send to them by themselves, with the resources that make them send."""
    found: dict[tuple[Resource, str], list[Resource]] = defaultdict(list)
    for types, paths, service in SENDERS:
        for sender in world.resources(*types):
            for value in (value for path in paths for value in sender.values(path)):
                topic = world.target(value, TOPIC)
                if topic is not None and sender not in found[topic, service]:
                    found[topic, service].append(sender)
    return found


@rule("DR602", "A topic's key lets the services that send to it use it", source=SNS_KEYS, severity=Severity.WARNING)
def publisher_may_use_key(world: World) -> Found:
    """The alarm fires, the message cannot be encrypted, and nobody is told. The AWS managed key alias/aws/sns has a
    policy that cannot be changed.

    Fix: encrypt the topic with a key of your own whose policy allows the service kms:GenerateDataKey* and kms:Decrypt.
    """
    for (topic, service), senders in publishers(world).items():
        for key_value in topic.values("KmsMasterKeyId"):
            key = key_of(world, key_value)
            if (pattern(key_value) or "").endswith("alias/aws/sns"):
                message = f"{named(senders)} sends to it, but alias/aws/sns does not allow {service}"
                yield Fault(topic.place("KmsMasterKeyId"), message, "use a key of your own")
            elif key is None:
                yield NotDecided(topic.place("KmsMasterKeyId"), "the key is made by no stack of this deployment")
            elif not is_readable(key.properties.get("KeyPolicy")):
                yield NotDecided(key.place("KeyPolicy"), "a part of the key's policy is not known")
            elif not (key_allows(key, service, "kms:GenerateDataKey") and key_allows(key, service, "kms:Decrypt")):
                message = f"it does not allow {service}, as topic {topic.logical_id} needs for {named(senders)}"
                yield Fault(key.place("KeyPolicy"), message, f"allow {service} GenerateDataKey* and Decrypt")


@rule("DR608", "A topic's key lets EventBridge in without conditions on the source", source=SNS_KEYS,
      severity=Severity.WARNING)  # fmt: skip
def events_need_no_condition(world: World) -> Found:
    """EventBridge does not say for whom it uses the key of a topic: with a condition on aws:SourceAccount or
    aws:SourceArn it is shut out, and no event arrives.

    Fix: remove the condition from the statement of events.amazonaws.com.
    """
    for (topic, service), senders in publishers(world).items():
        for value in topic.values("KmsMasterKeyId") if service == "events.amazonaws.com" else ():
            key = key_of(world, value)
            letting = [
                body for body in bodies(key.properties.get("KeyPolicy"))
                if any(found.allows_service(service) and found.allows("kms:GenerateDataKey")
                       for found in statements({"Statement": dict(body)}))
            ] if key is not None else []  # fmt: skip
            tests = [any(True for name in SOURCES for _ in conditions(body, name)) for body in letting]
            if key is not None and tests and all(tests):
                message = f"its condition shuts EventBridge out, as topic {topic.logical_id} needs for {named(senders)}"
                yield Fault(key.place("KeyPolicy"), message, "remove the condition on the source")


@rule(
    "DR603",
    "A topic's policy lets the services that send to it publish",
    source="Amazon SNS Developer Guide, Access control",
    severity=Severity.WARNING,
)
def publisher_may_publish(world: World) -> Found:
    """The default policy admits the account's own principals. EventBridge is none of them, and a policy of your own
    takes away what the default gave to alarms: messages are dropped in silence.

    Fix: add a statement to the AWS::SNS::TopicPolicy that allows the service sns:Publish.
    """
    for (topic, service), senders in publishers(world).items():
        documents = [
            policy.properties.get("PolicyDocument")
            for policy in world.resources("AWS::SNS::TopicPolicy")
            if any(world.target(value, TOPIC) is topic for value in policy.values("Topics"))
        ]
        allowed = any(s.allows_service(service) and s.allows("sns:Publish") for d in documents for s in statements(d))
        if allowed or not (documents or service in NOT_BY_DEFAULT):
            continue
        if all(map(is_readable, documents)):
            message = f"no policy of the topic allows {service}, as {named(senders)} needs"
            yield Fault(topic.place(), message, f"allow {service} sns:Publish in a TopicPolicy")
        else:
            yield NotDecided(topic.place(), "a part of the topic's policy is not known")


@rule(
    "DR604",
    "A secret is replicated to other regions than its own",
    source="Registry schema AWS::SecretsManager::Secret",
)
def replica_region_differs(world: World) -> Found:
    """Secrets Manager refuses a replica in the secret's own region.

    Fix: name the recovery region in ReplicaRegions.
    """
    for secret in world.resources(SECRET):
        for value in secret.values("ReplicaRegions.Region"):
            if pattern(value) == secret.region:
                message = f"{secret.region} is the secret's own region"
                yield Fault(secret.place("ReplicaRegions"), message, "name another region")


@rule(
    "DR605",
    "A replica's name is free in its region",
    source="AWS Secrets Manager User Guide, Replicate AWS Secrets Manager secrets across Regions",
)
def replica_name_is_free(world: World) -> Found:
    """The replica takes the name of its primary. If a stack makes a secret of that name there, one of the two fails.

    Fix: make the secret in the primary region only and use the replica, or choose another name.
    """
    for secret in world.resources(SECRET):
        name = world.name(secret)
        regions = {pattern(value) for value in secret.values("ReplicaRegions.Region")}
        for other in world.named(SECRET, name) if name and "*" not in name else ():
            if other is not secret and other.region in regions:
                message = f"{name} is already the replica of {secret}"
                yield Fault(other.place("Name"), message, "remove it, or choose another name")


PASSWORDS = (
    ("AWS::RDS::DBInstance", "MasterUserPassword"), ("AWS::RDS::DBCluster", "MasterUserPassword"),
)  # fmt: skip


@rule(
    "DR606",
    "A generated database password holds only what RDS accepts",
    source="Registry schema AWS::RDS::DBInstance, MasterUserPassword",
)
def password_characters(world: World) -> Found:
    """RDS refuses passwords with `/`, `@`, a double quote or a space. The secret draws at random, so the same template
    fails on some days.

    Fix: set ExcludeCharacters to at least `"@/\\` and a space, or ExcludePunctuation: true.
    """
    for resource_type, path in PASSWORDS:
        for database in world.resources(resource_type):
            for reference in dynamic_references(database.properties.get(path)):
                secret = world.target(reference.name, SECRET)
                if secret is None or not secret.has("GenerateSecretString"):
                    continue
                if is_unknown(secret.properties["GenerateSecretString"]) or _is_unclear(secret):
                    continue
                excluded = secret.text("GenerateSecretString.ExcludeCharacters") or ""
                risky = [mark for mark in '/@"' if mark not in excluded]
                if risky and not is_true(secret.value("GenerateSecretString.ExcludePunctuation")):
                    message = f"the password of {database.logical_id} may hold {' '.join(risky)}"
                    yield Fault(secret.place("GenerateSecretString"), message, 'add /@" and space to ExcludeCharacters')


def _is_unclear(secret: Resource) -> bool:
    """True if ExcludeCharacters is set to something that is not known."""
    path = "GenerateSecretString.ExcludeCharacters"
    return secret.has(path) and secret.text(path) is None


@rule(
    "DR607",
    "A dynamic reference asks for a key that the secret has",
    source="CloudFormation User Guide, Get a secret or secret value from Secrets Manager",
)
def secret_has_key(world: World) -> Found:
    """CloudFormation does not find the JSON key and refuses the resource.

    Fix: use a key of SecretStringTemplate, GenerateStringKey or SecretString.
    """
    for resource in world.all_resources():
        for name, value in resource.properties.items():
            for reference in dynamic_references(value):
                key = reference.fields[1] if len(reference.fields) > 1 else ""
                secret = world.target(reference.name, SECRET) if reference.service == "secretsmanager" else None
                keys = _keys(secret) if secret and key else None
                if keys is not None and key not in keys:
                    message = f"the secret has no key {key}; it has {', '.join(sorted(keys)) or 'none'}"
                    yield Fault(resource.place(name), message, "ask for one of these keys")


def _keys(secret: Resource) -> set[str] | None:
    """The JSON keys a secret has by its template; None if it cannot be known."""
    text = secret.text("SecretString") or secret.text("GenerateSecretString.SecretStringTemplate")
    try:
        written = json.loads(text) if text else None
    except ValueError:
        return None
    if not isinstance(written, Mapping):
        return None
    drawn = {key for leaf in leaves(secret.value("GenerateSecretString.GenerateStringKey")) if (key := pattern(leaf))}
    return {str(key) for key in written} | drawn
