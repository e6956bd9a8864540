"""From a step to the change set that would carry it out."""

from __future__ import annotations

import hashlib

from drgen.aws import artifacts
from drgen.aws.changesets import ChangeSet
from drgen.aws.cloudformation import ChangeSetRequest, CloudFormation
from drgen.aws.failures import CallFailed
from drgen.deploy.run import Run
from drgen.errors import DrgenError, Locked, Refused
from drgen.model.deployment import FromOutput
from drgen.model.live import LiveStack
from drgen.model.plan import Keep, Known, Step
from drgen.planning.artifacts import bucket_name, goes_by_bucket, needs_bucket
from drgen.planning.parameters import Decided, Lookup, decide_parameters
from drgen.planning.replicas import deployed_replicas, too_many_changes
from drgen.planning.statuses import exists
from drgen.planning.templates import read_artifact


def live_parameters(run: Run, step: Step, live: LiveStack | None) -> Decided:
    """The step's parameters with outputs as they are now."""

    def lookup(source: FromOutput) -> Lookup:
        return run.clouds.output(run.deployment, source)

    return decide_parameters(
        step,
        declared=run.templates[step.id].parameters,
        previous=frozenset(live.parameters) if live and exists(live) else frozenset(),
        lookup=lookup,
    )


def raise_if_missing(step: Step, decided: Decided) -> None:
    if decided.missing:
        first = decided.missing[0]
        raise DrgenError(
            "; ".join(missing.problem for missing in decided.missing),
            at=f"{step.id} ({step.entry.region})",
            fix=first.fix,
        )


def same_values(live: LiveStack, decided: Decided) -> bool:
    """True if the stack already has every value."""
    return all(
        isinstance(value, Keep) or (isinstance(value, Known) and live.parameters.get(name) == value.value)
        for name, value in decided.values.items()
    )


def request_for(run: Run, step: Step, *, name: str, live: LiveStack | None, decided: Decided) -> ChangeSetRequest:
    """The request for the step's change set. `live` is None where the stack is to be created."""
    template = run.templates[step.id]
    by_bucket = goes_by_bucket(step.entry, size=template.size)
    return ChangeSetRequest(
        stack_name=step.entry.stack_name,
        name=name,
        creates=not exists(live),
        body="" if by_bucket else template.text,
        url=_template_url(run, step) if by_bucket else "",
        parameters=decided.values,
        has_previous=frozenset(live.parameters) if live and exists(live) else frozenset(),
        tags=step.entry.tags,
        capabilities=step.entry.capabilities,
        nested=template.has_nested_stacks,
    )


def upload(run: Run, step: Step) -> tuple[str, ...]:
    """Puts what the step needs into its region's bucket; the keys that were not there yet."""
    template = run.templates[step.id]
    if not needs_bucket(step.entry, size=template.size):
        return ()
    folder, region, bucket = run.deployment.folder, step.entry.region, _bucket(run, step)
    wanted = {item.key: item.name for item in step.entry.artifacts}
    client = run.clouds.session.s3(region)
    new = [
        key
        for key, name in wanted.items()
        if artifacts.store(
            client, region=region, bucket=bucket, key=key, content=read_artifact(folder, step.entry, name)
        )
    ]
    if goes_by_bucket(step.entry, size=template.size):
        key = _template_key(run, step)
        if artifacts.store(client, region=region, bucket=bucket, key=key, content=template.text.encode()):
            new.append(key)
    return tuple(new)


def make(run: Run, cloud: CloudFormation, step: Step, request: ChangeSetRequest) -> ChangeSet:
    """The finished change set, made now or found unfinished from a run of the same content.

    A change set that failed for any reason but emptiness is removed, with the shell made for it, and raised. Raises
    Refused where CloudFormation would begin the update and then fail.
    """
    _one_replica_at_a_time(run, cloud, step, request)
    arn = _create(cloud, request)
    while True:
        made = cloud.change_set(arn)
        if made is None:
            raise overtaken(request.stack_name, cloud.region)
        if not made.is_being_made:
            break
        run.clouds.pace(cloud.region).wait(shortest=True)
    if made.is_ready or made.is_empty:
        return made
    discard(cloud, made, creates=request.creates)
    raise DrgenError(
        made.reason or f"the change set ended in status {made.status}",
        at=f"{request.stack_name} ({cloud.region})",
        fix="correct the template or the parameters that the message names; `drgen check` finds most of these",
    )


def _one_replica_at_a_time(run: Run, cloud: CloudFormation, step: Step, request: ChangeSetRequest) -> None:
    wanted = run.templates[step.id].replicas
    if request.creates or not wanted:
        return
    deployed = deployed_replicas(cloud.template(request.stack_name), stack=request.stack_name, region=cloud.region)
    if many := too_many_changes(deployed, wanted):
        raise Refused(
            "; ".join(many),
            at=f"{request.stack_name} ({cloud.region})",
            fix="an update adds or removes one replica of a table: change one region, deploy, then the next",
        )


def overtaken(stack_name: str, region: str) -> Locked:
    """The error for a change set that somebody else's deployment made void."""
    return Locked(
        "somebody else deployed this stack meanwhile, which made the change set void",
        at=f"{stack_name} ({region})",
        fix="run this command again",
    )


def discard(cloud: CloudFormation, made: ChangeSet, *, creates: bool) -> None:
    """Removes the change set, and the empty shell of a stack that exists for its sake only."""
    cloud.delete_change_set(made.arn)
    if not creates:
        return
    live = cloud.stack(made.stack_id)
    if live and live.status == "REVIEW_IN_PROGRESS" and not cloud.resources(made.stack_id):
        cloud.delete_stack(made.stack_id, token=f"{made.name}-shell")


def _create(cloud: CloudFormation, request: ChangeSetRequest) -> str:
    try:
        return cloud.create_change_set(request)
    except CallFailed as error:
        if error.code not in ("AlreadyExistsException", "AlreadyExists"):
            raise
    found = cloud.change_set(request.name, stack_id=request.stack_name)
    if found and (found.is_ready or found.is_being_made):
        return found.arn
    if found:
        cloud.delete_change_set(found.arn)
    return cloud.create_change_set(request)


def _bucket(run: Run, step: Step) -> str:
    return bucket_name(run.clouds.account(step.entry.region), step.entry.region)


def _template_key(run: Run, step: Step) -> str:
    return f"templates/{hashlib.sha256(run.templates[step.id].text.encode()).hexdigest()}.yaml"


def _template_url(run: Run, step: Step) -> str:
    client = run.clouds.session.s3(step.entry.region)
    return artifacts.url(client, bucket=_bucket(run, step), key=_template_key(run, step))
