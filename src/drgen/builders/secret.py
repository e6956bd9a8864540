"""The database's credentials: generated, never written down, replicated once the recovery region has its key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from troposphere import Condition, If, NoValue, Or, Ref, secretsmanager

from drgen.builders.policy import actions as named
from drgen.builders.policy import deny_without_tls, document
from drgen.builders.scanners import ROTATION, accepted
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN, Value

REFUSED_IN_PASSWORDS = "\"@/\\' "
"""Source: registry schema AWS::RDS::DBInstance, MasterUserPassword; Amazon RDS User Guide, "Quotas and constraints"."""


HAS_REPLICAS = "HasDatabaseSecretReplicas"


BY_PEOPLE = (
    "A rotation that meets a failover leaves a password that one region does not know: people change it, in the "
    "database and here. IAM authentication spares applications the password."
)


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
    replicas: Mapping[str, Value],
    rules_out: str = "read replicas",
) -> Secret:
    """A secret with `username` and `password`, and a replica in each region of `replicas` under that region's key.

    `rules_out` is what a password that RDS manages itself would rule out: the reason why this one exists.

    A replica's key must exist before the secret can use it, and the primary region comes first: keys are bound late.
    Source: Secrets Manager User Guide, "Replicate AWS Secrets Manager secrets across Regions".
    """
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
        ReplicaRegions=_replicas(stack, replicas),
        Metadata=accepted({ROTATION: BY_PEOPLE}),
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


def _replicas(stack: StackDraft, replicas: Mapping[str, Value]) -> If:
    """The replicas whose keys are known; no list at all while none is."""
    late = {region: stack.use_late(key) for region, key in replicas.items()}
    made = {
        value.condition: secretsmanager.ReplicaRegion(Region=region, KmsKeyId=value.ref)
        for region, value in late.items()
    }
    if len(made) == 1:
        ((condition, replica),) = made.items()
        return If(condition, [replica], NoValue)
    stack.conditions[HAS_REPLICAS] = Or(*(Condition(name) for name in made))
    return If(HAS_REPLICAS, [If(name, replica, NoValue) for name, replica in made.items()], NoValue)


def password(names: Names) -> str:
    return f"{{{{resolve:secretsmanager:{names.secret}:SecretString:password}}}}"


def username(names: Names) -> str:
    return f"{{{{resolve:secretsmanager:{names.secret}:SecretString:username}}}}"
