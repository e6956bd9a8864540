"""The payment processor of a region: answers the HTTP API, and settles on a schedule.

Environment: SETTINGS_PARAMETER, the SSM parameter of this region with `endpoint`, where the API answers, and `tables`,
the table's name. It is read once, when the function starts. Logs are JSON and hold no account, amount or key.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import logic

TABLE = "ledger"
LINES = "open"
AT_ONCE = 16
"""Claims that are settled side by side, and connections to the table."""
RESERVE_MS = 15_000
"""What a page of claims may take when the table is slow."""


def handler(event: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
    """The answer to a request of the HTTP API (payload format 2.0), or what a scheduled run has settled."""
    if event.get("source") == "aws.events":
        return _settle(context)
    from botocore.exceptions import BotoCoreError, ClientError

    route = event["routeKey"]
    try:
        status, content = _answer(route, event)
    except logic.Refused as refused:
        status, content = refused.status, {"message": str(refused)}
    except (BotoCoreError, ClientError) as error:
        _log(route=route, error=type(error).__name__, detail=_code(error))
        status, content = 503, {"message": "the store does not answer; try again with the same Idempotency-Key"}
    _log(route=route, status=status, payment=content.get("id"), request=event["requestContext"]["requestId"])
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(content)}


def _settle(context: Any) -> Mapping[str, Any]:
    """Settles until nothing is left, or little time: the next run goes on from there."""

    def goes_on() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MS)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        counts = logic.settle(region=_region(), now_ms=_now_ms(), store=_store(), spread=pool.map, goes_on=goes_on)
    _log(route="settle", **counts)
    return counts


def _answer(route: str, event: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    endpoint = _settings().get("endpoint", "")
    match route:
        case "GET /health":
            _store().open(before_ms=_now_ms(), limit=1)
            return 200, {"region": _region(), "state": "ok"}
        case "POST /payments":
            key = event["headers"].get("idempotency-key", "")
            payment = logic.parse(event.get("body") or "")
            claim, new = logic.submit(key, payment, region=_region(), now_ms=_now_ms(), store=_store())
            return 201 if new else 200, logic.shown(claim, endpoint=endpoint)
        case "GET /payments/{id}":
            return 200, logic.shown(logic.find(event["pathParameters"]["id"], store=_store()), endpoint=endpoint)
        case _:
            raise logic.Refused(404, "there is no such route")


class DynamoStore:
    """The replica of the table in this region. One partition holds the open list: about 1,000 claims a second.

    Source: DynamoDB Developer Guide, "Best practices for designing and using partition keys effectively".
    """

    def __init__(self, client: Any, table: str, region: str) -> None:
        self._client, self._table, self._region = client, table, region

    def claims(self, payment_id: str) -> Sequence[logic.Claim]:
        return [_claim(item) for item in self._query(payment_id, "claim#", limit=100)]

    def claim(self, claim: logic.Claim) -> bool:
        line = {"id": {"S": self._list}, "entry": {"S": f"{claim.at_ms:015d}#{claim.id}"}}
        new = {"TableName": self._table, "Item": _item(claim), "ConditionExpression": "attribute_not_exists(id)"}
        try:
            self._client.transact_write_items(
                TransactItems=[{"Put": new}, {"Put": {"TableName": self._table, "Item": line}}]
            )
        except self._client.exceptions.TransactionCanceledException as error:
            if not _condition_failed(error):
                raise
            return False
        return True

    def open(self, *, before_ms: int, limit: int) -> Sequence[tuple[str, str]]:
        lines = [item["entry"]["S"] for item in self._query(self._list, "0", limit=limit)]
        parts = [(line, line.partition("#")) for line in lines]
        return [(line, identity) for line, (at_ms, _, identity) in parts if int(at_ms) < before_ms]

    def close(self, claim: logic.Claim, line: str, *, state: str) -> None:
        where = {"id": {"S": claim.id}, "entry": {"S": f"claim#{claim.region}"}}
        gone = {"TableName": self._table, "Key": {"id": {"S": self._list}, "entry": {"S": line}}}
        update = {
            "TableName": self._table,
            "Key": where,
            "UpdateExpression": "SET #state = :state",
            "ConditionExpression": "#state = :accepted",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":state": {"S": state}, ":accepted": {"S": logic.ACCEPTED}},
        }
        try:
            self._client.transact_write_items(TransactItems=[{"Update": update}, {"Delete": gone}])
        except self._client.exceptions.TransactionCanceledException as error:
            if not _condition_failed(error):
                raise
            self._client.delete_item(**gone)

    @property
    def _list(self) -> str:
        return f"{LINES}#{self._region}"

    def _query(self, identity: str, prefix: str, *, limit: int) -> Sequence[Mapping[str, Any]]:
        answer = self._client.query(
            TableName=self._table,
            ConsistentRead=True,
            Limit=limit,
            KeyConditionExpression="id = :id AND begins_with(entry, :prefix)",
            ExpressionAttributeValues={":id": {"S": identity}, ":prefix": {"S": prefix}},
        )
        items: Sequence[Mapping[str, Any]] = answer["Items"]
        return items


def _item(claim: logic.Claim) -> Mapping[str, Any]:
    payment = claim.payment
    texts = {"currency": payment.currency, "debtor": payment.debtor, "creditor": payment.creditor, "state": claim.state}
    return {
        "id": {"S": claim.id},
        "entry": {"S": f"claim#{claim.region}"},
        "at_ms": {"N": str(claim.at_ms)},
        "amount": {"N": str(payment.amount)},
        **{name: {"S": text} for name, text in texts.items()},
    }


def _claim(item: Mapping[str, Any]) -> logic.Claim:
    payment = logic.Payment(int(item["amount"]["N"]), item["currency"]["S"], item["debtor"]["S"], item["creditor"]["S"])
    region = item["entry"]["S"].removeprefix("claim#")
    return logic.Claim(item["id"]["S"], region, int(item["at_ms"]["N"]), payment, item["state"]["S"])


def _condition_failed(error: Any) -> bool:
    reasons = error.response.get("CancellationReasons", ())
    return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)


def _code(error: Any) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


@functools.cache
def _settings() -> Mapping[str, Any]:
    value = _client("ssm").get_parameter(Name=os.environ["SETTINGS_PARAMETER"])["Parameter"]["Value"]
    found: Mapping[str, Any] = json.loads(value)
    return found


@functools.cache
def _store() -> DynamoStore:
    return DynamoStore(_client("dynamodb"), _settings()["tables"][TABLE], _region())


@functools.cache
def _client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    # Three tries fit into the API's ten seconds: a caller who hears nothing does not know what became of it.
    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(connect_timeout=1, read_timeout=2, retries=retries, max_pool_connections=AT_ONCE)
    return boto3.client(service, config=config)


def _region() -> str:
    return os.environ["AWS_REGION"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _log(**fields: Any) -> None:
    print(json.dumps({name: value for name, value in fields.items() if value is not None}))
