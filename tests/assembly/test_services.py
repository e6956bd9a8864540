"""What a reviewer looks for in a service on Fargate."""

from __future__ import annotations

from typing import Any

import pytest

from drgen.assembly.components import assemble
from drgen.files.workload import parse_workload

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
    drafts = assemble(parse_workload(text.encode(), file="workload.yaml"), {})
    return {f"{draft.stage}/{draft.layer}": draft.template().body for draft in drafts}


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    return bodies(SHOP)


@pytest.fixture(scope="module")
def there(shop: Any) -> Any:
    return shop["recovery-eu-west-1/services"]


def properties(body: Any, name: str) -> Any:
    return body["Resources"][name]["Properties"]


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


def test_container_service_target_and_health_check_agree_on_the_port(there: Any) -> None:
    (container,) = properties(there, "WebTask")["ContainerDefinitions"]
    assert container["PortMappings"] == [{"ContainerPort": 8080, "Protocol": "tcp"}]
    (target,) = properties(there, "WebService")["LoadBalancers"]
    assert (target["ContainerName"], target["ContainerPort"]) == ("web", 8080)
    group = properties(there, "WebTargetGroup")
    assert (group["Port"], group["TargetType"], group["HealthCheckPort"]) == (8080, "ip", "traffic-port")
    assert group["HealthCheckPath"] == "/health"
    rule = properties(there, "WebLoadBalancerToTasks")
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


def test_what_starts_a_task_and_what_runs_in_it_have_roles_of_their_own(there: Any) -> None:
    def allowed(title: str) -> dict[str, list[str]]:
        (policy,) = properties(there, title)["Policies"]
        return {statement["Sid"]: statement["Action"] for statement in policy["PolicyDocument"]["Statement"]}

    assert list(allowed("WebExecutionRole")) == ["WriteLogs", "PullImage", "LogInToRegistry"]
    assert allowed("WebTaskRole") == {
        "ReadSecrets": ["secretsmanager:GetSecretValue"],
        "DecryptSecrets": ["kms:Decrypt"],
    }


def test_tasks_are_reached_through_the_load_balancer_only(there: Any) -> None:
    (rule,) = properties(there, "WebTaskGroup")["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["WebLoadBalancerGroup", "GroupId"]}
    callers = properties(there, "WebLoadBalancerGroup")["SecurityGroupIngress"]
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in callers] == [("10.0.0.0/16", 80), ("10.1.0.0/16", 80)]
    assert properties(there, "WebLoadBalancer")["Scheme"] == "internal"


def test_plain_http_says_why_in_the_listener(there: Any) -> None:
    listener = there["Resources"]["WebListener"]
    assert listener["Properties"]["Protocol"] == "HTTP"
    assert {skip["id"] for skip in listener["Metadata"]["checkov"]["skip"]} == {"CKV_AWS_2", "CKV_AWS_103"}


def test_a_certificate_brings_https_and_sends_http_to_it() -> None:
    there = bodies(SHOP + CERTIFICATES.removeprefix("\n"))["recovery-eu-west-1/services"]
    listener = properties(there, "WebListener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    assert listener["Certificates"] == [{"CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/2"}]
    (action,) = properties(there, "WebRedirect")["DefaultActions"]
    assert action["RedirectConfig"] == {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}


def test_a_bad_deployment_goes_back_by_itself(there: Any) -> None:
    configuration = properties(there, "WebService")["DeploymentConfiguration"]
    assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_access_logs_have_their_policy_first_and_outlive_the_stack(there: Any) -> None:
    assert there["Resources"]["WebLoadBalancer"]["DependsOn"] == "AccessLogsPolicy"
    bucket = there["Resources"]["AccessLogs"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    deliver, tls = properties(there, "AccessLogsPolicy")["PolicyDocument"]["Statement"]
    assert deliver["Resource"] == [{"Fn::Sub": "${AccessLogs.Arn}/web/AWSLogs/${AWS::AccountId}/*"}]
    assert (tls["Sid"], tls["Effect"]) == ("TlsOnly", "Deny")


def test_image_layers_pass_the_endpoint_of_s3(shop: Any) -> None:
    policy = properties(shop["recovery-eu-west-1/foundation"], "S3Endpoint")["PolicyDocument"]
    _, layers = policy["Statement"]
    assert layers["Action"] == ["s3:GetObject"]
    assert layers["Resource"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::prod-eu-west-1-starport-layer-bucket/*"}]


def test_without_peering_nobody_in_the_other_region_is_let_in() -> None:
    apart = bodies(SHOP.replace("network: {", "network: {peering: false, "))["primary/services"]
    groups = properties(apart, "WebLoadBalancerGroup")["SecurityGroupIngress"]
    assert {rule["CidrIp"] for rule in groups} == {"10.0.0.0/16"}
