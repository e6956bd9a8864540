"""The evaluator against the reference: the same where all is known, and never wrong about what it does not know."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reference_evaluator import NOTHING, Reference, Refused

from drgen.template.resolve import NO_VALUE, Attribute, Either, ResolveError, Resolver, Text, Unknown

MAPPINGS = {"Sizes": {"prod": {"cpu": 4, "zones": ["a", "b"]}, "test": {"cpu": 1, "zones": ["a"]}}}
TEXTS = ("Env", "Name")
LISTS = ("Zones", "Names")
WORD = st.sampled_from(["prod", "test", "a", "a,b", "", "1", "0", "10.0.0.0/24"])
VALUES = st.fixed_dictionaries(
    {name: WORD for name in TEXTS} | {name: st.lists(WORD, max_size=3) for name in LISTS}
).map(lambda values: {**values, "AWS::Region": "eu-west-1"})


class Hiding:
    """A scope that knows `values`, but for the names in `hidden`."""

    def __init__(self, values: dict[str, Any], hidden: frozenset[str]) -> None:
        self.values = values
        self.hidden = hidden

    def ref(self, name: str) -> Any:
        return Unknown(f"{name} is hidden", origin=name) if name in self.hidden else self.values[name]

    def zones(self, region: str) -> Any:
        return [region + "a", region + "b"]

    def dynamic_reference(self, text: str) -> Any:
        return text

    def spelled(self, value: Attribute) -> Any:
        return value

    def get_att(self, logical_id: str, attribute: str) -> Any:
        raise ResolveError(logical_id)

    def import_value(self, name: str) -> Any:
        raise ResolveError(name)

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Any:
        raise ResolveError(stack_name)


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = st.lists(inner, max_size=3)
    listed = items | st.sampled_from([{"Ref": name} for name in LISTS]) | inner
    number = st.sampled_from([0, 1, "1", "2"]) | inner
    condition = st.sampled_from(["IsProd", "IsNamed", "Both", "Neither"])

    def call(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.tuples(*arguments).map(lambda found: {f"Fn::{name}": list(found)})

    def wrap(name: str, argument: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return argument.map(lambda found: {f"Fn::{name}": found})

    default = st.fixed_dictionaries({"DefaultValue": inner})
    keys = (st.just("Sizes"), inner, st.sampled_from(["cpu", "zones"]))
    return st.one_of(
        items,
        st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        call("Sub", st.sampled_from(["${v}", "x-${v}-${Env}", "${!v}${Name}"]), st.fixed_dictionaries({"v": inner})),
        call("Join", st.sampled_from([",", "-", ""]), listed),
        call("Select", number, listed),
        call("Split", st.sampled_from([",", "-"]), inner),
        call("If", condition, inner, inner),
        call("FindInMap", *keys),
        call("FindInMap", *keys, default),
        call("Cidr", st.sampled_from(["10.0.0.0/24", {"Ref": "Name"}]), number, st.sampled_from([4, "6"])),
        wrap("Length", listed),
        wrap("ToJsonString", inner),
        wrap("Base64", inner),
        wrap("GetAZs", st.just("") | inner),
    )


LEAVES = WORD | st.booleans() | st.integers(0, 3) | st.sampled_from([{"Ref": n} for n in (*TEXTS, "AWS::NoValue")])
EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=8)
BODIES = st.fixed_dictionaries({"left": EXPRESSIONS, "right": EXPRESSIONS}).map(
    lambda sides: {
        "Mappings": MAPPINGS,
        "Conditions": {
            "IsProd": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
            "IsNamed": {"Fn::Not": [{"Fn::Equals": [{"Fn::Sub": "n-${Name}"}, "n-"]}]},
            "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsNamed"}]},
            "Neither": {"Fn::Not": [{"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsNamed"}]}]},
            "Asked": {"Fn::Equals": [{"Ref": "Env"}, sides["right"]]},
        },
    }
)
quick = settings(max_examples=50, suppress_health_check=list(HealthCheck))


def plain(value: Any) -> Any:
    """`value` with the reference's mark for nothing in place of drgen's."""
    return NOTHING if value is NO_VALUE else value


def covers(found: Any, value: Any) -> bool:
    """True if what drgen says allows `value`."""
    match found:
        case Unknown():
            return True
        case Either():
            return covers(found.then, value) or covers(found.otherwise, value)
        case Text():
            pattern = "".join(re.escape(part) if isinstance(part, str) else ".*" for part in found.parts)
            return isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None
        case list():
            return isinstance(value, list) and _covers_items(found, value)
        case dict():
            return isinstance(value, dict) and all(
                covers(found[key], value[key]) if key in value else covers(found.get(key), NOTHING)
                for key in found.keys() | value.keys()
            )
    return bool(plain(found) == value) and type(plain(found)) is type(value)


def _covers_items(found: list[Any], values: list[Any]) -> bool:
    if not found:
        return not values
    if values and covers(found[0], values[0]) and _covers_items(found[1:], values[1:]):
        return True
    return covers(found[0], NOTHING) and _covers_items(found[1:], values)


@quick
@given(EXPRESSIONS, BODIES, VALUES)
def test_all_known_is_as_the_reference_says(expression: Any, body: dict[str, Any], values: dict[str, Any]) -> None:
    resolver = Resolver(body, Hiding(values, frozenset()))
    try:
        expected = Reference(body, values).evaluate(expression)
    except Refused:
        try:
            found = resolver.value(expression)
        except ResolveError:
            return
        raise AssertionError(f"CloudFormation refuses it, drgen makes {found!r} of it") from None
    assert plain(resolver.value(expression)) == expected


@quick
@given(EXPRESSIONS, BODIES, VALUES, st.sets(st.sampled_from([*TEXTS, *LISTS]), min_size=1).map(frozenset))
def test_what_is_said_about_the_unknown_is_never_wrong(
    expression: Any, body: dict[str, Any], values: dict[str, Any], hidden: frozenset[str]
) -> None:
    reference = Reference(body, values)
    resolver = Resolver(body, Hiding(values, hidden))
    try:
        expected = reference.evaluate(expression)
    except Refused:
        assume(False)
    found = resolver.value(expression)
    assert covers(found, expected), f"{found!r} rules out {expected!r}"


@quick
@given(BODIES, VALUES, st.sets(st.sampled_from([*TEXTS, *LISTS])).map(frozenset))
def test_a_decided_condition_is_decided_rightly(
    body: dict[str, Any], values: dict[str, Any], hidden: frozenset[str]
) -> None:
    reference = Reference(body, values)
    for name in body["Conditions"]:
        try:
            expected = reference.holds({"Condition": name})
        except Refused:
            continue
        decided = Resolver(body, Hiding(values, hidden)).condition(name)
        assert isinstance(decided, Unknown) or decided is expected
        assert hidden or not isinstance(decided, Unknown)
