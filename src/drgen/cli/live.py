"""`drgen check --live`: which questions a deployment has for its account, and the answers in its world."""

from __future__ import annotations

import click

from drgen.model.account import Look, Wanted
from drgen.model.finding import NotChecked
from drgen.preflight.account import NAMES, ROOM
from drgen.preflight.world import World


def wanted(world: World) -> Wanted:
    """What to ask: the stacks, the quotas of what they make, and the names they take."""
    room = {
        (kind, resource_type, code, resource.region): None
        for kind, (resource_type, code) in ROOM.items()
        for resource in world.resources(resource_type)
    }
    names = {
        (kind, name, resource.region): None
        for kind, resource_type in NAMES.items()
        for resource in world.resources(resource_type)
        if (name := world.name(resource)) and "*" not in name
    }
    stacks = dict.fromkeys((entry.stack_name, entry.region) for entry in world.deployment.stacks)
    return Wanted(tuple(stacks), tuple(room), tuple(names))


def look_at(world: World) -> tuple[NotChecked, ...]:
    """Adds what the account answers to the facts of `world`; what it did not answer is not checked."""
    # boto3 takes a third of a second to import, and only --live needs it.
    from drgen.aws.account import look
    from drgen.aws.session import Session

    found = look(Session().brief(), wanted(world))
    world.learn(found.state)
    click.echo(asked(found), err=True)
    return tuple(
        NotChecked(entry.rule, entry.region, f"{entry.question} was not answered: {entry.reason}")
        for entry in found.unanswered
    )


def asked(found: Look) -> str:
    """One line for people: how many questions went where."""
    places = ", ".join(f"{count} in {region}" for region, count in sorted(found.asked.items()))
    return f"asked the account: {places}; {len(found.unanswered)} not answered"
