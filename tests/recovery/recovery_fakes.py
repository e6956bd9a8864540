"""Two regions in memory, as boto3 clients of the failover function see them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from drgen.recovery.config import Config, ReplicaSettings, Switch, Trigger

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders-prod-failover"
PRIMARY_ARN = "arn:aws:rds:us-east-1:123456789012:db:orders-prod-us-east-1"
PAIR = ReplicaSettings(
    primary_database="orders-prod-us-east-1",
    recovery_database="orders-prod-eu-west-1",
    stack="orders-prod-database-eu-west-1",
    fence_group="sg-fence",
    secret="orders-prod/database",
    probe_function="orders-prod-probe",
)
CONFIG = Config(
    workload="orders-prod",
    primary_region="us-east-1",
    recovery_region="eu-west-1",
    topic="arn:aws:sns:eu-west-1:123456789012:orders-prod-alerts",
    machine=MACHINE,
    gone_alarm="orders-prod-primary-gone",
    trigger=Trigger.APPROVE,
    loss_objective_s=300,
    time_objective_s=900,
    database=PAIR,
    switch=Switch("orders-prod-primary-withdrawn", "orders-prod-recovery-not-writable"),
)


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def now() -> datetime:
    return datetime(2026, 11, 21, 12, tzinfo=UTC)


def database(name: str, source: str, group: str) -> dict[str, Any]:
    infos = [{"StatusType": "read replication", "Status": "replicating"}] if source else []
    return {
        "DBInstanceIdentifier": name,
        "DBInstanceStatus": "available",
        "ReadReplicaSourceDBInstanceIdentifier": source,
        "StatusInfos": infos,
        "VpcSecurityGroups": [{"VpcSecurityGroupId": group, "Status": "active"}],
    }


@dataclass
class Regions:
    """The world behind the clients. `dark` takes the primary's region away; `calls` records "service.operation"."""

    dark: bool = False
    third_is_dark: bool = False
    third_db: dict[str, Any] = field(
        default_factory=lambda: database("orders-prod-us-west-2", PRIMARY_ARN, "sg-recovery")
    )
    primary_db: dict[str, Any] = field(default_factory=lambda: database("orders-prod-us-east-1", "", "sg-primary"))
    replica_db: dict[str, Any] = field(
        default_factory=lambda: database("orders-prod-eu-west-1", PRIMARY_ARN, "sg-recovery")
    )
    stack: dict[str, Any] = field(
        default_factory=lambda: {
            "StackId": "stack-id",
            "StackName": "orders-prod-database-eu-west-1",
            "StackStatus": "CREATE_COMPLETE",
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Parameters": [
                {"ParameterKey": "SourceDatabaseArn", "ParameterValue": PRIMARY_ARN},
                {"ParameterKey": "DatabaseRole", "ParameterValue": "replica"},
            ],
        }
    )
    policy: str = ""
    update_error: ClientError | None = None
    updates: list[dict[str, Any]] = field(default_factory=list)
    probe: dict[str, Any] = field(
        default_factory=lambda: {
            "secret_read": True,
            "primary": {"observed": False, "reason": "no database"},
            "recovery": {"observed": False, "reason": "no database"},
            "written": {"observed": False, "reason": "no database"},
        }
    )
    metrics: dict[str, list[tuple[datetime, float]]] = field(
        default_factory=lambda: {"ReplicaLag": [(now() - timedelta(seconds=90), 3.0)]}
    )
    alarms: dict[str, str] = field(
        default_factory=lambda: {
            "orders-prod-primary-withdrawn": "OK",
            "orders-prod-recovery-not-writable": "ALARM",
            "orders-prod-primary-gone": "OK",
        }
    )
    running: list[dict[str, Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)


class FakeClients:
    """Clients of `Regions`; any service answers with the methods of `Service`."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions

    def target(self, service: str) -> Any:
        return Service(self.regions, service, self.regions.replica_db)

    def primary(self, service: str) -> Any:
        return Service(self.regions, f"primary:{service}", self.regions.primary_db, dark=self.regions.dark)

    def other(self, service: str, region: str) -> Any:
        return Service(self.regions, f"{region}:{service}", self.regions.third_db, dark=self.regions.third_is_dark)

    def clock(self) -> float:
        return now().timestamp()


class Service:
    """Every operation that the failover uses, on the one database that its region has; none answers if `dark`."""

    def __init__(self, regions: Regions, name: str, db: dict[str, Any], *, dark: bool = False) -> None:
        self._regions, self._name, self._db, self._dark = regions, name, db, dark

    def _called(self, operation: str) -> None:
        self._regions.calls.append(f"{self._name}.{operation}")
        if self._dark:
            raise EndpointConnectionError(endpoint_url="https://rds.us-east-1.amazonaws.com")

    def describe_db_instances(self, **_: Any) -> Any:
        self._called("describe_db_instances")
        return {"DBInstances": [self._db]}

    def modify_db_instance(self, *, VpcSecurityGroupIds: list[str], **_: Any) -> None:
        self._called("modify_db_instance")
        self._db["VpcSecurityGroups"] = [{"VpcSecurityGroupId": g, "Status": "active"} for g in VpcSecurityGroupIds]

    def reboot_db_instance(self, **_: Any) -> None:
        self._called("reboot_db_instance")

    def describe_stacks(self, **_: Any) -> Any:
        return {"Stacks": [self._regions.stack]}

    def describe_stack_events(self, **_: Any) -> Any:
        return {"StackEvents": []}

    def get_stack_policy(self, **_: Any) -> Any:
        return {"StackPolicyBody": self._regions.policy} if self._regions.policy else {}

    def set_stack_policy(self, *, StackPolicyBody: str, **_: Any) -> None:
        self._regions.policy = StackPolicyBody

    def update_stack(self, **arguments: Any) -> None:
        """Promotes at once: waiting is the resolver's business and tested there."""
        self._called("update_stack")
        if self._regions.update_error is not None:
            raise self._regions.update_error
        self._regions.updates.append(arguments)
        self._regions.stack["StackStatus"] = "UPDATE_COMPLETE"
        self._regions.stack["Parameters"][1]["ParameterValue"] = "standalone"
        self._regions.replica_db.update(ReadReplicaSourceDBInstanceIdentifier="", StatusInfos=[])

    def describe_secret(self, **_: Any) -> Any:
        return {}

    def invoke(self, **_: Any) -> Any:
        return {"Payload": io.BytesIO(json.dumps(self._regions.probe).encode())}

    def describe_alarms(self, *, AlarmNames: list[str]) -> Any:
        at = now() - timedelta(minutes=4)
        known = [name for name in AlarmNames if name in self._regions.alarms]
        shown = [{"AlarmName": n, "StateValue": self._regions.alarms[n], "StateUpdatedTimestamp": at} for n in known]
        return {"MetricAlarms": shown}

    def get_metric_statistics(self, *, MetricName: str, **_: Any) -> Any:
        points = self._regions.metrics.get(MetricName, [])
        return {"Datapoints": [{"Timestamp": at, "Maximum": value} for at, value in points]}

    def put_metric_data(self, *, MetricData: list[dict[str, Any]], **_: Any) -> None:
        """Publishes, and lets the two alarms follow at once."""
        for datum in MetricData:
            self._regions.metrics.setdefault(datum["MetricName"], []).append((now(), datum["Value"]))
            if datum["MetricName"] == "PrimaryWithdrawn":
                self._regions.alarms["orders-prod-primary-withdrawn"] = "ALARM" if datum["Value"] else "OK"
            if datum["MetricName"] == "RecoveryWritable":
                self._regions.alarms["orders-prod-recovery-not-writable"] = "OK" if datum["Value"] else "ALARM"

    def publish(self, *, Message: str, **_: Any) -> None:
        self._regions.messages.append(Message)

    def list_executions(self, *, stateMachineArn: str, **_: Any) -> Any:
        return {"executions": [e for e in self._regions.running if e.get("machine", MACHINE) == stateMachineArn]}

    def start_execution(self, *, name: str, **_: Any) -> None:
        if name in self._regions.started:
            raise refusal("ExecutionAlreadyExists")
        self._regions.started.append(name)

    def put_parameter(self, *, Name: str, Value: str, **_: Any) -> None:
        self._regions.parameters[Name] = Value
