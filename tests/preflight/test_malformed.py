"""Templates of any shape: preflight says what it cannot judge, and no rule breaks."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drgen.cli.world import load_folder
from drgen.model.deployment import Deployment
from drgen.preflight.run import Selection, check_world
from drgen.preflight.world import World
from drgen.template.load import Template

CORPUS = Path(__file__).parent.parent / "corpus"
FOLDERS = sorted(path.parent for path in CORPUS.glob("*/*/deploy.yaml"))

JUNK: tuple[Any, ...] = (
    None, 1, True, "x", "", [], {}, ["a"], "arn:aws:", "arn:aws:rds:::", "{{resolve:secretsmanager:}}",
    "{{resolve:ssm:a:b:c:d}}", {"Ref": "Nobody"}, {"Ref": ["a"]}, {"Ref": "AWS::NoValue"}, {"Ref": "AWS::AccountId"},
    {"Fn::GetAtt": "A"}, {"Fn::GetAtt": []}, {"Fn::GetAtt": {"a": 1}}, {"Fn::Sub": [1, 2]}, {"Fn::Sub": "${"},
    {"Fn::Sub": "${A.B}-${AWS::Region}"}, {"Fn::Join": "x"}, {"Fn::Join": [1, ["a", []]]}, {"Fn::If": ["C", 1, 2]},
    {"Fn::If": [{"Ref": "x"}, 1, 2]}, {"Fn::Select": ["a", ["b"]]}, {"Fn::Select": [0, {"Ref": "AWS::AccountId"}]},
    {"Fn::Split": [1, "x"]}, {"Fn::FindInMap": ["a"]}, {"Fn::FindInMap": [["a"], {}, "b"]}, {"Condition": "x"},
    {"Fn::Cidr": ["x", 1, 2]}, {"Fn::Cidr": ["10.0.0.0/16", -1, "a"]}, {"Fn::ImportValue": 1}, {"Fn::Transform": {}},
    {"Fn::GetStackOutput": {"StackName": 1}}, {"Fn::Base64": {}}, {"Fn::Length": "x"}, {"Fn::GetAZs": {"Ref": "A"}},
)  # fmt: skip


@cache
def loaded(folder: Path) -> tuple[Deployment, dict[str, Template]]:
    world = load_folder(folder).world
    templates = {}
    for step in world.steps:
        nested = step.entry.nested.get(step.key.rsplit(".", 1)[-1], "")
        templates[step.entry.template if step.key == step.entry.stack else nested] = step.template
    return world.deployment, templates


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@given(st.sampled_from(FOLDERS), st.data())
def test_no_rule_breaks_on_a_template_of_another_shape(folder: Path, data: st.DataObject) -> None:
    deployment, templates = loaded(folder)
    name = data.draw(st.sampled_from(sorted(templates)))
    body: Any = copy.deepcopy(dict(templates[name].body))
    *way, last = data.draw(st.sampled_from(list(places(body))))
    node = body
    for key in way:
        node = node[key]
    node[last] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    spoilt = {**templates, name: replace(templates[name], body=body)}
    findings, _ = check_world(World(deployment, spoilt), Selection())
    assert [finding.message for finding in findings if finding.rule == "DR000"] == []
