"""A global table as it grows: what another region changes in the template of its stack."""

from __future__ import annotations

from typing import Any

import pytest

from drgen.builders.table import Schema, global_table
from drgen.model.names import Names
from drgen.model.stack import StackDraft
from drgen.model.value import ARN


def draft(layer: str, region: str) -> StackDraft:
    key = f"shop-{layer}-{region}"
    return StackDraft(key, region, stage="s", layer=layer, side="Recovery", description=layer)


def body(*regions: str, home: str = "eu-west-1") -> Any:
    stack = draft("tables", home)
    keys = {r: draft("foundation", r).value("DataKeyArn", "arn:aws:kms:x", ARN, "Key of stored data") for r in regions}
    global_table(stack, Names("shop"), "carts", Schema(key=("id", "binary")), replicas=keys, tags={})
    return stack.template().body


def test_another_region_is_one_more_replica_and_one_more_key() -> None:
    two, three = body("eu-west-1", "us-east-1"), body("eu-west-1", "us-east-1", "us-west-2")
    assert three["Parameters"].keys() - two["Parameters"].keys() == {"UsWest2DataKeyArn"}
    before, after = (found["Resources"]["CartsTable"]["Properties"] for found in (two, three))
    assert after["Replicas"][:2] == before["Replicas"]
    assert [replica["Region"] for replica in after["Replicas"][2:]] == ["us-west-2"]
    assert {k: v for k, v in after.items() if k != "Replicas"} == {k: v for k, v in before.items() if k != "Replicas"}


@pytest.mark.parametrize(("home", "other"), [("eu-west-1", "UsEast1DataKeyArn"), ("us-east-1", "EuWest1DataKeyArn")])
def test_only_the_keys_of_other_regions_say_which_region_in_their_name(home: str, other: str) -> None:
    found = body("eu-west-1", "us-east-1", home=home)
    assert set(found["Parameters"]) == {"DataKeyArn", other}
    assert "Tags" not in found["Resources"]["CartsTable"]["Properties"]["Replicas"][0]
