"""The specification and its tests belong together."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from cloudformation_world import World, body, template, topic

import drgen.local

HERE = Path(__file__).parent
PARAGRAPHS = Path(drgen.local.__path__[0]) / "BEHAVIOUR.md"


def cited() -> set[str]:
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(HERE.glob("test_*.py"))]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {number for node in functions for number in re.findall(r"CF\d+", ast.get_docstring(node) or "")}


def test_every_paragraph_about_cloudformation_is_held_by_a_test() -> None:
    written = re.findall(r"^- \*\*(CF\d+)\.\*\*", PARAGRAPHS.read_text("utf-8"), flags=re.MULTILINE)
    assert len(written) == len(set(written))
    assert set(written) ^ cited() == set()


def test_what_is_not_part_of_the_embedded_aws_is_refused_or_without_effect(world: World) -> None:
    """CF9"""
    assert world.refused("DetectStackDrift", StackName="app").startswith("InvalidAction")
    assert world.refused("CreateStackSet", StackSetName="app").startswith("InvalidAction")
    text = body(template({"T": topic()}))
    for option in ({"DeploymentConfig": {"Mode": "EXPRESS"}}, {"ImportExistingResources": True}):
        request = {"StackName": "app", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": text}
        assert "does not act on" in world.refused("CreateChangeSet", **request, **option)
    made = world.create(
        template({"Signal": {"Type": "AWS::CloudFormation::WaitCondition"}, "T": topic()}),
        RoleARN="arn:aws:iam::123456789012:role/deployer",
        NotificationARNs=["arn:aws:sns:eu-west-1:123456789012:events"],
    )
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert made["RoleARN"] == "arn:aws:iam::123456789012:role/deployer"
    assert made["NotificationARNs"] == ["arn:aws:sns:eu-west-1:123456789012:events"]
