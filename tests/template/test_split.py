"""Text with parts that are not known: cutting it, and comparing it with nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgen.template.resolve import Attribute, Resolved, Resolver, Text, Unknown, split

SUBNET = Attribute("net", "us-east-1", "A", "AWS::EC2::Subnet", "Ref")

plain = st.text(alphabet="ab,", max_size=4)
texts = st.lists(plain | st.just(SUBNET), max_size=5).map(
    lambda parts: Text(tuple(part for part in parts if part != ""))
)


class Peer:
    """A scope in which parameter Peer is `value`."""

    def __init__(self, value: Resolved) -> None:
        self.value = value

    def ref(self, name: str) -> Resolved:
        return self.value

    def get_att(self, logical_id: str, attribute: str) -> Resolved:
        return Unknown("not asked here")

    def spelled(self, value: Attribute) -> Resolved:
        return value

    def import_value(self, name: str) -> Resolved:
        return Unknown("not asked here")

    def stack_output(self, stack_name: str, output: str, region: str | None) -> Resolved:
        return Unknown("not asked here")

    def zones(self, region: str) -> Resolved:
        return Unknown("not asked here")

    def dynamic_reference(self, text: str) -> Resolved:
        return text


def spelled(value: Resolved) -> str:
    parts = value.parts if isinstance(value, Text) else (value,)
    return "".join("<A>" if isinstance(part, Attribute) else str(part) for part in parts)


@given(texts)
def test_pieces_joined_again_are_the_whole(text: Text) -> None:
    pieces = split(text, ",")
    assert isinstance(pieces, list)
    assert ",".join(map(spelled, pieces)) == spelled(text)
    assert not any("," in spelled(piece) for piece in pieces)


def test_text_that_may_hold_more_delimiters_is_not_cut() -> None:
    assert isinstance(split(Text(("a,", Unknown("a list"))), ","), Unknown)
    assert isinstance(split(Text(("arn:", SUBNET)), ":"), Unknown)
    assert isinstance(split(SUBNET, ","), Unknown)


@pytest.mark.parametrize(
    ("peer", "known"),
    [
        ("", False),
        ("vpc-1", True),
        (SUBNET, True),
        (Text(("vpc-", Unknown("the id"))), True),
    ],
)
def test_late_value_is_known_as_soon_as_it_comes_from_a_resource(peer: Resolved, known: bool) -> None:
    body = {"Conditions": {"Known": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Peer"}, ""]}]}}}
    assert Resolver(body, Peer(peer)).condition("Known") is known


def test_value_that_may_be_empty_leaves_the_condition_open() -> None:
    body = {"Conditions": {"Empty": {"Fn::Equals": [{"Ref": "Peer"}, ""]}}}
    assert isinstance(Resolver(body, Peer(Unknown("an SSM parameter"))).condition("Empty"), Unknown)
