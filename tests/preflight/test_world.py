"""What every property of every stack comes to, and which resource it names."""

from __future__ import annotations

from collections.abc import Callable

from drgen.cli.world import Folder
from drgen.preflight.world import World
from drgen.template.resolve import Attribute, Either, Text, Unknown

Deployed = Callable[..., Folder]

TWO_REGIONS = """
    stacks:
    - {stack: net, template: net.yaml, region: us-east-1, stack_name: net-prod}
    - {stack: app, template: app.yaml, region: eu-west-1, parameters: {
        Vpc: {from: {stack: net, output: VpcId}}, Subnets: {from: {stack: net, output: SubnetIds}}}}
    """

NET = """
    Resources:
      Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
      A: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
      B: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
    Outputs:
      VpcId: {Value: !Ref Vpc, Export: {Name: !Sub "${AWS::StackName}-vpc"}}
      SubnetIds: {Value: !Join [",", [!Ref A, !Ref B]]}
    """

VPC = Attribute("net", "us-east-1", "Vpc", "AWS::EC2::VPC", "Ref")


def app(world: World, logical_id: str, path: str) -> object:
    return world.stacks["app"].resources[logical_id].value(path)


def test_value_from_another_stack_keeps_its_origin(deployed: Deployed) -> None:
    world = deployed(
        TWO_REGIONS,
        net=NET,
        app="""
        Parameters:
          Vpc: {Type: String}
          Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
        Resources:
          Group: {Type: "AWS::EC2::SecurityGroup", Properties: {VpcId: !Ref Vpc, GroupDescription: !Sub "for ${Vpc}"}}
          Fn: {Type: "AWS::Lambda::Function", Properties: {VpcConfig: {SubnetIds: !Ref Subnets}}}
        """,
    ).world
    assert app(world, "Group", "VpcId") == VPC
    assert app(world, "Group", "GroupDescription") == Text(("for ", VPC))
    function = world.stacks["app"].resources["Fn"]
    assert [value.logical_id for value in function.values("VpcConfig.SubnetIds")] == ["A", "B"]


def test_each_stack_is_resolved_in_its_own_region(deployed: Deployed) -> None:
    world = deployed(
        """
        stacks:
        - {stack: one, template: t.yaml, region: us-east-1}
        - {stack: two, template: t.yaml, region: cn-north-1}
        """,
        t="""
        Conditions: {China: !Equals [!Ref "AWS::Partition", aws-cn]}
        Resources:
          Topic: {Type: "AWS::SNS::Topic", Properties: {TopicName: !Sub "a-${AWS::Region}.${AWS::URLSuffix}"}}
          Only: {Type: "AWS::SNS::Topic", Condition: China}
        """,
    ).world
    names = [topic.text("TopicName") for topic in world.resources("AWS::SNS::Topic") if topic.logical_id == "Topic"]
    assert names == ["a-us-east-1.amazonaws.com", "a-cn-north-1.amazonaws.com.cn"]
    assert [only.stack.key for only in world.resources("AWS::SNS::Topic") if only.logical_id == "Only"] == ["two"]


def test_condition_nobody_can_decide_keeps_both_branches(deployed: Deployed) -> None:
    world = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1}]",
        t="""
        Conditions: {Mine: !Equals [!Ref "AWS::AccountId", "123456789012"]}
        Resources:
          Topic: {Type: "AWS::SNS::Topic", Properties: {TopicName: !If [Mine, mine, theirs]}}
          Perhaps: {Type: "AWS::SNS::Topic", Condition: Mine}
        """,
    ).world
    topic, perhaps = world.stacks["t"].resources.values()
    assert topic.properties["TopicName"] == Either("Mine", "mine", "theirs")
    assert list(topic.values("TopicName")) == ["mine", "theirs"]
    assert isinstance(topic.value("TopicName"), Unknown)
    assert (topic.certain, perhaps.certain) == (True, False)


def test_late_value_is_known_in_the_finished_deployment(deployed: Deployed) -> None:
    world = deployed(
        """
        stacks:
        - {stack: app, template: app.yaml, region: us-east-1, parameters: {
            Peer: {from: {stack: net, output: VpcId}, late: true}}}
        - {stack: net, template: net.yaml, region: us-east-1}
        """,
        net=NET,
        app="""
        Parameters: {Peer: {Type: String, Default: ""}}
        Conditions: {Known: !Not [!Equals [!Ref Peer, ""]]}
        Resources:
          Stored: {Type: "AWS::SSM::Parameter", Properties: {Value: !If [Known, !Ref Peer, none]}}
        """,
    ).world
    assert app(world, "Stored", "Value") == VPC


def test_import_finds_the_export_of_its_region_only(deployed: Deployed) -> None:
    consumer = 'Resources: {G: {Type: "AWS::EC2::SecurityGroup", Properties: {VpcId: !ImportValue net-prod-vpc}}}'
    world = deployed(
        """
        stacks:
        - {stack: net, template: net.yaml, region: us-east-1, stack_name: net-prod}
        - {stack: here, template: app.yaml, region: us-east-1}
        - {stack: there, template: app.yaml, region: eu-west-1}
        """,
        net=NET,
        app=consumer,
    ).world
    assert world.stacks["here"].resources["G"].value("VpcId") == VPC
    assert world.stacks["there"].resources["G"].value("VpcId") == Unknown("no stack of eu-west-1 exports net-prod-vpc")


def test_stack_output_is_followed_into_another_region(deployed: Deployed) -> None:
    world = deployed(
        """
        stacks:
        - {stack: net, template: net.yaml, region: us-east-1, stack_name: net-prod}
        - {stack: app, template: app.yaml, region: eu-west-1}
        """,
        net=NET,
        app="""
        Resources:
          G:
            Type: AWS::EC2::SecurityGroup
            Properties: {VpcId: !GetStackOutput {StackName: net-prod, OutputName: VpcId, Region: us-east-1}}
        """,
    ).world
    assert app(world, "G", "VpcId") == VPC


def test_nested_stack_gets_its_parents_values_and_gives_outputs_back(deployed: Deployed) -> None:
    world = deployed(
        "stacks: [{stack: net, template: root.yaml, region: us-east-1, nested: {Child: child.yaml}}]",
        root="""
        Resources:
          Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}
          Child: {Type: "AWS::CloudFormation::Stack", Properties: {Parameters: {Home: !Ref Vpc}}}
        Outputs: {Id: {Value: !GetAtt Child.Outputs.Group}}
        """,
        child="""
        Parameters: {Home: {Type: String}}
        Resources: {Group: {Type: "AWS::EC2::SecurityGroup", Properties: {VpcId: !Ref Home}}}
        Outputs: {Group: {Value: !GetAtt Group.GroupId}}
        """,
    ).world
    group = Attribute("net.Child", "us-east-1", "Group", "AWS::EC2::SecurityGroup", "GroupId")
    assert world.stacks["net.Child"].resources["Group"].value("VpcId") == VPC
    assert world.stacks["net"].output("Id") == group


def test_name_and_arn_written_as_text_name_the_resource(deployed: Deployed) -> None:
    world = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1}]",
        t="""
        Resources:
          Db: {Type: "AWS::RDS::DBInstance", Properties: {DBInstanceIdentifier: App}}
          Bucket: {Type: "AWS::S3::Bucket", Properties: {BucketName: !Sub "data-${AWS::AccountId}"}}
          Secret: {Type: "AWS::SecretsManager::Secret", Properties: {Name: app/db}}
        """,
    ).world
    db, bucket, secret = world.stacks["t"].resources.values()
    assert world.target("arn:aws:rds:us-east-1:123456789012:db:app") is db
    assert world.target("arn:aws:rds:eu-west-1:123456789012:db:app") is None
    assert world.target("arn:aws:s3:::data-123456789012/*", "AWS::S3::Bucket") is bucket
    assert world.target("arn:aws:secretsmanager:us-east-1:123456789012:secret:app/db-a1B2c3") is secret


def test_expression_that_cannot_be_evaluated_is_unknown_and_noted(deployed: Deployed) -> None:
    world = deployed(
        "stacks: [{stack: t, template: t.yaml, region: us-east-1}]",
        t='Resources: {T: {Type: "AWS::SNS::Topic", Properties: {TopicName: !Ref Nobody, DisplayName: alerts}}}',
    ).world
    topic = world.stacks["t"].resources["T"]
    assert topic.properties == {
        "TopicName": Unknown("there is no parameter or resource Nobody"),
        "DisplayName": "alerts",
    }
    assert [place.address for place, _ in world.stacks["t"].problems] == ["t/T/TopicName"]


def test_stack_that_ends_deleted_is_judged_as_it_was(deployed: Deployed) -> None:
    world = deployed(
        """
        stacks:
        - {stack: net, template: net.yaml, region: us-east-1}
        - {stack: net, template: more.yaml, region: us-east-1, action: update}
        - {stack: net, region: us-east-1, action: delete}
        """,
        net=NET,
        more='Resources: {Only: {Type: "AWS::SNS::Topic"}}',
    ).world
    assert [list(step.resources) for step in world.steps] == [["Vpc", "A", "B"], ["Only"]]
    assert list(world.stacks["net"].resources) == ["Only"]
