"""The rule of a composite alarm, read and evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drgen.preflight.composites import STATES, State, can_hold, holds, names, parse


@pytest.mark.parametrize(
    "text",
    ["", "ALARM(a) AND", "ALARM(a) ALARM(b)", "(ALARM(a)", "ALARM(a))", "BROKEN(a)", "NOT", "ALARM()", "OR ALARM(a)"],
)
def test_rule_that_cloudwatch_cannot_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


def test_and_binds_closer_than_or_and_names_may_be_quoted() -> None:
    rule = parse("""ALARM("a b") OR ok('c') AND NOT INSUFFICIENT_DATA(d)""")
    assert names(rule) == {"a b", "c", "d"}
    assert holds(rule, {"a b": "ALARM", "c": "ALARM", "d": "OK"})
    assert holds(rule, {"a b": "OK", "c": "OK", "d": "OK"})
    assert not holds(rule, {"a b": "OK", "c": "OK", "d": "INSUFFICIENT_DATA"})


def test_rule_that_wants_two_states_at_once_can_never_hold() -> None:
    assert can_hold(parse("ALARM(a) AND OK(a)")) is False
    assert can_hold(parse("ALARM(a) OR OK(a)")) is True
    assert can_hold(parse(" OR ".join(f"ALARM(a{number})" for number in range(7)))) is None


ATOMS = st.builds(lambda state, name: f"{state}({name})", st.sampled_from(STATES), st.sampled_from("abc"))
RULES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(RULES, st.fixed_dictionaries({name: st.sampled_from(STATES) for name in "abc"}))
def test_rule_means_what_the_same_words_mean_in_python(text: str, states: dict[str, State]) -> None:
    python = text
    for state in STATES:
        for name in "abc":
            python = python.replace(f"{state}({name})", str(states[name] == state))
    python = python.replace("AND", "and").replace("OR", "or").replace("NOT", "not")
    assert holds(parse(text), states) is eval(python)
