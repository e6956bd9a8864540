"""DR82x: what composite alarms say when all is well, when the region is down, and when data are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drgen.model.finding import Severity
from drgen.preflight.composites import Expression, State, can_hold, holds, names, parse
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.alarms import ALARM, COMPOSITE
from drgen.preflight.rules.functions import FUNCTION
from drgen.preflight.stack import Resource
from drgen.preflight.values import leaves, parts
from drgen.preflight.world import World
from drgen.template.resolve import Attribute

Found = Iterator[Fault | NotDecided]
GUIDE = "CloudWatch User Guide, Create a composite alarm"


def rule_text(world: World, composite: Resource) -> tuple[str, Mapping[str, Resource]] | None:
    """The rule with a name for every alarm of the world, and those alarms; None if a part is not known."""
    alarms: dict[str, Resource] = {}
    text = ""
    for part in parts(composite.value("AlarmRule")):
        if isinstance(part, str):
            text += part
            continue
        found = world.resource(part) if isinstance(part, Attribute) else None
        if found is None or found.type not in (ALARM, COMPOSITE):
            return None
        name = f"{found.stack.key}/{found.logical_id}"
        alarms[name] = found
        text += name
    return text, alarms


def expressions(world: World) -> Iterator[tuple[Resource, Expression, Mapping[str, Resource]]]:
    """Every composite whose rule can be read, with the alarms of the world that it names."""
    for composite in world.resources(COMPOSITE):
        known = rule_text(world, composite)
        if known is None:
            continue
        try:
            expression = parse(known[0])
        except ValueError:
            continue
        alarms = dict(known[1])
        for name in names(expression):
            here = [alarm for alarm in world.named(ALARM, name) if alarm.region == composite.region]
            if name not in alarms and len(here) == 1:
                alarms[name] = here[0]
        yield composite, expression, alarms


@rule("DR820", "The rule of a composite alarm can be read", source=f"{GUIDE} (rule expressions)", alone=True)
def rule_parses(world: World) -> Found:
    """CloudWatch refuses a rule that it cannot read, and the stack is rolled back.

    Fix: write ALARM("name"), OK("name") or INSUFFICIENT_DATA("name"), joined by AND, OR and NOT.
    """
    for composite in world.resources(COMPOSITE):
        known = rule_text(world, composite)
        place = composite.place("AlarmRule")
        if known is None:
            yield NotDecided(place, "a part of the rule is not known")
        elif "AT_LEAST" in known[0]:
            yield NotDecided(place, "AT_LEAST is not evaluated")
        else:
            try:
                parse(known[0])
            except ValueError as error:
                yield Fault(place, str(error), "correct the rule")


@rule("DR821", "A composite alarm is quiet while all is well, and can fire", source=GUIDE, severity=Severity.WARNING)
def fires_when_it_should(world: World) -> Found:
    """An alarm that is in ALARM while all its alarms are OK fires for ever, and people learn to ignore it. One whose
    rule no combination of states fulfils never fires. Both come from one NOT, or one AND, too many.

    Fix: go through the states of the alarms one by one, and correct the rule.
    """
    for composite, expression, _ in expressions(world):
        place = composite.place("AlarmRule")
        if holds(expression, dict.fromkeys(names(expression), "OK")):
            yield Fault(place, "it is in ALARM while every alarm is OK", "correct the rule")
        elif can_hold(expression) is False:
            yield Fault(place, "no combination of states makes it fire", "correct the rule")


WITHOUT_DATA: Mapping[str, State] = {"breaching": "ALARM", "notBreaching": "OK", "ignore": "OK"}
"""The state of an alarm without data, by TreatMissingData: `ignore` keeps the state, which was OK while all was well.

Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data".
"""


def starts_something(world: World, alarm: Resource) -> bool:
    """True if the alarm calls a function, or tells a topic that calls one."""
    called = [target for value in alarm.values("AlarmActions") for leaf in leaves(value)
              if (target := world.target(leaf, FUNCTION, "AWS::SNS::Topic"))]  # fmt: skip
    topics = {id(target) for target in called if target.type != FUNCTION}
    subscribed = any(
        subscription.text("Protocol") == "lambda" and id(world.target(value, "AWS::SNS::Topic")) in topics
        for subscription in world.resources("AWS::SNS::Subscription")
        for value in subscription.values("TopicArn")
    )
    return subscribed or any(target.type == FUNCTION for target in called)


@rule("DR822", "A composite alarm notices when its data stop",
      source="CloudWatch User Guide, Configuring how CloudWatch alarms treat missing data",
      severity=Severity.WARNING)  # fmt: skip
def notices_missing_data(world: World) -> Found:
    """When a region is down, its metrics stop. If none of the alarms takes that for a breach, a composite that starts
    something stays quiet in just the case it was made for.

    Fix: set TreatMissingData: breaching on the alarm that must always have data, or name INSUFFICIENT_DATA in the rule.
    """
    for composite, expression, alarms in expressions(world):
        if not starts_something(world, composite):
            continue
        if not alarms or set(alarms) != names(expression) or any(found.type != ALARM for found in alarms.values()):
            continue
        silent: dict[str, State] = {
            name: WITHOUT_DATA.get(found.text("TreatMissingData") or "", "INSUFFICIENT_DATA")
            for name, found in alarms.items()
        }
        if not holds(expression, silent) and can_hold(expression):
            shown = ", ".join(f"{alarms[name].logical_id} {state}" for name, state in sorted(silent.items()))
            yield Fault(composite.place("AlarmRule"), f"without data it is OK ({shown})", "use breaching")


@rule(
    "DR823",
    "An alarm on a heartbeat takes silence for a failure",
    source="CloudWatch User Guide, Configuring how CloudWatch alarms treat missing data",
    severity=Severity.WARNING,
    alone=True,
)
def silence_is_failure(world: World) -> Found:
    """The alarm fires when the value falls. When a region or a probe is gone, no value comes at all, and with
    notBreaching or ignore the alarm stays OK: the failover that it starts never begins.

    Fix: set TreatMissingData: breaching.
    """
    for alarm in world.resources(ALARM):
        falling = (alarm.text("ComparisonOperator") or "").startswith("LessThan")
        missing = alarm.text("TreatMissingData")
        if falling and missing in ("notBreaching", "ignore") and starts_something(world, alarm):
            message = f"without data it stays OK ({missing}), and it starts something"
            yield Fault(alarm.place("TreatMissingData"), message, "set TreatMissingData: breaching")
