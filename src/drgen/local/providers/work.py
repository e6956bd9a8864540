"""One request of the engine to a provider, and the calls upstream in the shapes of botocore's models."""

from __future__ import annotations

import json
import re
import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from drgen.local.providers.provider import Desired, Environment, Physical, ResourceFailed

# CloudFormation's handler error codes for the error codes of the services.
# Source: CloudFormation CLI guide, "Handler error codes".
_CODES = (
    (re.compile("AlreadyExist|AlreadyOwned|EntityAlreadyExists|Duplicate|ResourceExists|NameExists"), "AlreadyExists"),
    (re.compile("NotFound|NoSuch|DoesNotExist|NonExistent|^404$"), "NotFound"),
    (re.compile("Throttl|TooManyRequests"), "Throttling"),
    (re.compile("LimitExceeded"), "ServiceLimitExceeded"),
    (re.compile("AccessDenied|Unauthorized"), "AccessDenied"),
    (re.compile("Conflict|InUse|DependencyViolation|NotEmpty|InvalidState"), "ResourceConflict"),
    (re.compile("Invalid|Validation|Malformed|BadRequest|MissingParameter"), "InvalidRequest"),
)


def settles(done: Callable[[], bool], *, within_s: float = 60.0) -> bool:
    """Whether `done` came true within so many seconds of real time: what upstream does, it does in real time."""
    end = time.monotonic() + within_s
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@dataclass(frozen=True)
class Work:
    env: Environment
    desired: Desired

    @property
    def properties(self) -> Mapping[str, Any]:
        return self.desired.properties

    @property
    def region(self) -> str:
        return self.desired.region

    def api(self, service: str, region: str = "") -> Any:
        return self.env.client(service, region or self.region)

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        where = self.region if region is None else region
        return f"arn:{self.env.partition}:{service}:{where}:{self.env.account}:{resource}"

    def changed(self, name: str) -> bool:
        return bool(self.properties.get(name) != self.desired.previous.get(name))

    def name(self, prop: str, *, limit: int = 64, lower: bool = False) -> str:
        """The name that the template gives; else one of CloudFormation's kind, Stack-LogicalId-RANDOM."""
        given = self.properties.get(prop)
        if given:
            return str(given)
        suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
        made = f"{self.desired.stack_name}-{self.desired.logical_id}"[: limit - 13] + f"-{suffix}"
        return made.lower() if lower else made


def tags_of(desired: Desired, prop: str = "Tags") -> dict[str, str]:
    """The stack's tags, overruled by the resource's own."""
    return {**desired.tags, **as_tags(desired.properties.get(prop))}


def as_tags(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in value or ()}


def retag(
    work: Work,
    client: Any,
    identity: Mapping[str, Any],
    *,
    add: str = "tag_resource",
    remove: str = "untag_resource",
    prop: str = "Tags",
) -> None:
    """Gives the resource the tags of the template, and takes away those that only the last template had."""
    wanted = tags_of(work.desired, prop)
    gone = sorted(set(as_tags(work.desired.previous.get(prop))) - set(wanted))
    if gone:
        call(client, remove, identity, TagKeys=gone)
    if wanted:
        call(client, add, identity, Tags=wanted)


def call(client: Any, method: str, *values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The answer of the operation, given those of the values that its input knows, in the types it wants.

    CloudFormation's names differ from the API's in the case of letters only, its numbers may be strings, and its JSON
    documents are objects.
    """
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    merged: dict[str, Any] = {}
    for mapping in (*values, more):
        merged.update({key.lower(): value for key, value in mapping.items()})
    members = operation.input_shape.members
    given = {name: fitted(member, merged[name.lower()]) for name, member in members.items() if name.lower() in merged}
    answer: dict[str, Any] = getattr(client, method)(**{key: item for key, item in given.items() if item is not None})
    return answer


def fitted(shape: Any, value: Any) -> Any:
    """`value` as botocore's `shape` wants it."""
    match shape.type_name:
        case _ if value is None:
            return None
        case "structure" if isinstance(value, Mapping):
            by_name = {key.lower(): item for key, item in value.items()}
            return {
                name: fitted(member, by_name[name.lower()])
                for name, member in shape.members.items()
                if name.lower() in by_name
            }
        case "list":
            return [fitted(shape.member, item) for item in _pairs(shape.member, value)]
        case "map":
            items = as_tags(value) if isinstance(value, list) else value
            return {str(key): fitted(shape.value, item) for key, item in items.items()}
        case "string":
            return _text(value)
        case "integer" | "long":
            return int(float(value)) if isinstance(value, str) else int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "blob":
            return value if isinstance(value, bytes) else str(value).encode()
        case _:
            return value


def _pairs(member: Any, value: Any) -> Any:
    """Tags as the list of pairs that the API wants; any other list as it is."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, list | tuple) else [value]
    key, item = sorted(member.members)
    return [{key: name, item: text} for name, text in value.items()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing(error: ClientError) -> bool:
    return handler_code(error_code(error)) == "NotFound"


def handler_code(code: str) -> str:
    return next((name for pattern, name in _CODES if pattern.search(code)), "GeneralServiceException")


@contextmanager
def worded(work: Work) -> Iterator[None]:
    """Turns what a service answers into the failure of the resource, worded as CloudFormation words it."""
    try:
        yield
    except ClientError as error:
        detail = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        service = work.desired.type.split("::")[1]
        text = f"{detail.get('Message', error)} (Service: {service}, Status Code: {status})"
        raise ResourceFailed(text, code=handler_code(error_code(error))) from error
    except ParamValidationError as error:
        raise ResourceFailed(str(error), code="InvalidRequest") from error
    except BotoCoreError as error:
        raise ResourceFailed(f"Unable to execute HTTP request: {error}", code="NetworkFailure") from error


def _nothing(_work: Work, _identity: str) -> None:
    return None


def _no_attributes(_work: Work, _identity: str) -> Mapping[str, Any]:
    return {}


class Resource:
    """A provider made of functions.

    `make` creates and gives what Ref returns. `settle` brings everything that can be changed in place to what the
    template says: it runs after `make` and at every update, and if it fails in a create, the resource is removed again.
    `change` runs in updates only, before `settle`. `read` gives what GetAtt returns.
    """

    def __init__(
        self,
        *,
        make: Callable[[Work], str],
        remove: Callable[[Work, str], None],
        settle: Callable[[Work, str], None] = _nothing,
        change: Callable[[Work, str], None] = _nothing,
        read: Callable[[Work, str], Mapping[str, Any]] = _no_attributes,
    ) -> None:
        self._make = make
        self._remove = remove
        self._settle = settle
        self._change = change
        self._read = read

    def create(self, env: Environment, desired: Desired) -> Physical:
        work = Work(env, desired)
        with worded(work):
            identity = self._make(work)
            try:
                self._settle(work, identity)
                return Physical(identity, dict(self._read(work, identity)))
            except (ClientError, BotoCoreError, ResourceFailed):
                self._undo(work, identity)
                raise

    def _undo(self, work: Work, identity: str) -> None:
        # What made the create fail is what the stack's events must show, not what the clean-up met.
        try:
            self._remove(work, identity)
        except (ClientError, BotoCoreError, ResourceFailed):
            return

    def update(self, env: Environment, desired: Desired, current: Physical) -> Physical:
        work = Work(env, desired)
        with worded(work):
            self._change(work, current.id)
            self._settle(work, current.id)
            return Physical(current.id, dict(self._read(work, current.id)))

    def delete(self, env: Environment, desired: Desired, current: Physical) -> None:
        work = Work(env, desired)
        with worded(work):
            try:
                self._remove(work, current.id)
            except ClientError as error:
                if not is_missing(error):
                    raise
            except ResourceFailed as failure:
                if failure.code != "NotFound":
                    raise
