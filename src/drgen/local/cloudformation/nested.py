"""Nested stacks: a resource that is a stack, made through CloudFormation's own API."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from drgen.local.providers.provider import Desired, Environment, Physical, ResourceFailed

_POLL_SECONDS = 5.0
_LIMIT_SECONDS = 36 * 3600.0


class NestedStackProvider:
    """Handlers of AWS::CloudFormation::Stack. Ref is the stack's id; `Outputs.X` its outputs."""

    def create(self, env: Environment, desired: Desired) -> Physical:
        client = env.client("cloudformation", desired.region)
        answer = client.create_stack(
            StackName=f"{desired.stack_name}-{desired.logical_id}-{desired.stack_id[-12:].upper()}"[:128],
            DisableRollback=False,
            **_request(desired),
        )
        return self._finished(env, client, answer["StackId"], "CREATE_COMPLETE")

    def update(self, env: Environment, desired: Desired, current: Physical) -> Physical:
        client = env.client("cloudformation", desired.region)
        try:
            client.update_stack(StackName=current.id, **_request(desired))
        except ClientError as error:
            if "No updates are to be performed" not in error.response["Error"]["Message"]:
                raise
            return _physical(client.describe_stacks(StackName=current.id)["Stacks"][0])
        return self._finished(env, client, current.id, "UPDATE_COMPLETE")

    def delete(self, env: Environment, desired: Desired, current: Physical) -> None:
        client = env.client("cloudformation", desired.region)
        client.delete_stack(StackName=current.id)
        self._finished(env, client, current.id, "DELETE_COMPLETE")

    def _finished(self, env: Environment, client: Any, stack_id: str, wanted: str) -> Physical:
        found: dict[str, Any] = {}

        def settled() -> bool:
            found.update(client.describe_stacks(StackName=stack_id)["Stacks"][0])
            return not str(found["StackStatus"]).endswith("_IN_PROGRESS")

        env.wait(settled, every=_POLL_SECONDS, limit=_LIMIT_SECONDS)
        if found["StackStatus"] != wanted:
            reason = found.get("StackStatusReason", found["StackStatus"])
            raise ResourceFailed(f"Embedded stack {stack_id} was not successfully {_VERB[wanted]}: {reason}")
        return _physical(found)


_VERB = {"CREATE_COMPLETE": "created", "UPDATE_COMPLETE": "updated", "DELETE_COMPLETE": "deleted"}


def _request(desired: Desired) -> dict[str, Any]:
    properties = desired.properties
    parameters = properties.get("Parameters", {})
    return {
        "TemplateURL": properties["TemplateURL"],
        "Parameters": [
            {
                "ParameterKey": key,
                "ParameterValue": ",".join(map(str, value)) if isinstance(value, list) else str(value),
            }
            for key, value in parameters.items()
        ],
        "Tags": list(properties.get("Tags", [])),
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }


def _physical(stack: dict[str, Any]) -> Physical:
    outputs = {f"Outputs.{item['OutputKey']}": item["OutputValue"] for item in stack.get("Outputs", [])}
    return Physical(stack["StackId"], outputs)
