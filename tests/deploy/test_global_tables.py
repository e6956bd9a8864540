"""A global table grows by one region at a time."""

from __future__ import annotations

from typing import Any

import pytest
from shop_world import US, World, template

pytestmark = pytest.mark.embedded


def tables(world: World, *regions: Any) -> dict[str, Any]:
    table = {
        "TableName": f"{world.prefix}-carts",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "Replicas": [{"Region": region} for region in regions],
    }
    return template({"Carts": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": table}})


def test_two_regions_at_once_are_refused_before_the_update_begins(world: World) -> None:
    own = {"Ref": "AWS::Region"}
    world.add("tables", US, tables(world, own))
    assert world.drgen("deploy").code == 0
    world.write("tables", tables(world, own, "eu-west-1", "us-west-2"))
    ended = world.drgen("deploy")
    assert ended.code == 3
    assert "Carts would change its replicas in eu-west-1 and us-west-2 at once" in ended.err
    assert "Carts would change its replicas" in world.drgen("plan").out
    for grown in (tables(world, own, "eu-west-1"), tables(world, US, "eu-west-1", "us-west-2")):
        world.write("tables", grown)
        assert world.drgen("deploy").code == 0
