"""Switchover, failover and detachment of a global database, seen from both regions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aurora_world import (
    EU,
    PRIMARY_ARN,
    SECONDARY,
    SECONDARY_ARN,
    US,
    cluster,
    group,
    instance,
    messages,
    with_primary,
    with_secondary,
    writer,
    writes,
)
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def shop(cloud: Any) -> Any:
    return with_secondary(with_primary(cloud))


def switch_over(cloud: Any, region: str, target: str) -> Any:
    rds = cloud.client("rds", region)
    return rds.switchover_global_cluster(GlobalClusterIdentifier="shop", TargetDbClusterIdentifier=target)


def fail_over(cloud: Any, region: str, target: str, **more: Any) -> Any:
    params = {"AllowDataLoss": True, **more}
    rds = cloud.client("rds", region)
    return rds.failover_global_cluster(GlobalClusterIdentifier="shop", TargetDbClusterIdentifier=target, **params)


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    detail = error.value.response["Error"]
    return detail["Code"], detail["Message"]


def test_a_switchover_runs_for_two_minutes_and_swaps_the_roles(shop: Any) -> None:
    begun = switch_over(shop, US, SECONDARY_ARN)["GlobalCluster"]
    assert begun["FailoverState"] == {
        "Status": "pending",
        "FromDbClusterArn": PRIMARY_ARN,
        "ToDbClusterArn": SECONDARY_ARN,
        "IsDataLossAllowed": False,
    }
    shop.minutes(0.5)
    seen = group(shop)
    assert (seen["Status"], seen["FailoverState"]["Status"]) == ("switching-over", "switching-over")
    assert (cluster(shop, US)["Status"], cluster(shop, EU)["Status"]) == ("switching-over", "switching-over")
    assert writer(shop) == PRIMARY_ARN
    shop.minutes(1.1)
    assert writer(shop) == SECONDARY_ARN
    assert "FailoverState" in group(shop)
    shop.minutes(1)
    done = group(shop, US)
    assert "FailoverState" not in done
    assert done["Status"] == "available"
    assert [(one["DBClusterArn"], one["IsWriter"], one["Readers"]) for one in done["GlobalClusterMembers"]] == [
        (PRIMARY_ARN, False, []),
        (SECONDARY_ARN, True, [PRIMARY_ARN]),
    ]
    assert (writes(shop, US), writes(shop, EU)) == ({"shop-us-1": False}, {"shop-eu-1": True})
    assert cluster(shop, US)["ReplicationSourceIdentifier"] == SECONDARY_ARN


def test_both_regions_hear_of_a_switchover(shop: Any) -> None:
    switch_over(shop, US, SECONDARY_ARN)
    shop.minutes(3)
    assert messages(shop, EU)[-4:] == [
        "Global switchover to DB cluster shop-eu-west-1 in Region eu-west-1 started.",
        "New primary DB cluster shop-eu-west-1 in Region eu-west-1 was successfully promoted.",
        "Global switchover to DB cluster shop-eu-west-1 in Region eu-west-1 finished.",
        "Aurora finished changing the DNS name that the global writer endpoint resolves to.",
    ]
    assert messages(shop, US)[-1] == "Old primary DB cluster shop-us-east-1 in Region us-east-1 successfully shut down."


def test_a_switchover_and_one_back_end_where_they_began(shop: Any) -> None:
    switch_over(shop, US, SECONDARY_ARN)
    shop.minutes(3)
    switch_over(shop, EU, PRIMARY_ARN)
    shop.minutes(3)
    assert writer(shop) == PRIMARY_ARN
    assert (writes(shop, US), writes(shop, EU)) == ({"shop-us-1": True}, {"shop-eu-1": False})


def test_the_writer_endpoint_follows_the_writer(shop: Any) -> None:
    endpoint, hosts = group(shop)["Endpoint"], {region: cluster(shop, region)["Endpoint"] for region in (US, EU)}
    assert endpoint.startswith("shop.global-")
    assert shop.rds.leads_to(endpoint) == (hosts[US],)
    assert shop.rds.leads_to(hosts[US]) == (shop.database("shop-us-1", US)["Endpoint"]["Address"],)
    assert shop.rds.leads_to(hosts[EU]) == ()
    switch_over(shop, US, SECONDARY_ARN)
    shop.minutes(1.9)
    assert shop.rds.leads_to(endpoint) == (hosts[US],)
    shop.minutes(0.2)
    assert shop.rds.leads_to(endpoint) == (hosts[EU],)
    assert shop.rds.leads_to(hosts[EU] + ".") == (shop.database("shop-eu-1", EU)["Endpoint"]["Address"],)
    assert shop.rds.leads_to("shop.example.") is None


@pytest.mark.parametrize(
    ("region", "target", "code", "words"),
    [
        (EU, SECONDARY_ARN, "InvalidGlobalClusterStateFault", "in the region of the primary"),
        (US, PRIMARY_ARN, "InvalidDBClusterStateFault", "isn't a secondary"),
        (US, SECONDARY_ARN + "-none", "DBClusterNotFoundFault", "isn't a member"),
    ],
)
def test_a_switchover_is_called_in_the_primary_region_for_a_secondary(
    shop: Any, region: str, target: str, code: str, words: str
) -> None:
    with pytest.raises(ClientError) as error:
        switch_over(shop, region, target)
    assert refusal(error)[0] == code
    assert words in refusal(error)[1]


def test_a_switchover_needs_every_region(shop: Any) -> None:
    shop.dark.add(EU)
    with pytest.raises(ClientError) as error:
        switch_over(shop, US, SECONDARY_ARN)
    assert refusal(error) == ("InvalidGlobalClusterStateFault", "The region eu-west-1 could not be reached.")


def test_a_running_operation_admits_no_other(shop: Any) -> None:
    switch_over(shop, US, SECONDARY_ARN)
    with pytest.raises(ClientError) as error:
        fail_over(shop, EU, SECONDARY_ARN)
    assert refusal(error)[0] == "InvalidGlobalClusterStateFault"
    rds = shop.client("rds", US)
    with pytest.raises(ClientError, match="not in available state"):
        rds.modify_global_cluster(GlobalClusterIdentifier="shop", DeletionProtection=True)


@pytest.mark.parametrize("operation", ["switchover", "failover"])
def test_a_headless_secondary_needs_an_instance_first(cloud: Any, operation: str) -> None:
    shop = with_secondary(with_primary(cloud), headless=True)
    call, region = (switch_over, US) if operation == "switchover" else (fail_over, EU)
    with pytest.raises(ClientError) as error:
        call(shop, region, SECONDARY_ARN)
    assert refusal(error)[0] == "InvalidDBClusterStateFault"
    assert "Add a DB instance" in refusal(error)[1]
    shop.client("rds", EU).create_db_instance(**instance("shop-eu-1", EU))
    shop.minutes(7)
    call(shop, region, SECONDARY_ARN)
    shop.minutes(3)
    assert (writer(shop), writes(shop, EU)) == (SECONDARY_ARN, {"shop-eu-1": True})


def test_a_failover_needs_the_secondary_region_only(shop: Any) -> None:
    shop.dark.add(US)
    begun = fail_over(shop, EU, SECONDARY_ARN)["GlobalCluster"]
    assert begun["FailoverState"]["IsDataLossAllowed"] is True
    shop.minutes(0.5)
    assert (group(shop)["Status"], writer(shop)) == ("failing-over", PRIMARY_ARN)
    shop.minutes(0.6)
    seen = group(shop)
    assert ("FailoverState" in seen, seen["Status"], writer(shop)) == (False, "available", SECONDARY_ARN)
    assert [one["SynchronizationStatus"] for one in seen["GlobalClusterMembers"]] == ["pending-resync", "connected"]
    assert cluster(shop, EU)["Status"] == "available"
    assert shop.rds.leads_to(seen["Endpoint"]) == (cluster(shop, EU)["Endpoint"],)
    assert messages(shop, EU)[-2] == "Global failover to DB cluster shop-eu-west-1 in Region eu-west-1 completed."


def test_the_old_primary_is_rebuilt_as_a_secondary_when_its_region_is_back(shop: Any) -> None:
    shop.dark.add(US)
    fail_over(shop, EU, SECONDARY_ARN)
    shop.minutes(60)
    assert group(shop)["GlobalClusterMembers"][0]["SynchronizationStatus"] == "pending-resync"
    shop.dark.clear()
    shop.rds.tick()
    kept = shop.client("rds", US).describe_db_cluster_snapshots(SnapshotType="automated")["DBClusterSnapshots"]
    assert [one["DBClusterSnapshotIdentifier"].rpartition("-us-east-1-")[0] for one in kept] == [
        "rds:unplanned-global-failover-shop"
    ]
    shop.minutes(9)
    assert group(shop)["GlobalClusterMembers"][0]["SynchronizationStatus"] == "pending-resync"
    with pytest.raises(ClientError, match="not in available state"):
        switch_over(shop, EU, PRIMARY_ARN)
    shop.minutes(2)
    assert group(shop)["GlobalClusterMembers"][0]["SynchronizationStatus"] == "connected"
    assert messages(shop, US)[-2:] == [
        "Started resynchronizing members of DB cluster shop-us-east-1 in Region us-east-1 after global failover.",
        "Finished resynchronizing members of DB cluster shop-us-east-1 in Region us-east-1 after global failover.",
    ]
    switch_over(shop, EU, PRIMARY_ARN)
    shop.minutes(3)
    assert (writer(shop), writes(shop, US)) == (PRIMARY_ARN, {"shop-us-1": True})


def test_a_second_failover_begins_the_resynchronisation_anew(shop: Any) -> None:
    west = "us-west-2"
    rds = shop.client("rds", west)
    rds.create_db_subnet_group(
        DBSubnetGroupName="private", DBSubnetGroupDescription="Private", SubnetIds=["subnet-a", "subnet-b"]
    )
    rds.create_db_cluster(**{**SECONDARY, "DBClusterIdentifier": f"shop-{west}"})
    shop.minutes(11)
    shop.dark.add(west)
    fail_over(shop, EU, SECONDARY_ARN)
    shop.rds.tick()
    shop.minutes(2)
    shop.rds.tick()
    shop.minutes(11)
    shop.dark.clear()
    shop.rds.tick()
    shop.minutes(1)
    fail_over(shop, US, PRIMARY_ARN)
    shop.minutes(2)
    shop.rds.tick()
    statuses = []
    for _ in range(2):
        shop.minutes(8)
        found = {one["DBClusterArn"]: one["SynchronizationStatus"] for one in group(shop)["GlobalClusterMembers"]}
        statuses.append(found[SECONDARY_ARN.replace(EU, west)])
    assert statuses == ["pending-resync", "connected"]


def test_a_failover_is_called_in_the_target_region(shop: Any) -> None:
    with pytest.raises(ClientError) as error:
        fail_over(shop, US, SECONDARY_ARN)
    assert refusal(error)[0] == "InvalidGlobalClusterStateFault"


def test_a_failover_without_data_loss_is_a_switchover(shop: Any) -> None:
    with pytest.raises(ClientError, match="can't be specified together"):
        fail_over(shop, EU, SECONDARY_ARN, Switchover=True)
    with pytest.raises(ClientError, match="in the region of the primary"):
        fail_over(shop, EU, SECONDARY_ARN, AllowDataLoss=False)
    assert fail_over(shop, US, SECONDARY_ARN, AllowDataLoss=False)["GlobalCluster"]["Status"] == "switching-over"


def test_a_detached_secondary_writes_on_its_own(shop: Any) -> None:
    shop.dark.add(US)
    rds = shop.client("rds", EU)
    rds.remove_from_global_cluster(GlobalClusterIdentifier="shop", DbClusterIdentifier=SECONDARY_ARN)
    assert cluster(shop, EU)["Status"] == "promoting"
    assert len(group(shop)["GlobalClusterMembers"]) == 2
    shop.minutes(4)
    alone = cluster(shop, EU)
    assert (alone["Status"], writes(shop, EU)) == ("available", {"shop-eu-1": True})
    assert "GlobalClusterIdentifier" not in alone
    assert [one["DBClusterArn"] for one in group(shop)["GlobalClusterMembers"]] == [PRIMARY_ARN]


def test_the_primary_leaves_last_and_an_empty_global_cluster_can_go(shop: Any) -> None:
    us, eu = shop.client("rds", US), shop.client("rds", EU)
    with pytest.raises(ClientError) as error:
        us.remove_from_global_cluster(GlobalClusterIdentifier="shop", DbClusterIdentifier=PRIMARY_ARN)
    assert refusal(error)[0] == "InvalidGlobalClusterStateFault"
    with pytest.raises(ClientError, match="is not empty"):
        us.delete_global_cluster(GlobalClusterIdentifier="shop")
    eu.remove_from_global_cluster(GlobalClusterIdentifier="shop", DbClusterIdentifier=SECONDARY_ARN)
    shop.minutes(4)
    us.remove_from_global_cluster(GlobalClusterIdentifier="shop", DbClusterIdentifier=PRIMARY_ARN)
    shop.minutes(4)
    assert us.delete_global_cluster(GlobalClusterIdentifier="shop")["GlobalCluster"]["Status"] == "deleting"
    shop.minutes(1)
    assert us.describe_global_clusters()["GlobalClusters"] == []


def test_lag_is_measured_in_milliseconds_and_in_the_secondary_region_only(shop: Any) -> None:
    shop.rds.tick()
    for region, name in ((US, "shop-us-east-1"), (EU, "shop-eu-west-1")):
        seen = shop.client("cloudwatch", region).latest.get((name, "AuroraGlobalDBReplicationLag"))
        assert seen == (None if region == US else 100.0)
    shop.dark.add(US)
    shop.rds.tick()
    shop.minutes(2)
    shop.rds.tick()
    metrics = shop.client("cloudwatch", EU).latest
    assert metrics["shop-eu-west-1", "AuroraGlobalDBReplicationLag"] == 120_100.0
    assert metrics["shop-eu-west-1", "AuroraGlobalDBRPOLag"] == 120_100.0


def test_the_lag_moves_with_the_role(shop: Any) -> None:
    switch_over(shop, US, SECONDARY_ARN)
    shop.minutes(3)
    for region in (US, EU):
        shop.client("cloudwatch", region).latest.clear()
    shop.rds.publish_metrics()
    assert ("shop-us-east-1", "AuroraGlobalDBReplicationLag") in shop.client("cloudwatch", US).latest
    assert ("shop-eu-west-1", "AuroraGlobalDBReplicationLag") not in shop.client("cloudwatch", EU).latest


def test_a_failover_under_way_survives_a_restart(shop: Any) -> None:

    shop.dark.add(US)
    fail_over(shop, EU, SECONDARY_ARN)
    kept = json.loads(json.dumps(shop.rds.dump()))
    shop.rds.restore(kept)
    shop.minutes(2)
    assert (writer(shop), writes(shop, EU)) == (SECONDARY_ARN, {"shop-eu-1": True})
    assert shop.rds.dump()["global"].keys() == {"shop"}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("switch"), st.sampled_from([US, EU])),
        st.tuples(st.just("fail"), st.sampled_from([US, EU])),
        st.tuples(st.just("dark"), st.sampled_from([US, EU])),
        st.tuples(st.just("light"), st.sampled_from([US, EU])),
        st.tuples(st.just("minutes"), st.sampled_from([0.2, 0.7, 2.0, 12.0])),
    ),
    max_size=12,
)
ARNS = {US: PRIMARY_ARN, EU: SECONDARY_ARN}


def carry_out(shop: Any, step: str, what: Any) -> None:
    """`what` is the region in which a role change is called for, or that goes dark; or a number of minutes."""
    other = EU if what == US else US
    match step:
        case "switch":
            switch_over(shop, other, ARNS[what])
        case "fail":
            fail_over(shop, what, ARNS[what])
        case "dark":
            shop.dark.add(what)
        case "light":
            shop.dark.discard(what)
        case _:
            shop.minutes(what)


@settings(max_examples=25)
@given(steps=STEPS)
def test_one_cluster_and_one_instance_write_whatever_happens(new_shop: Callable[[], Any], steps: Any) -> None:
    shop = new_shop()
    for step, what in steps:
        try:
            carry_out(shop, step, what)
        except (ClientError, BotoCoreError):
            continue
        finally:
            shop.rds.tick()
    shop.dark.clear()
    shop.rds.tick()
    shop.minutes(15)
    shop.rds.tick()
    shop.minutes(15)
    seen = group(shop)
    assert [one["IsWriter"] for one in seen["GlobalClusterMembers"]].count(True) == 1
    assert {one["SynchronizationStatus"] for one in seen["GlobalClusterMembers"]} == {"connected"}
    assert (seen["Status"], "FailoverState" in seen) == ("available", False)
    assert {cluster(shop, region)["Status"] for region in (US, EU)} == {"available"}
    everyone = {**writes(shop, US), **writes(shop, EU)}
    assert list(everyone.values()).count(True) == 1
    assert shop.rds.leads_to(seen["Endpoint"]) == (cluster(shop, writer(shop).split(":")[3])["Endpoint"],)
