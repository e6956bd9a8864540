"""AWS::Events, AWS::Scheduler and AWS::StepFunctions: what starts things, and what runs in steps."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drgen.local.providers.provider import Provider, ResourceFailed
from drgen.local.providers.work import Resource, Work, call, is_missing, retag, tags_of


def _bus(work: Work) -> dict[str, str]:
    bus = str(work.properties.get("EventBusName") or "")
    return {"EventBusName": bus} if bus else {}


def _make_rule(work: Work) -> str:
    """Ref is the rule's name, on a bus of one's own Bus|Name."""
    name = work.name("Name")
    bus = _bus(work).get("EventBusName", "default")
    return name if bus == "default" else f"{bus}|{name}"


def _put_rule(work: Work, identity: str) -> None:
    client, name = work.api("events"), identity.rpartition("|")[2]
    given = {**work.properties, **_bus(work), "Name": name}
    if not work.desired.previous:
        given["Tags"] = tags_of(work.desired)
    call(client, "put_rule", given)
    wanted = list(work.properties.get("Targets") or ())
    kept = {str(target["Id"]) for target in wanted}
    gone = [t["Id"] for t in work.desired.previous.get("Targets") or () if str(t["Id"]) not in kept]
    if gone:
        client.remove_targets(Rule=name, Ids=gone, **_bus(work))
    if wanted:
        answer = call(client, "put_targets", _bus(work), Rule=name, Targets=wanted)
        failed = answer.get("FailedEntries") or []
        if failed:
            raise ResourceFailed(str(failed[0].get("ErrorMessage", "A target was refused")), code="InvalidRequest")


def _change_rule(work: Work, identity: str) -> None:
    retag(work, work.api("events"), {"ResourceARN": _rule_arn(work, identity)})


def _rule_arn(work: Work, identity: str) -> str:
    return work.arn("events", f"rule/{identity.replace('|', '/')}")


def _read_rule(work: Work, identity: str) -> Mapping[str, Any]:
    return {"Arn": _rule_arn(work, identity), "RuleName": identity.rpartition("|")[2]}


def _remove_rule(work: Work, identity: str) -> None:
    client, name = work.api("events"), identity.rpartition("|")[2]
    targets = client.list_targets_by_rule(Rule=name, **_bus(work))["Targets"]
    if targets:
        client.remove_targets(Rule=name, Ids=[target["Id"] for target in targets], **_bus(work))
    client.delete_rule(Name=name, **_bus(work))


def _group(work: Work) -> dict[str, str]:
    return {"GroupName": str(work.properties["GroupName"])} if work.properties.get("GroupName") else {}


def _make_schedule(work: Work) -> str:
    name = work.name("Name")
    call(work.api("scheduler"), "create_schedule", work.properties, Name=name)
    return name


def _change_schedule(work: Work, name: str) -> None:
    call(work.api("scheduler"), "update_schedule", work.properties, Name=name)


def _read_schedule(work: Work, name: str) -> Mapping[str, Any]:
    return {"Arn": work.arn("scheduler", f"schedule/{_group(work).get('GroupName', 'default')}/{name}")}


def _remove_schedule(work: Work, name: str) -> None:
    work.api("scheduler").delete_schedule(Name=name, **_group(work))


_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_-]+)\}")


def _definition(work: Work) -> str:
    """The definition with the substitutions put in. In strings only, as CloudFormation does it."""
    given = work.properties
    place = given.get("DefinitionS3Location")
    if given.get("DefinitionString") is not None:
        text = str(given["DefinitionString"])
    elif given.get("Definition") is not None:
        text = json.dumps(given["Definition"])
    elif place:
        where = {"Bucket": place["Bucket"], "Key": place["Key"]}
        text = work.api("s3").get_object(**where)["Body"].read().decode()
    else:
        raise ResourceFailed("The state machine has no definition", code="InvalidRequest")
    values = given.get("DefinitionSubstitutions") or {}

    def filled(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            return match.group(0)
        value = values[name]
        return str(value).lower() if isinstance(value, bool) else json.dumps(str(value))[1:-1]

    return _PLACEHOLDER.sub(filled, text)


def _check_machine_role(work: Work) -> None:
    try:
        work.api("iam", "us-east-1").get_role(RoleName=str(work.properties["RoleArn"]).rsplit("/", 1)[-1])
    except ClientError as error:
        if not is_missing(error):
            raise
        text = "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume"
        raise ResourceFailed(f"{text} the provided role.", code="InvalidRequest") from error
    except BotoCoreError:
        # The region's STS decides this on AWS; IAM's control plane may be dark.
        return


def _machine(work: Work) -> dict[str, Any]:
    """The properties in the API's names: it begins with a small letter everywhere, and so do the nested ones."""
    given: dict[str, Any] = {"definition": _definition(work), "roleArn": work.properties["RoleArn"]}
    for prop in ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration"):
        if prop in work.properties:
            given[prop] = work.properties[prop]
    return given


def _make_machine(work: Work) -> str:
    _check_machine_role(work)
    client = work.api("stepfunctions")
    name = work.name("StateMachineName", limit=80)
    arn = work.arn("states", f"stateMachine:{name}")
    pages = client.get_paginator("list_state_machines").paginate()
    if any(machine["stateMachineArn"] == arn for page in pages for machine in page["stateMachines"]):
        raise ResourceFailed(f"State Machine Already Exists: '{arn}'", code="AlreadyExists")
    kind = str(work.properties.get("StateMachineType", "STANDARD"))
    answer = call(client, "create_state_machine", _machine(work), name=name, type=kind, tags=tags_of(work.desired))
    return str(answer["stateMachineArn"])


def _change_machine(work: Work, arn: str) -> None:
    _check_machine_role(work)
    client = work.api("stepfunctions")
    call(client, "update_state_machine", _machine(work), stateMachineArn=arn)
    retag(work, client, {"resourceArn": arn})


def _read_machine(work: Work, arn: str) -> Mapping[str, Any]:
    found = work.api("stepfunctions").describe_state_machine(stateMachineArn=arn)
    return {
        "Arn": arn,
        "Name": found["name"],
        "StateMachineRevisionId": str(found.get("revisionId", "INITIAL")),
    }


FLOW_PROVIDERS: Mapping[str, Provider] = {
    "AWS::Events::Rule": Resource(
        make=_make_rule, change=_change_rule, settle=_put_rule, read=_read_rule, remove=_remove_rule
    ),
    "AWS::Scheduler::Schedule": Resource(
        make=_make_schedule, change=_change_schedule, read=_read_schedule, remove=_remove_schedule
    ),
    "AWS::StepFunctions::StateMachine": Resource(
        make=_make_machine,
        change=_change_machine,
        read=_read_machine,
        remove=lambda work, arn: work.api("stepfunctions").delete_state_machine(stateMachineArn=arn),
    ),
}
