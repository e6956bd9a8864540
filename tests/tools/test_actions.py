"""What `make lint` says about IAM actions that do not exist."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools/actions.py"
spec = importlib.util.spec_from_file_location("actions", TOOL)
assert spec is not None
assert spec.loader is not None
actions = importlib.util.module_from_spec(spec)
spec.loader.exec_module(actions)

TEMPLATE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyDocument:
          Statement:
          - Effect: Allow
            Action: [rds:DescribeDBInstances, rds:PromoteReadReplica, rds:PromoteReplica]
            Resource: "*"
          - {Effect: Allow, Action: "rds:Describe*", Resource: !Sub "${Arn}"}
          - {Effect: Deny, Action: "rds:*", Resource: "*"}
          - {Effect: Allow, NotAction: rds:DeleteDBInstance, Resource: "*"}
  Logs:
    Type: AWS::Logs::ResourcePolicy
    Properties:
      PolicyDocument: '{"Statement": [{"Effect": "Allow", "Action": "log:PutLogEvents"}]}'
"""


def known(service: str) -> frozenset[str]:
    listed = {"rds": {"rds:describedbinstances", "rds:promotereadreplica", "rds:deletedbinstance"}}
    return frozenset(listed.get(service, ()))


def test_actions_that_do_not_exist_or_mean_several_are_named_with_their_resource(tmp_path: Path) -> None:
    template = tmp_path / "orders/primary/app.yaml"
    template.parent.mkdir(parents=True)
    template.write_text(TEMPLATE)
    lines, looked_at = actions.report(tmp_path, known)
    assert [line.removeprefix(f"{template}: ") for line in lines] == [
        "Role: *: stands for several actions; name each",
        "Role: rds:Describe*: stands for several actions; name each",
        "Role: rds:PromoteReplica: rds has no such action",
        "Logs: log:PutLogEvents: there is no service log",
    ]
    assert looked_at == 7
