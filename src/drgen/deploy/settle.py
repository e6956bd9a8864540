"""What is set on a stack besides its template: stack policy, termination protection, and the steps after it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import assert_never

from drgen.aws import ec2
from drgen.aws.cloudformation import CloudFormation
from drgen.deploy.run import Run
from drgen.errors import DrgenError
from drgen.model.deployment import RevokeDefaultSecurityGroup, StackEntry, TellOutput
from drgen.model.live import LiveStack
from drgen.planning.policy import protected_by, stack_policy

Note = Callable[[str], None]


def loosen_policy(
    cloud: CloudFormation, live: LiveStack, entry: StackEntry, *, allowed: Collection[str], note: Note
) -> None:
    """Before an update: lifts the protection of resources that are no longer protected, or were allowed by name."""
    present = protected_by(cloud.policy(live.stack_id))
    wanted = frozenset(name for name in entry.protect if f"{entry.stack}/{name}" not in allowed)
    if present and present - wanted:
        cloud.set_policy(live.stack_id, stack_policy(present & wanted))
        note(_policy_in_words(present & wanted))


def settle(run: Run, entry: StackEntry, live: LiveStack, *, before: LiveStack | None, note: Note) -> None:
    """Brings policy and protection to what the manifest says, then runs the steps after the stack.

    Nothing is called where nothing differs. A stack policy that people wrote is left alone. `before` is the stack as
    the step found it; None if it made the stack, or came while an earlier run of the same content was at work.
    """
    cloud = run.clouds.cloudformation(entry.region)
    _set_policy(cloud, entry, live, note)
    _set_termination_protection(cloud, entry, live, note)
    for step in entry.after:
        match step:
            case RevokeDefaultSecurityGroup():
                _revoke(run, entry, live, step, note)
            case TellOutput(text, output):
                value = live.outputs.get(output)
                if value is not None and (before is None or before.outputs.get(output) != value):
                    note(f"{text} {value}")
            case _:
                assert_never(step)


def open_settings(run: Run, entry: StackEntry, live: LiveStack | None) -> tuple[str, ...]:
    """What `settle` would change, in words; `live` is None for a stack that is to be created."""
    found = []
    present = protected_by(run.clouds.cloudformation(entry.region).policy(live.stack_id)) if live else frozenset()
    if present is not None and present != frozenset(entry.protect):
        found.append(_policy_in_words(entry.protect))
    if wanted := _termination_change(entry, live):
        found.append(f"termination protection {wanted}")
    found += [
        f"revoke all rules of the default security group of {step.vpc_output}"
        for step in entry.after
        if isinstance(step, RevokeDefaultSecurityGroup) and (live is None or not _is_revoked(run, entry, live, step))
    ]
    return tuple(found)


def _is_revoked(run: Run, entry: StackEntry, live: LiveStack, step: RevokeDefaultSecurityGroup) -> bool:
    vpc_id = live.outputs.get(step.vpc_output, "")
    client = run.clouds.session.ec2(entry.region)
    group = ec2.default_group(client, region=entry.region, vpc_id=vpc_id) if vpc_id else None
    return group is not None and group.is_empty


def _set_policy(cloud: CloudFormation, entry: StackEntry, live: LiveStack, note: Note) -> None:
    present = protected_by(cloud.policy(live.stack_id))
    wanted = frozenset(entry.protect)
    if present == wanted:
        return
    if present is None:
        note("its stack policy was written by somebody else and is left as it is")
        return
    cloud.set_policy(live.stack_id, stack_policy(wanted))
    note(_policy_in_words(wanted))


def _policy_in_words(protected: Collection[str]) -> str:
    if not protected:
        return "stack policy: no resource is protected any more"
    return f"stack policy: deny replacement and deletion of {', '.join(sorted(protected))}"


def _termination_change(entry: StackEntry, live: LiveStack | None) -> str:
    present = bool(live and live.termination_protection)
    if entry.termination_protection and not present:
        return "on"
    # A hand-written manifest that says nothing about protection must not take away what people switched on.
    return "off" if entry.sha256 and present and not entry.termination_protection else ""


def _set_termination_protection(cloud: CloudFormation, entry: StackEntry, live: LiveStack, note: Note) -> None:
    if wanted := _termination_change(entry, live):
        cloud.set_termination_protection(live.name, enabled=wanted == "on")
        note(f"termination protection {wanted}")


def _revoke(run: Run, entry: StackEntry, live: LiveStack, step: RevokeDefaultSecurityGroup, note: Note) -> None:
    at = f"{entry.stack} ({entry.region})"
    vpc_id = live.outputs.get(step.vpc_output, "")
    if not vpc_id:
        fix = f"add output {step.vpc_output} with the VPC's id to {entry.template}"
        raise DrgenError(f"the stack has no output {step.vpc_output}", at=at, fix=fix)
    client = run.clouds.session.ec2(entry.region)
    group = ec2.default_group(client, region=entry.region, vpc_id=vpc_id)
    if group is None:
        raise DrgenError(f"VPC {vpc_id} has no default security group", at=at, fix="check that the VPC still exists")
    if group.is_empty:
        return
    ec2.revoke_all(client, group, region=entry.region)
    note(f"default security group {group.group_id}: all rules revoked")
