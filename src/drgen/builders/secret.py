"""The database's credentials: generated, never written down, replicated once the recovery region has its key."""

from __future__ import annotations

import json
from dataclasses import dataclass

from troposphere import Ref, secretsmanager

from drgen.builders.policy import actions as named
from drgen.builders.policy import deny_without_tls, document
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, Value

REFUSED_IN_PASSWORDS = "\"@/\\' "
"""Source: registry schema AWS::RDS::DBInstance, MasterUserPassword; Amazon RDS User Guide, "Quotas and constraints"."""


@dataclass(frozen=True)
class Secret:
    arn: Value
    name: str


def database_secret(
    stack: StackDraft,
    names: Names,
    *,
    username: str,
    key: Value,
    replica_region: str,
    replica_key: Value,
    rules_out: str = "read replicas",
) -> Secret:
    """A secret with `username` and `password`, and its replica under the other region's key, which is bound late.

    `rules_out` is what a password that RDS manages itself would rule out: the reason why this one exists.

    The replica's key must exist before the secret can use it, and the primary region comes first.
    Source: Secrets Manager User Guide, "Replicate AWS Secrets Manager secrets across Regions".
    """
    late = stack.use_late(replica_key)
    replica = secretsmanager.ReplicaRegion(Region=replica_region, KmsKeyId=late.ref)
    secret = secretsmanager.Secret(
        "DatabaseSecret",
        Name=names.secret,
        Description=f"Master user of the {names.prefix} database",
        KmsKeyId=stack.use(key),
        GenerateSecretString=secretsmanager.GenerateSecretString(
            SecretStringTemplate=json.dumps({"username": username}),
            GenerateStringKey="password",
            PasswordLength=40,
            ExcludeCharacters=REFUSED_IN_PASSWORDS,
        ),
        ReplicaRegions=stack.when_known(late, [replica]),
    )
    stack.add(secret, why=f"RDS cannot manage the password itself: a managed password rules out {rules_out}.")
    stack.protect(secret)
    stack.add(
        secretsmanager.ResourcePolicy(
            "DatabaseSecretPolicy",
            SecretId=Ref(secret),
            BlockPublicPolicy=True,
            ResourcePolicy=document(deny_without_tls(named("secretsmanager", "GetSecretValue"), "*")),
        )
    )
    return Secret(stack.value("DatabaseSecretArn", Ref(secret), ARN, "Secret with the master user"), names.secret)


def password(names: Names) -> str:
    return f"{{{{resolve:secretsmanager:{names.secret}:SecretString:password}}}}"


def username(names: Names) -> str:
    return f"{{{{resolve:secretsmanager:{names.secret}:SecretString:username}}}}"
