"""Two regions with a network, a key and an RDS control plane that plain botocore clients reach without a socket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from aurora_world import with_primary as with_primary_cluster
from aurora_world import with_secondary
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from drgen.local.api import ApiError, Call
from drgen.local.clock import Clock
from drgen.local.rds.service import Rds
from drgen.local.wire.message import Request
from drgen.local.wire.models import bare_session, operation_of
from drgen.local.wire.parse import parameters
from drgen.local.wire.serialise import error_response, response

ACCOUNT = "123456789012"
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
US, EU = "us-east-1", "eu-west-1"


def refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Network:
    """EC2 of one region: VPC `vpc-<region>` with subnets a, b (two zones) and b2; vpc-other with subnets x, y."""

    def __init__(self, region: str) -> None:
        home, other = f"vpc-{region}", f"vpc-other-{region}"
        self._subnets = [
            {"SubnetId": f"subnet-{name}", "VpcId": vpc, "AvailabilityZone": f"{region}{zone}"}
            for name, vpc, zone in [
                ("a", home, "a"),
                ("b", home, "b"),
                ("b2", home, "b"),
                ("x", other, "a"),
                ("y", other, "b"),
            ]
        ]
        self._groups = [
            {"GroupId": "sg-database", "VpcId": home, "GroupName": "database"},
            {"GroupId": "sg-default", "VpcId": home, "GroupName": "default"},
            {"GroupId": "sg-other", "VpcId": other, "GroupName": "default"},
        ]

    def describe_vpcs(self, Filters: Any) -> Any:
        return {"Vpcs": []}

    def describe_subnets(self, SubnetIds: list[str]) -> Any:
        found = [subnet for subnet in self._subnets if subnet["SubnetId"] in SubnetIds]
        if len(found) != len(set(SubnetIds)):
            raise refused("InvalidSubnetID.NotFound", "DescribeSubnets")
        return {"Subnets": found}

    def describe_security_groups(self, GroupIds: list[str] | None = None, Filters: Any = ()) -> Any:
        if GroupIds is None:
            wanted = {entry["Name"]: entry["Values"][0] for entry in Filters}
            keys = {"vpc-id": "VpcId", "group-name": "GroupName"}
            matches = [g for g in self._groups if all(g[keys[name]] == value for name, value in wanted.items())]
            return {"SecurityGroups": matches}
        found = [group for group in self._groups if group["GroupId"] in GroupIds]
        if len(found) != len(GroupIds):
            raise refused("InvalidGroup.NotFound", "DescribeSecurityGroups")
        return {"SecurityGroups": found}


class Keys:
    """KMS of one region: the key `data`, and the disabled key `old`."""

    def __init__(self, region: str) -> None:
        self._prefix = f"arn:aws:kms:{region}:{ACCOUNT}:key/"

    def describe_key(self, KeyId: str) -> Any:
        name = KeyId.rpartition("/")[2]
        if name not in ("data", "old"):
            raise refused("NotFoundException", "DescribeKey")
        return {"KeyMetadata": {"Arn": self._prefix + name, "Enabled": name == "data"}}


class Whoever:
    def get_caller_identity(self) -> Any:
        return {"Account": ACCOUNT}


class Metrics:
    def __init__(self) -> None:
        self.latest: dict[tuple[str, str], float] = {}

    def put_metric_data(self, Namespace: str, MetricData: list[Any]) -> None:
        assert Namespace == "AWS/RDS"
        for point in MetricData:
            assert point["Timestamp"] == START
            self.latest[point["Dimensions"][0]["Value"], point["MetricName"]] = point["Value"]


class Topics:
    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []

    def get_topic_attributes(self, TopicArn: str) -> Any:
        if not TopicArn.endswith(":alerts"):
            raise refused("NotFound", "GetTopicAttributes")
        return {}

    def publish(self, TopicArn: str, Message: str, Subject: str = "") -> None:
        self.published.append((TopicArn, Message))


class Bus:
    """EventBridge with one rule that sends every event to the topic `bus`."""

    def __init__(self, region: str) -> None:
        self._topic = f"arn:aws:sns:{region}:{ACCOUNT}:bus"

    def list_rules(self, EventBusName: str) -> Any:
        return {"Rules": [{"Name": "all", "State": "ENABLED", "EventPattern": "{}"}]}

    def test_event_pattern(self, EventPattern: str, Event: str) -> Any:
        return {"Result": True}

    def list_targets_by_rule(self, Rule: str, EventBusName: str) -> Any:
        return {"Targets": [{"Id": "1", "Arn": self._topic}]}


class Secrets:
    def __init__(self) -> None:
        self.names: list[str] = []

    def create_secret(self, Name: str, SecretString: str) -> Any:
        self.names.append(Name)
        return {"ARN": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{Name}"}

    def delete_secret(self, SecretId: str, ForceDeleteWithoutRecovery: bool) -> None:
        self.names.remove(SecretId.partition(":secret:")[2])


class Cloud:
    """The environment of the control plane under test. `dark` holds the regions that do not answer."""

    account = ACCOUNT
    partition = "aws"

    def __init__(self) -> None:
        self.clock = Clock(speed=0, start=START.timestamp())
        self.dark: set[str] = set()
        self.rds = Rds(self, real_time=lambda: START)
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        if region in self.dark:
            raise EndpointConnectionError(endpoint_url=f"https://{service}.{region}.amazonaws.com")
        if service == "rds":
            return DATABASES.client(region, self)
        if (service, region) not in self._clients:
            self._clients[service, region] = self._new(service, region)
        return self._clients[service, region]

    def _new(self, service: str, region: str) -> Any:
        plain: dict[str, Callable[[], Any]] = {
            "ec2": lambda: Network(region),
            "kms": lambda: Keys(region),
            "sts": Whoever,
            "cloudwatch": Metrics,
            "sns": Topics,
            "events": lambda: Bus(region),
            "secretsmanager": Secrets,
        }
        return plain[service]()

    def answer(self, sent: Any, region: str, client: Any) -> AWSResponse:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in sent.headers.items()
        }
        parts = urlsplit(sent.url)
        body = sent.body if isinstance(sent.body, bytes) else (sent.body or "").encode()
        request = Request(sent.method, f"{parts.path}?{parts.query}", headers, body)
        operation = client.meta.service_model.operation_model(operation_of("rds", request))
        call = Call("rds", operation.name, region, ACCOUNT, parameters(request, operation))
        try:
            answer = response(self.rds.handle(call), operation)
        except ApiError as error:
            answer = error_response(error.code, error.message, status=error.status, protocol="query")
        return AWSResponse(sent.url, answer.status, HTTPHeaders.from_dict(dict(answer.headers)), Raw(answer.body))

    def now(self) -> float:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def wait(self, done: Callable[[], bool], *, every: float, limit: float) -> bool:
        end = self.now() + limit
        while not done():
            if self.now() >= end:
                return False
            self.sleep(every)
        return True

    def minutes(self, count: float) -> None:
        self.clock.advance(count * 60)

    def database(self, name: str, region: str) -> Any:
        return self.client("rds", region).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


class Databases:
    """botocore's RDS clients, made once per region because that is slow; they talk to the cloud that asked last."""

    def __init__(self) -> None:
        self._session = bare_session()
        self._clients: dict[str, Any] = {}
        self._owners: dict[str, Cloud] = {}

    def client(self, region: str, owner: Cloud) -> Any:
        self._owners[region] = owner
        if region not in self._clients:
            client = self._session.create_client(
                "rds",
                region_name=region,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="local",
                config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
            )
            # botocore's stubs know no handler that answers, as those of before-send do.
            hooks: Any = client.meta.events
            hooks.register("before-send.rds", lambda request, **_: self._owners[region].answer(request, region, client))
            self._clients[region] = client
        return self._clients[region]


DATABASES = Databases()


class Raw:
    """A response body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        yield self._body


PRIMARY = {
    "DBInstanceIdentifier": "orders",
    "Engine": "postgres",
    "EngineVersion": "16.9",
    "DBInstanceClass": "db.r6g.large",
    "AllocatedStorage": 100,
    "MasterUsername": "owner",
    "MasterUserPassword": "correct-horse-9",
    "BackupRetentionPeriod": 7,
    "DBSubnetGroupName": "private",
    "VpcSecurityGroupIds": ["sg-database"],
    "StorageEncrypted": True,
    "KmsKeyId": "data",
}
REPLICA = {
    "DBInstanceIdentifier": "orders-eu",
    "SourceDBInstanceIdentifier": f"arn:aws:rds:us-east-1:{ACCOUNT}:db:orders",
    "DBSubnetGroupName": "private",
    "VpcSecurityGroupIds": ["sg-database"],
    "KmsKeyId": "data",
}


def with_groups() -> Cloud:
    cloud = Cloud()
    for region in (US, EU):
        cloud.client("rds", region).create_db_subnet_group(
            DBSubnetGroupName="private", DBSubnetGroupDescription="Private", SubnetIds=["subnet-a", "subnet-b"]
        )
    return cloud


def with_primary(cloud: Cloud) -> Cloud:
    cloud.client("rds", US).create_db_instance(**PRIMARY)
    cloud.minutes(15)
    return cloud


def with_replica(cloud: Cloud) -> Cloud:
    cloud.client("rds", EU).create_db_instance_read_replica(**REPLICA)
    cloud.minutes(30)
    return cloud


@pytest.fixture
def cloud() -> Cloud:
    """Subnet groups in both regions, no database."""
    return with_groups()


@pytest.fixture
def primary(cloud: Cloud) -> Cloud:
    """The database `orders`, available in us-east-1."""
    return with_primary(cloud)


@pytest.fixture
def pair(primary: Cloud) -> Cloud:
    """`orders` in us-east-1 and its replica `orders-eu` in eu-west-1, both available."""
    return with_replica(primary)


@pytest.fixture(scope="session")
def new_pair() -> Callable[[], Cloud]:
    """Makes a new `pair` at each call."""
    return lambda: with_replica(with_primary(with_groups()))


@pytest.fixture(scope="session")
def new_shop() -> Callable[[], Cloud]:
    """Makes a new global database at each call: `shop-us-east-1` writes, `shop-eu-west-1` follows."""
    return lambda: with_secondary(with_primary_cluster(with_groups()))


@pytest.fixture
def create(cloud: Cloud) -> Callable[..., Any]:
    """Creates `orders` in us-east-1 with some parameters changed; None takes one away."""

    def create(**changes: Any) -> Any:
        params = {key: value for key, value in {**PRIMARY, **changes}.items() if value is not None}
        return cloud.client("rds", US).create_db_instance(**params)["DBInstance"]

    return create
