"""KMS keys, one pair per region: `data` for what is stored, `operations` for logs and alerts.

They are apart because services such as CloudWatch must be allowed to use the second one and never the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awacs.aws import ArnLike, Condition, Statement, StringEquals
from troposphere import GetAtt, Ref, Sub, kms

from drgen.builders.policy import ACCOUNT_ROOT, THIS_ACCOUNT, actions, allow, document, service_principal
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, Value

_ADMINISTER = actions(
    "kms", "CancelKeyDeletion", "CreateAlias", "CreateGrant", "DeleteAlias", "DescribeKey", "DisableKey",
    "DisableKeyRotation", "EnableKey", "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants",
    "ListKeyPolicies", "ListKeyRotations", "ListResourceTags", "PutKeyPolicy", "RevokeGrant", "RotateKeyOnDemand",
    "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription",
)  # fmt: skip
_USE = actions(
    "kms", "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"
)


@dataclass(frozen=True)
class Keys:
    data: Value
    operations: Value


def keys(stack: StackDraft, names: Names) -> Keys:
    """Both keys with rotation, their aliases, and policies that name every service that may use them."""
    data = _key(stack, "DataKey", names.key_alias("data"), f"{names.prefix}: stored data", ())
    operations = _key(
        stack,
        "OperationsKey",
        names.key_alias("operations"),
        f"{names.prefix}: logs and alerts",
        (_logs(stack.region), _alarms(), _publishers()),
    )
    return Keys(
        data=stack.value("DataKeyArn", GetAtt(data, "Arn"), ARN, "Key of stored data"),
        operations=stack.value("OperationsKeyArn", GetAtt(operations, "Arn"), ARN, "Key of logs and alerts"),
    )


def backup_key(stack: StackDraft, names: Names) -> Value:
    """The key of a backup vault: whoever loses or disables the key of the data still has the copies.

    AWS Backup uses it through the IAM policies of its roles. Source: AWS Backup Developer Guide, "Encryption for
    backups in AWS Backup".
    """
    key = _key(stack, "BackupKey", names.key_alias("backup"), f"{names.prefix}: backups", ())
    return stack.value("BackupKeyArn", GetAtt(key, "Arn"), ARN, "Key of backups")


def events_key(stack: StackDraft, names: Names) -> Value:
    """The key of an event bus and its archive. Events are data, so topics and logs do not share it."""
    what = f"{names.prefix}: events"
    key = _key(stack, "EventsKey", names.key_alias("events"), what, _event_bus(names.regional("events")))
    return stack.value("EventsKeyArn", GetAtt(key, "Arn"), ARN, "Key of events")


def _event_bus(name: str) -> tuple[Statement, ...]:
    """DescribeKey bears no encryption context.

    Source: EventBridge User Guide, "Encrypting EventBridge event buses with AWS KMS keys" and "Encrypting archives".
    """
    service = service_principal("events.amazonaws.com")
    arn = Sub(f"arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:event-bus/{name}")
    encrypt = actions("kms", "Decrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
    context = Condition(StringEquals({"kms:EncryptionContext:aws:events:event-bus:arn": arn}))
    return (
        allow("EventBridgeFindsKey", actions("kms", "DescribeKey"), "*", Principal=service, Condition=THIS_ACCOUNT),
        allow("EventBridgeEncryptsThisBus", encrypt, "*", Principal=service, Condition=context),
    )


def _key(stack: StackDraft, title: str, alias: str, description: str, statements: Sequence[Statement]) -> Any:
    policy = document(
        allow("AccountAdministersKey", _ADMINISTER, "*", Principal=ACCOUNT_ROOT),
        allow("AccountUsesKeyThroughIam", _USE, "*", Principal=ACCOUNT_ROOT),
        *statements,
    )
    key = kms.Key(title, Description=description, EnableKeyRotation=True, KeyPolicy=policy, PendingWindowInDays=30)
    stack.add(key, why='In a key policy Resource "*" means this key. The account keeps the right to change the policy.')
    stack.protect(key)
    stack.add(kms.Alias(f"{title}Alias", AliasName=alias, TargetKeyId=Ref(key)))
    return key


def _logs(region: str) -> Statement:
    """Source: Amazon CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS"."""
    arn = f"arn:${{AWS::Partition}}:logs:{region}:${{AWS::AccountId}}:log-group:*"
    return allow(
        "LogGroupsOfThisAccount",
        actions("kms", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"),
        "*",
        Principal=service_principal(f"logs.{region}.amazonaws.com"),
        Condition=Condition(ArnLike({"kms:EncryptionContext:aws:logs:arn": Sub(arn)})),
    )


def _alarms() -> Statement:
    """Source: Amazon SNS Developer Guide, "Managing Amazon SNS encryption keys and costs"."""
    return allow(
        "AlarmsPublishToEncryptedTopic",
        actions("kms", "Decrypt", "GenerateDataKey"),
        "*",
        Principal=service_principal("cloudwatch.amazonaws.com"),
        Condition=THIS_ACCOUNT,
    )


def _publishers() -> Statement:
    """EventBridge supports no source condition here. Source: as above."""
    return allow(
        "EventsPublishToEncryptedTopic",
        actions("kms", "Decrypt", "GenerateDataKey"),
        "*",
        Principal=service_principal("events.amazonaws.com"),
    )
