"""CloudWatch alarms. An alarm lives in the region of its metric, and so do its actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import AWSHelperFn, cloudwatch

from drgen.builders.scanners import ALARM_ACTION, accepted
from drgen.model.stack import StackDraft
from drgen.model.value import Value


def alarm(
    stack: StackDraft,
    title: str,
    *,
    name: str,
    description: str,
    metric: str,
    dimensions: Mapping[str, Any],
    threshold: float | AWSHelperFn,
    topic: Value | None,
    namespace: str = "AWS/RDS",
    statistic: str = "Average",
    comparison: str = "GreaterThanThreshold",
    period_s: int = 60,
    periods: int = 5,
    bad_periods: int = 0,
    missing: str = "notBreaching",
    silent: str = "",
    why: str = "",
) -> Any:
    """An alarm that tells `topic` of both directions, or tells nobody where `topic` is None: `silent` says why.

    It goes off when `bad_periods` of the last `periods` are bad; without `bad_periods`, when all of them are.
    """
    actions = {} if topic is None else {"AlarmActions": [stack.use(topic)], "OKActions": [stack.use(topic)]}
    resource = cloudwatch.Alarm(
        title,
        AlarmName=name,
        AlarmDescription=description,
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[cloudwatch.MetricDimension(Name=key, Value=value) for key, value in dimensions.items()],
        Statistic=statistic,
        Period=period_s,
        EvaluationPeriods=periods,
        DatapointsToAlarm=bad_periods or periods,
        Threshold=threshold,
        ComparisonOperator=comparison,
        TreatMissingData=missing,
        **actions,
    )
    if topic is None:
        resource.Metadata = accepted({ALARM_ACTION: silent})
    return stack.add(resource, why=why)
