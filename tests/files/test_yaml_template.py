"""Templates as YAML: short forms, comments, and nothing lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drgen.files.yaml_template import dump, render
from drgen.model.stack import Template
from drgen.template.load import load


def test_functions_are_written_in_their_short_form() -> None:
    value = {
        "A": {"Ref": "Vpc"},
        "B": {"Fn::GetAtt": ["Topic", "TopicArn"]},
        "C": {"Fn::Sub": "a-${B}"},
        "D": {"Fn::If": ["Is", {"Ref": "X"}, {"Ref": "AWS::NoValue"}]},
        "E": {"Fn::Select": [0, "b"]},
    }
    assert dump(value) == (
        "A: !Ref Vpc\nB: !GetAtt Topic.TopicArn\nC: !Sub a-${B}\n"
        "D: !If\n- Is\n- !Ref X\n- !Ref AWS::NoValue\nE: !Select [0, b]\n"
    )


def test_a_comment_stands_above_its_resource() -> None:
    template = Template({"Resources": {"A": {"Type": "T"}, "B": {"Type": "T"}}}, {"B": "why " * 40})
    text = render(template, header="Made by a test.").decode()
    assert text.startswith("# Made by a test.\n\nResources:\n  A:\n    Type: T\n\n  # why why")
    assert all(len(line) <= 118 for line in text.splitlines())


KEYS = st.text(alphabet="ABCdef", min_size=1, max_size=6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)
VALUES: Any = st.recursive(
    TEXTS | st.booleans() | st.integers(-(10**6), 10**12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | KEYS.map(lambda name: {"Ref": name})
        | st.tuples(KEYS, KEYS).map(lambda pair: {"Fn::GetAtt": list(pair)})
        | st.lists(inner, min_size=1, max_size=3).map(lambda items: {"Fn::Join": [",", items]})
    ),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_what_is_written_is_read_back(properties: dict[str, Any]) -> None:
    body = {"Resources": {"A": {"Type": "T", "Properties": properties}}}
    assert load(render(Template(body, {}), header="x"), file="t.yaml").body == body
