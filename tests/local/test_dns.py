"""Route 53's data plane, asked directly. Paragraphs P36 to P38 of BEHAVIOUR.md."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from drgen.local.dns import Dns
from drgen.local.overlays.route53.store import HealthCheck, Store, Zone

NAME = "db.example.internal."


class Alarms:
    """CloudWatch of one region: states by alarm; dark regions do not answer."""

    def __init__(self, states: dict[str, str], dark: set[str], region: str) -> None:
        self._states, self._dark, self._region = states, dark, region

    def describe_alarms(self, AlarmNames: list[str]) -> Any:
        if self._region in self._dark:
            raise EndpointConnectionError(endpoint_url=f"https://monitoring.{self._region}.amazonaws.com")
        found = [name for name in AlarmNames if name in self._states]
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": self._states[name]} for name in found]}


class World:
    """A zone of two regions; `states` are the alarms' and `dark` the regions that do not answer."""

    account = "123456789012"
    partition = "aws"

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.dark: set[str] = set()
        vpcs = [{"VPCId": f"vpc-{region}", "VPCRegion": region} for region in ("us-east-1", "eu-west-1")]
        self.zone = Zone("Z1", "example.internal.", "ref", private=True, vpcs=vpcs)
        self.store = Store(zones={"Z1": self.zone})
        self.dns = Dns(self, self.store)

    def client(self, service: str, region: str) -> Any:
        assert service == "cloudwatch"
        return Alarms(self.states, self.dark, region)

    def now(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("answering takes no time")

    def wait(self, done: Any, *, every: float, limit: float) -> bool:
        raise AssertionError("answering takes no time")

    def record(self, identifier: str, *, check: str = "", **more: Any) -> None:
        record = {"Name": NAME, "Type": "CNAME", "TTL": 5, "SetIdentifier": identifier, **more}
        record.setdefault("ResourceRecords", [{"Value": f"{identifier}.example"}])
        if check:
            record["HealthCheckId"] = check
        self.zone.records.append(record)

    def check(self, name: str, state: str = "OK", *, absent: str = "LastKnownStatus", **more: Any) -> str:
        self.states[name] = state
        alarm = {"Name": name, "Region": "eu-west-1"}
        config = {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": alarm, "InsufficientDataHealthStatus": absent}
        self.store.checks[name] = HealthCheck(name, name, {**config, **more})
        return name

    def chosen(self) -> str:
        return self.dns.answer(NAME, region="eu-west-1").chosen


@pytest.fixture
def world() -> World:
    return World()


def test_weight_zero_answers_only_when_every_heavier_record_is_unhealthy(world: World) -> None:
    world.record("primary", Weight=100, check=world.check("p"))
    world.record("recovery", Weight=0, check=world.check("r"))
    assert world.chosen() == "primary"
    world.states["p"] = "ALARM"
    assert world.chosen() == "recovery"
    world.states["r"] = "ALARM"
    assert world.chosen() == "primary"


def test_a_record_without_a_check_is_always_healthy(world: World) -> None:
    world.record("primary", Weight=100)
    world.record("recovery", Weight=0, check=world.check("r"))
    assert [c.healthy for c in world.dns.answer(NAME).candidates] == [True, True]
    assert world.chosen() == "primary"


def test_failover_returns_to_the_primary_when_both_are_unhealthy(world: World) -> None:
    world.record("b", Failover="PRIMARY", check=world.check("p"))
    world.record("a", Failover="SECONDARY", check=world.check("s"))
    answers = []
    for primary, secondary in (("OK", "OK"), ("ALARM", "OK"), ("ALARM", "ALARM"), ("OK", "ALARM")):
        world.states |= {"p": primary, "s": secondary}
        answers.append(world.chosen())
    assert answers == ["b", "a", "b", "b"]


@pytest.mark.parametrize(("absent", "healthy"), [("Healthy", True), ("Unhealthy", False), ("LastKnownStatus", False)])
def test_an_alarm_without_data_counts_as_the_check_says(world: World, absent: str, healthy: bool) -> None:
    check = world.check("p", "ALARM", absent=absent)
    world.dns.observe()
    world.dark.add("eu-west-1")
    assert world.dns.health(check).healthy is healthy


def test_a_new_check_is_healthy_until_its_alarm_has_data(world: World) -> None:
    assert world.dns.health(world.check("p", "INSUFFICIENT_DATA")).healthy


def test_the_last_known_status_survives_a_dump(world: World) -> None:
    check = world.check("p", "ALARM")
    world.dns.observe()
    kept = world.store.dump()
    fresh = World()
    fresh.store.restore(kept)
    fresh.states["p"] = "INSUFFICIENT_DATA"
    assert not fresh.dns.health(check).healthy


def test_a_calculated_check_counts_its_healthy_children(world: World) -> None:
    children = [world.check(name) for name in ("a", "b", "c")]
    config = {"Type": "CALCULATED", "ChildHealthChecks": children, "HealthThreshold": 2}
    world.store.checks["sum"] = HealthCheck("sum", "sum", config)
    seen = []
    for name in children:
        world.states[name] = "ALARM"
        seen.append(world.dns.health("sum").healthy)
    assert seen == [True, False, False]
    world.store.checks["sum"].config["Inverted"] = True
    assert world.dns.health("sum").healthy


def test_only_the_networks_of_a_private_zone_get_an_answer(world: World) -> None:
    world.record("one")
    assert world.dns.answer(NAME, region="us-east-1").values == ("one.example",)
    assert world.dns.answer(NAME, region="ap-south-1").code == "REFUSED"
    assert world.dns.answer("nobody.example.internal", region="us-east-1").code == "NXDOMAIN"


def test_an_alias_within_the_zone_follows_the_health_of_its_target(world: World) -> None:
    for region, weight in (("us", 1), ("eu", 0)):
        name = f"{region}.example.internal."
        target = {"Name": name, "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": f"10.0.0.{weight}"}]}
        world.zone.records.append({**target, "HealthCheckId": world.check(region)})
        alias = {"DNSName": name, "HostedZoneId": "Z1", "EvaluateTargetHealth": True}
        world.zone.records.append(
            {"Name": NAME, "Type": "A", "SetIdentifier": region, "Weight": weight, "AliasTarget": alias}
        )
    assert world.dns.answer(NAME, "A").values == ("10.0.0.1",)
    world.states["us"] = "ALARM"
    assert world.dns.answer(NAME, "A").values == ("10.0.0.0",)


def test_a_wildcard_answers_for_names_that_have_no_record(world: World) -> None:
    world.zone.records.append(
        {"Name": "\\052.example.internal.", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.0.9"}]}
    )
    assert world.dns.answer("any.example.internal", "A").values == ("10.0.0.9",)


STATES = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"])


@given(st.lists(st.tuples(st.integers(0, 255), STATES, st.booleans()), min_size=1, max_size=5))
def test_an_unhealthy_record_never_answers_beside_a_healthy_one(records: list[tuple[int, str, bool]]) -> None:
    world = World()
    for index, (weight, state, checked) in enumerate(records):
        check = world.check(f"c{index}", state) if checked else ""
        world.record(f"r{index}", Weight=weight, check=check)
    answer = world.dns.answer(NAME)
    picked = next(c for c in answer.candidates if c.set_identifier == answer.chosen)
    healthy = [c for c in answer.candidates if c.healthy]
    assert picked.healthy or not healthy
    assert picked.weight or not any(c.weight for c in (healthy or answer.candidates))
    assert answer == world.dns.answer(NAME)


def test_endpoints_of_databases_lead_from_name_to_name_and_belong_to_no_zone() -> None:
    """RDS53"""
    world = World()
    names = {"shop.global-1.global.rds.amazonaws.com": ("shop.cluster-1.us-east-1.rds.amazonaws.com",)}
    dns = Dns(world, world.store, names.get)
    answer = dns.answer("shop.global-1.global.rds.amazonaws.com", region="eu-west-1")
    assert (answer.code, answer.values, answer.ttl, answer.zone_id) == (
        "NOERROR",
        ("shop.cluster-1.us-east-1.rds.amazonaws.com",),
        5,
        "",
    )
    assert dns.answer("other.global-1.global.rds.amazonaws.com").code == "REFUSED"
