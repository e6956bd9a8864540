"""Templates that CloudFormation changes before it deploys them."""

from __future__ import annotations

from collections.abc import Callable

from drgen.cli.world import Folder
from drgen.preflight.run import Selection, check_world
from drgen.template.resolve import Attribute, Text, Unknown

Deployed = Callable[..., Folder]

LOOP = """
    Transform: AWS::LanguageExtensions
    Parameters: {Names: {Type: CommaDelimitedList}}
    Resources:
      Fn::ForEach::Topics:
        - Name
        - !Ref Names
        - "${Name}Topic":
            Type: AWS::SNS::Topic
            Properties: {TopicName: !Sub "app-${Name}"}
    Outputs:
      Fn::ForEach::Arns:
        - Name
        - !Ref Names
        - "${Name}Arn": {Value: !Ref "${Name}Topic"}
    """


def test_loop_is_unrolled_with_the_parameters_of_its_stack(deployed: Deployed) -> None:
    world = deployed(
        """
        stacks:
        - {stack: one, template: t.yaml, region: us-east-1, parameters: {Names: "orders, payments"}}
        - {stack: two, template: t.yaml, region: eu-west-1, parameters: {Names: stock}}
        """,
        t=LOOP,
    ).world
    assert [list(stack.resources) for stack in world.steps] == [["ordersTopic", "paymentsTopic"], ["stockTopic"]]
    topic = world.stacks["two"].resources["stockTopic"]
    assert topic.text("TopicName") == "app-stock"
    assert topic.place("TopicName").line == 10
    assert world.stacks["two"].output("stockArn") == Attribute("two", "eu-west-1", "stockTopic", topic.type, "Ref")


def test_collection_follows_the_output_of_another_stack(deployed: Deployed) -> None:
    world = deployed(
        """
        stacks:
        - {stack: list, template: list.yaml, region: us-east-1}
        - {stack: app, template: t.yaml, region: us-east-1, parameters: {Names: {from: {stack: list, output: Names}}}}
        """,
        list='{Resources: {H: {Type: "AWS::SNS::Topic"}}, Outputs: {Names: {Value: !Join [",", [a, b]]}}}',
        t=LOOP,
    ).world
    assert list(world.stacks["app"].resources) == ["aTopic", "bTopic"]


def test_what_an_unknown_collection_makes_is_not_checked(deployed: Deployed) -> None:
    found = deployed(
        """
        stacks:
        - {stack: app, template: t.yaml, region: us-east-1, parameters: {Names: {from: {stack: base, output: Id}}}}
        - {stack: base, template: base.yaml, region: us-east-1}
        - {stack: user, template: user.yaml, region: us-east-1, parameters: {Arn: {from: {stack: app, output: aArn}}}}
        """,
        base='{Resources: {T: {Type: "AWS::SNS::Topic"}}, Outputs: {Id: {Value: !GetAtt T.TopicName}}}',
        user='{Parameters: {Arn: {Type: String}}, Resources: {T: {Type: "AWS::SNS::Topic"}}}',
        t=LOOP,
    )
    app = found.world.stacks["app"]
    assert dict(app.resources) == {}
    assert isinstance(app.ref("aTopic"), Unknown)
    _, undecided = check_world(found.world, Selection(("DR101", "DR109")))
    assert {(entry.rule, entry.address) for entry in undecided} == {
        ("DR101", "user/Arn"),
        ("DR109", "app/Fn::ForEach::Topics"),
        ("DR109", "app/Fn::ForEach::Arns"),
    }


def test_names_that_a_macro_may_make_are_unknown_and_no_mistake(deployed: Deployed) -> None:
    world = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1}]",
        t="""
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Fn: {Type: "AWS::Serverless::Function", Properties: {Handler: a.b, Runtime: python3.13, InlineCode: "x = 1"}}
          Alarm:
            Type: AWS::CloudWatch::Alarm
            Properties: {AlarmName: a, AlarmActions: [!GetAtt FnRole.Arn], AlarmDescription: !Sub "of ${FnRole}"}
        """,
    ).world
    alarm = world.stacks["t"].resources["Alarm"]
    description = alarm.properties["AlarmDescription"]
    assert isinstance(description, Text)
    assert description.pattern == "of *"
    assert world.stacks["t"].problems == []


def test_resource_that_a_macro_writes_is_not_judged(deployed: Deployed) -> None:
    stack = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1}]",
        t="""
        Resources:
          Db: {Type: "AWS::RDS::DBInstance", Properties: {"Fn::Transform": {Name: AWS::Include}, Engine: postgres}}
          Topic: {Type: "AWS::SNS::Topic", Properties: {TopicName: !Ref Db}}
        """,
    ).world.stacks["t"]
    assert list(stack.resources) == ["Topic"]
    assert [(place.address, reason) for place, reason in stack.problems] == [("t/Db", "a macro writes its properties")]


def test_block_of_a_vpc_is_read_from_the_template(deployed: Deployed) -> None:
    world = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1}]",
        t="""
        Resources:
          Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
          A:
            Type: AWS::EC2::Subnet
            Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]}
        """,
    ).world
    assert world.stacks["t"].resources["A"].text("CidrBlock") == "10.0.1.0/24"
