"""What a reviewer looks for in a service on Fargate."""

from __future__ import annotations

from typing import Any

import pytest
from bodies import properties

from drgen.assembly.components import assemble
from drgen.assembly.packages import needed
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact

DIGEST = "sha256:" + "0123456789abcdef" * 4
SHOP = f"""
name: shop
environment: prod
objectives: {{rto: 30m, rpo: 5m}}
regions: {{primary: {{name: us-east-1, cidr: 10.0.0.0/16}}, recovery: [{{name: eu-west-1, cidr: 10.1.0.0/16}}]}}
network: {{endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}}
services:
  - name: web
    image: "{{account}}.dkr.ecr.{{region}}.amazonaws.com/shop/web@{DIGEST}"
    port: 8080
    health_path: /health
    count: {{primary: 4, recovery: 1}}
    user: "1000:1000"
    writable: [/tmp]
    secrets: [shop/api-key]
"""
CERTIFICATES = """
    certificates:
      us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
      eu-west-1: arn:aws:acm:eu-west-1:123456789012:certificate/2
"""


def bodies(text: str) -> dict[str, Any]:
    workload = parse_workload(text.encode(), file="workload.yaml")
    packages = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in needed(workload)}
    drafts = assemble(workload, packages)
    return {f"{draft.stage}/{draft.layer}": draft.template().body for draft in drafts}


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    return bodies(SHOP)


@pytest.fixture(scope="module")
def there(shop: Any) -> Any:
    return shop["recovery-eu-west-1/services"]


@pytest.fixture(scope="module")
def front(shop: Any) -> Any:
    return shop["recovery-eu-west-1/balancers"]


def test_a_region_waits_or_serves_by_one_parameter_that_no_template_overrules(shop: Any, there: Any) -> None:
    assert shop["primary/services"]["Parameters"]["ServiceRole"]["Default"] == "active"
    assert there["Parameters"]["ServiceRole"]["Default"] == "standby"
    for body in (shop["primary/services"], there):
        wanted = properties(body, "WebService")["DesiredCount"]
        assert wanted == {"Fn::If": ["IsActive", {"Ref": "AWS::NoValue"}, 1]}
        assert properties(body, "WebScaling")["MinCapacity"] == {"Fn::If": ["IsActive", 4, 1]}
        assert properties(body, "WebTooFewAlarm")["Threshold"] == {"Fn::If": ["IsActive", 4, 1]}


def test_the_recovery_region_takes_over_without_asking_another_region(there: Any) -> None:
    command = there["Outputs"]["ActivateCommand"]["Value"]
    assert "--region eu-west-1 --stack-name shop-prod-services-eu-west-1 --use-previous-template" in command
    assert "ParameterKey=ServiceRole,ParameterValue=active" in command
    kept = {name for name in there["Parameters"] if f"ParameterKey={name},UsePreviousValue=true" in command}
    assert kept == set(there["Parameters"]) - {"ServiceRole"}
    assert not [name for name in there["Parameters"] if name.startswith("Primary")]


def test_container_service_target_and_health_check_agree_on_the_port(there: Any, front: Any) -> None:
    (container,) = properties(there, "WebTask")["ContainerDefinitions"]
    assert container["PortMappings"] == [{"ContainerPort": 8080, "Protocol": "tcp"}]
    (target,) = properties(there, "WebService")["LoadBalancers"]
    assert (target["ContainerName"], target["ContainerPort"]) == ("web", 8080)
    assert target["TargetGroupArn"] == {"Ref": "WebTargetGroupArn"}
    group = properties(front, "WebTargetGroup")
    assert (group["Port"], group["TargetType"], group["HealthCheckPort"]) == (8080, "ip", "traffic-port")
    assert group["HealthCheckPath"] == "/health"
    rule = properties(front, "WebLoadBalancerToTasks")
    assert (rule["FromPort"], rule["ToPort"]) == (8080, 8080)


def test_each_region_pulls_the_same_bytes_from_its_own_registry(there: Any) -> None:
    (container,) = properties(there, "WebTask")["ContainerDefinitions"]
    image = "${AWS::AccountId}.dkr.ecr.eu-west-1.amazonaws.com/shop/web@" + DIGEST
    assert container["Image"] == {"Fn::Sub": image}


def test_a_container_writes_to_its_volumes_only(there: Any) -> None:
    task = properties(there, "WebTask")
    (container,) = task["ContainerDefinitions"]
    assert (container["ReadonlyRootFilesystem"], container["User"]) == (True, "1000:1000")
    assert container["MountPoints"] == [{"SourceVolume": "writable-1", "ContainerPath": "/tmp", "ReadOnly": False}]
    assert task["Volumes"] == [{"Name": "writable-1"}]


def test_a_user_who_writes_to_volumes_is_told_that_they_are_roots_at_first() -> None:
    def said(text: str) -> bool:
        workload = parse_workload(text.encode(), file="workload.yaml")
        drafts = assemble(workload, {name: Artifact(name, "a.zip", "a/0.zip") for name in needed(workload)})
        return any("declare VOLUME" in draft.comments.get("WebTask", "") for draft in drafts)

    assert said(SHOP)
    assert not said(SHOP.replace('    user: "1000:1000"\n', ""))


def test_what_starts_a_task_and_what_runs_in_it_have_roles_of_their_own(there: Any) -> None:
    def allowed(title: str) -> dict[str, list[str]]:
        (policy,) = properties(there, title)["Policies"]
        return {statement["Sid"]: statement["Action"] for statement in policy["PolicyDocument"]["Statement"]}

    assert list(allowed("WebExecutionRole")) == ["WriteLogs", "PullImage", "LogInToRegistry"]
    assert allowed("WebTaskRole") == {
        "ReadSecrets": ["secretsmanager:GetSecretValue"],
        "DecryptSecrets": ["kms:Decrypt"],
    }


def test_tasks_are_reached_through_the_load_balancer_only(front: Any) -> None:
    (rule,) = properties(front, "WebTaskGroup")["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["WebLoadBalancerGroup", "GroupId"]}
    callers = properties(front, "WebLoadBalancerGroup")["SecurityGroupIngress"]
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in callers] == [("10.0.0.0/16", 80), ("10.1.0.0/16", 80)]
    assert properties(front, "WebLoadBalancer")["Scheme"] == "internal"


def test_plain_http_says_why_in_the_listener(front: Any) -> None:
    listener = front["Resources"]["WebListener"]
    assert listener["Properties"]["Protocol"] == "HTTP"
    assert {skip["id"] for skip in listener["Metadata"]["checkov"]["skip"]} == {"CKV_AWS_2", "CKV_AWS_103"}


def test_a_certificate_brings_https_and_sends_http_to_it() -> None:
    front = bodies(SHOP + CERTIFICATES.removeprefix("\n"))["recovery-eu-west-1/balancers"]
    listener = properties(front, "WebListener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    assert listener["Certificates"] == [{"CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/2"}]
    (action,) = properties(front, "WebRedirect")["DefaultActions"]
    assert action["RedirectConfig"] == {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}


def test_a_bad_deployment_goes_back_by_itself(there: Any) -> None:
    configuration = properties(there, "WebService")["DeploymentConfiguration"]
    assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_access_logs_have_their_policy_first_and_outlive_the_stack(front: Any) -> None:
    assert front["Resources"]["WebLoadBalancer"]["DependsOn"] == "AccessLogsPolicy"
    bucket = front["Resources"]["AccessLogs"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    deliver, tls = properties(front, "AccessLogsPolicy")["PolicyDocument"]["Statement"]
    assert deliver["Resource"] == [{"Fn::Sub": "${AccessLogs.Arn}/web/AWSLogs/${AWS::AccountId}/*"}]
    assert (tls["Sid"], tls["Effect"]) == ("TlsOnly", "Deny")


def test_image_layers_pass_the_endpoint_of_s3(shop: Any) -> None:
    policy = properties(shop["recovery-eu-west-1/foundation"], "S3Endpoint")["PolicyDocument"]
    _, layers = policy["Statement"]
    assert layers["Action"] == ["s3:GetObject"]
    assert layers["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::prod-eu-west-1-starport-layer-bucket/*"}]


def test_image_layers_pass_the_endpoint_of_s3_also_when_ecr_is_reached_through_nat() -> None:
    text = SHOP.replace("{endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}", "{nat: one, endpoints: [s3]}")
    policy = properties(bodies(text)["primary/foundation"], "S3Endpoint")["PolicyDocument"]
    assert [statement["Sid"] for statement in policy["Statement"]] == ["PrincipalsOfThisAccount", "ImageLayersOfEcr"]


READS = {
    "AWS::EC2::SecurityGroup::Id": "ec2:DescribeSecurityGroups",
    "List<AWS::EC2::Subnet::Id>": "ec2:DescribeSubnets",
    "AWS::EC2::VPC::Id": "ec2:DescribeVpcs",
}


def test_the_failover_may_look_up_the_parameters_of_the_stack_that_it_updates(shop: Any, there: Any) -> None:
    """CloudFormation holds parameters of EC2 types against the account, with the permissions of who updates."""
    (policy,) = properties(shop["recovery-eu-west-1/recovery"], "FailoverRole")["Policies"]
    statements = {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}
    assert "cloudformation:UpdateStack" in statements["ServicesStack"]["Action"]
    asked = {READS[kind] for each in there["Parameters"].values() if "AWS::EC2::" in (kind := each["Type"])}
    assert asked == {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"}
    assert asked <= set(statements["LookUpNetwork"]["Action"])


def test_without_peering_nobody_in_the_other_region_is_let_in() -> None:
    apart = bodies(SHOP.replace("network: {", "network: {peering: false, "))["primary/balancers"]
    groups = properties(apart, "WebLoadBalancerGroup")["SecurityGroupIngress"]
    assert {rule["CidrIp"] for rule in groups} == {"10.0.0.0/16"}


PUBLIC = SHOP + CERTIFICATES.removeprefix("\n") + "    public: true\n"


@pytest.fixture(scope="module")
def public() -> dict[str, Any]:
    return bodies(PUBLIC)


def test_a_public_service_is_open_to_the_internet_over_https_and_port_80_only_redirects(public: Any) -> None:
    front = public["recovery-eu-west-1/balancers"]
    balancer = properties(front, "WebLoadBalancer")
    assert (balancer["Scheme"], balancer["Subnets"]) == ("internet-facing", {"Ref": "PublicSubnetIds"})
    callers = properties(front, "WebLoadBalancerGroup")["SecurityGroupIngress"]
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in callers] == [("0.0.0.0/0", 443), ("0.0.0.0/0", 80)]
    (skip,) = front["Resources"]["WebLoadBalancerGroup"]["Metadata"]["checkov"]["skip"]
    assert skip["id"] == "CKV_AWS_260"
    (nothing,) = properties(front, "WebLoadBalancerGroup")["SecurityGroupEgress"]
    assert nothing["CidrIp"] == "127.0.0.1/32"
    (action,) = properties(front, "WebRedirect")["DefaultActions"]
    assert action["Type"] == "redirect"
    attributes = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["deletion_protection.enabled"] == "true"


def test_the_tasks_of_a_public_service_stay_in_private_subnets(public: Any) -> None:
    network = properties(public["recovery-eu-west-1/services"], "WebService")["NetworkConfiguration"]
    assert network["AwsvpcConfiguration"]["Subnets"] == {"Ref": "PrivateSubnetIds"}
    assert network["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_public_subnets_are_there_for_a_public_service_only(shop: Any, public: Any) -> None:
    assert "InternetGateway" not in shop["primary/foundation"]["Resources"]
    there = public["primary/foundation"]["Resources"]
    assert [name for name in there if name.startswith("PublicSubnet")] == [
        "PublicSubnetA", "PublicSubnetARoutes", "PublicSubnetB", "PublicSubnetBRoutes",
    ]  # fmt: skip
    assert not [name for name in there if name.startswith("Nat")]


def test_public_subnets_hold_the_nat_gateways_too() -> None:
    body = bodies(PUBLIC.replace("network: {", "network: {nat: one, "))["primary/foundation"]
    resources = body["Resources"]
    assert [name for name in resources if name.startswith("NatGateway")] == ["NatGatewayA"]
    assert "PublicSubnetB" in resources
    assert properties(body, "PrivateRoutesOut")["NatGatewayId"] == {"Ref": "NatGatewayA"}


def test_a_web_acl_stands_before_a_public_service_and_logs_no_session(shop: Any, public: Any) -> None:
    front = public["primary/balancers"]
    acl = properties(front, "WebWebAcl")
    assert acl["DefaultAction"] == {"Allow": {}}
    assert [rule["Name"] for rule in acl["Rules"]] == [
        "limit", "AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet",
    ]  # fmt: skip
    limit = acl["Rules"][0]["Statement"]["RateBasedStatement"]
    assert (limit["Limit"], limit["EvaluationWindowSec"]) == (2000, 300)
    assert properties(front, "WebWebAclAssociation")["ResourceArn"] == {"Ref": "WebLoadBalancer"}
    log = properties(front, "WebWebAclLogging")
    assert log["LogDestinationConfigs"][0]["Fn::Sub"].endswith("log-group:${WebWebAclLogs}")
    assert [field["SingleHeader"]["Name"] for field in log["RedactedFields"]] == ["authorization", "cookie"]
    assert properties(front, "WebWebAclLogs")["LogGroupName"] == "aws-waf-logs-shop-prod-web"
    assert not [name for name in shop["primary/balancers"]["Resources"] if "Acl" in name]


USES = (
    SHOP.replace("logs, s3,", "logs, s3, dynamodb, events,")
    + """    tables: {sessions: read-write, prices: read}
    buckets: {documents: read-write, images: read}
    events: true
    database: true
    environment: {GREETING: "${AWS::Region} is for the container"}
tables: [{name: sessions, key: id}, {name: prices, key: id}]
buckets: [{name: documents}, {name: images}]
events: {}
database: {engine: postgres, version: "16.9", instance_class: db.r6g.large}
dns: {zone: shop.internal, record: db}
"""
)


@pytest.fixture(scope="module")
def uses() -> Any:
    return bodies(USES)["recovery-eu-west-1/services"]


def test_a_service_learns_the_names_of_what_it_uses_in_its_own_region(uses: Any) -> None:
    (container,) = properties(uses, "WebTask")["ContainerDefinitions"]
    assert {each["Name"]: each["Value"] for each in container["Environment"]} == {
        "GREETING": "${AWS::Region} is for the container",
        "TABLE_SESSIONS": {"Ref": "SessionsTableName"},
        "TABLE_PRICES": {"Ref": "PricesTableName"},
        "BUCKET_DOCUMENTS": {"Fn::Sub": "shop-prod-documents-${AWS::AccountId}-eu-west-1-an"},
        "BUCKET_IMAGES": {"Fn::Sub": "shop-prod-images-${AWS::AccountId}-eu-west-1-an"},
        "DATABASE_HOST": "db.shop.internal",
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "app",
        "DATABASE_SECRET": "shop-prod/database",
        "EVENT_BUS": {"Ref": "EventBusName"},
    }


def test_a_service_may_do_what_it_declares_and_nothing_else(uses: Any) -> None:
    (policy,) = properties(uses, "WebTaskRole")["Policies"]
    allowed = {each["Sid"]: (each["Action"], each["Resource"]) for each in policy["PolicyDocument"]["Statement"]}
    read = ["BatchGetItem", "GetItem", "Query"]
    write = ["BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"]
    table = "arn:${AWS::Partition}:dynamodb:eu-west-1:${AWS::AccountId}:table/shop-prod-"
    assert allowed["SessionsTable"] == (
        [f"dynamodb:{action}" for action in read + write], [{"Fn::Sub": f"{table}sessions"}],
    )  # fmt: skip
    assert allowed["PricesTable"] == ([f"dynamodb:{action}" for action in read], [{"Fn::Sub": f"{table}prices"}])
    documents, images = {"Fn::Sub": "${DocumentsBucketArn}/*"}, {"Fn::Sub": "${ImagesBucketArn}/*"}
    assert allowed["ReadObjects"] == (["s3:GetObject"], [documents, images])
    assert allowed["WriteObjects"] == (["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"], [documents])
    assert allowed["ListBuckets"] == (["s3:ListBucket"], [{"Ref": "DocumentsBucketArn"}, {"Ref": "ImagesBucketArn"}])
    assert allowed["SendEvents"] == (["events:PutEvents"], [{"Ref": "EventBusArn"}])
    secret = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    wanted = [{"Fn::Sub": f"{secret}{name}-??????"} for name in ("shop/api-key", "shop-prod/database")]
    assert allowed["ReadSecrets"] == (["secretsmanager:GetSecretValue"], wanted)
    keys = [sid for sid, (_, resource) in allowed.items() if resource == [{"Ref": "DataKeyArn"}]]
    assert keys == ["KeyOfTablesThroughDynamoDB", "KeyOfBucketsThroughS3", "DecryptSecrets"]


def test_only_a_service_that_uses_the_database_reaches_its_port() -> None:
    def ports(text: str) -> list[int]:
        rules = properties(bodies(text)["primary/balancers"], "WebTaskGroup")["SecurityGroupEgress"]
        return [rule["FromPort"] for rule in rules]

    assert ports(USES) == [443, 5432, 5432]
    assert ports(USES.replace("    database: true\n", "")) == [443]


def test_what_a_variable_holds_reaches_the_container_as_it_is_written(uses: Any) -> None:
    assert uses["Resources"]["WebTask"]["Metadata"]["cfn-lint"]["config"]["ignore_checks"] == ["E1029"]
