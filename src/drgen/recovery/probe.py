"""The probe in the VPC, as the failover function asks it, and the secret that the probe signs in with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients, explain
from drgen.recovery.facts import Absent, Answer, NotObserved, Secret


@dataclass(frozen=True)
class ProbeAnswer:
    """What the probe said about both databases. `secret_read`: it read the replicated secret in its own region."""

    primary: Answer | NotObserved
    replica: Answer | NotObserved
    secret_read: bool
    heartbeat_lag_s: float | None = None


def ask_probe(function: str, clients: Clients, command: str) -> ProbeAnswer:
    """What the databases say over SQL, through the probe in the VPC. A probe that fails is an answer not observed."""
    payload = invoke_probe(function, clients, command)
    if isinstance(payload, NotObserved):
        return ProbeAnswer(payload, payload, secret_read=False)
    lag = payload.get("heartbeat_lag_s")
    return ProbeAnswer(
        primary=_answer(payload.get("primary")),
        replica=_answer(payload.get("recovery")),
        secret_read=bool(payload.get("secret_read")),
        heartbeat_lag_s=None if lag is None else float(lag),
    )


def invoke_probe(function: str, clients: Clients, command: str) -> Mapping[str, Any] | NotObserved:
    """The probe's answer as it gave it."""
    try:
        request = json.dumps({"command": command}).encode()
        answer = clients.target("lambda").invoke(FunctionName=function, Payload=request)
        payload = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        return NotObserved(f"the probe cannot be asked ({explain(error)})")
    if answer.get("FunctionError") or not isinstance(payload, dict):
        return NotObserved("the probe failed; see its log")
    return payload


def _answer(shown: Any) -> Answer | NotObserved:
    if not isinstance(shown, dict):
        return NotObserved("the probe said nothing about it")
    if shown.get("observed"):
        return Answer(in_recovery=bool(shown["in_recovery"]))
    return NotObserved(str(shown.get("reason", "no reason given")))


def describe_secret(name: str, clients: Clients, *, read: bool) -> Secret | Absent | NotObserved:
    try:
        shown = clients.target("secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        missing = error.response["Error"].get("Code") == "ResourceNotFoundException"
        return Absent() if missing else NotObserved(explain(error))
    except BotoCoreError as error:
        return NotObserved(explain(error))
    return Absent() if shown.get("DeletedDate") else Secret(read)
