"""What the failover says to the world: metrics that move traffic, and messages to the topic."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from drgen.recovery.clients import Clients, explain
from drgen.recovery.config import Config
from drgen.recovery.names import PRIMARY_WITHDRAWN, RECOVERY_WRITABLE
from drgen.recovery.record import Record

SUBJECT_LIMIT = 99
"""An SNS subject has fewer than 100 characters. Source: botocore, sns PublishInput.Subject."""


def publish(config: Config, clients: Clients, values: dict[str, float]) -> None:
    """Publishes metrics of the workload in the target region, by name."""
    dimensions = [{"Name": "Workload", "Value": config.workload}]
    clients.target("cloudwatch").put_metric_data(
        Namespace=config.namespace,
        MetricData=[{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in values.items()],
    )


def publish_traffic(config: Config, clients: Clients) -> str:
    """Publishes what takes the primary's record out of the answers and the recovery region's in; says what it was.

    Saying it again changes nothing.
    """
    values = {PRIMARY_WITHDRAWN: 1.0}
    if config.switch is not None and config.switch.writable_alarm:
        values[RECOVERY_WRITABLE] = 1.0
    publish(config, clients, values)
    return f"{' and '.join(f'{name} = 1' for name in values)} {'are' if len(values) > 1 else 'is'}"


def announce(config: Config, clients: Clients, subject: str, record: Record) -> str:
    """Sends the journal of `record` to the topic; "" or why it could not. A silent topic never stops a failover."""
    lines = [f"{entry.phase}: {entry.text}" for entry in record.journal]
    header = f"Incident {record.request.incident}, asked for by {record.request.operator}, {record.request.mode}."
    return send(config, clients, subject, "\n".join([header, *lines]))


def send(config: Config, clients: Clients, subject: str, text: str) -> str:
    """Publishes a message to the topic; "" or why it could not."""
    try:
        clients.target("sns").publish(TopicArn=config.topic, Subject=subject[:SUBJECT_LIMIT], Message=text)
    except (BotoCoreError, ClientError) as error:
        return explain(error)
    return ""
