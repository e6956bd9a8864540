"""Objectives: refused where what is known of the workload takes longer, with the sum."""

from __future__ import annotations

import pytest

from drgen.errors import InputErrors
from drgen.files.workload import parse_workload

START = """
name: shop
environment: prod
strategy: STRATEGY
objectives: {rto: RTO, rpo: 1m}
regions: {primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: eu-west-1, cidr: 10.1.0.0/16}]}
network: {endpoints: [ecr.api, ecr.dkr, logs, s3, secretsmanager]}
"""
POSTGRES = """
database: {engine: postgres, version: "16.9", instance_class: db.r6g.large}
dns: {zone: shop.internal, ttl: 10}
"""
AURORA = """
database: {engine: aurora-postgresql, version: "16.9", instance_class: db.r6g.large, parameters: {PARAMETERS}}
"""
API = """
functions: [{name: web, source: payment_processor}]
api:
  health: web
  routes: [{method: GET, path: /carts, function: web}]
  certificate:
    us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
    eu-west-1: arn:aws:acm:eu-west-1:123456789012:certificate/2
dns: {zone: shop.example.com, private: false, ttl: 20}
"""
SERVICE = """
services:
  - name: web
    image: "{account}.dkr.ecr.{region}.amazonaws.com/web@sha256:DIGEST"
    port: 80
    health_path: /
    public: true
    certificates:
      us-east-1: arn:aws:acm:us-east-1:123456789012:certificate/1
      eu-west-1: arn:aws:acm:eu-west-1:123456789012:certificate/2
dns: {zone: shop.example.com, private: false, ttl: 20}
""".replace("DIGEST", "0" * 64)
LATER = " before anybody decides or anything is promoted"


def problems(text: str, rto: str, *, strategy: str = "warm-standby") -> list[tuple[str, str, str]]:
    source = START.replace("RTO", rto).replace("STRATEGY", strategy) + text
    try:
        parse_workload(source.encode(), file="w.yaml")
    except InputErrors as error:
        return [(p.at, p.problem, p.fix) for p in error.problems]
    return []


@pytest.mark.parametrize(
    ("text", "known", "summed"),
    [
        (
            POSTGRES,
            "250s",
            "the alarm that the region is gone 3m + the alarm that moves traffic 1m + answers that clients keep 10s"
            f" = 250s, which is more than 249s{LATER}",
        ),
        (AURORA, "3m", f"the alarm that the region is gone 3m = 3m, which is more than 179s{LATER}"),
        (API, "50s", "3 health checks every 10s 30s + answers that clients keep 20s = 50s, which is more than 49s"),
        (SERVICE, "90s", "3 health checks every 10s 30s + answers that clients keep 1m = 90s, which is more than 89s"),
    ],
    ids=["a replica", "aurora", "an API", "a load balancer"],
)
def test_an_rto_that_is_over_before_anything_recovers_is_refused(text: str, known: str, summed: str) -> None:
    seconds = int(known[:-1]) * (60 if known.endswith("m") else 1)
    text = text.replace("PARAMETERS", "")
    assert problems(text, f"{seconds}s") == []
    fix = f"use {known} at least" + (", and leave time for the rest" if LATER in summed else "")
    assert problems(text, f"{seconds - 1}s") == [("objectives.rto", summed, fix)]


def test_where_all_regions_serve_nothing_is_promoted_and_the_same_time_is_known() -> None:
    assert problems(API, "50s", strategy="active-active") == []
    ((at, problem, _),) = problems(API, "30s", strategy="active-active")
    assert (at, problem.endswith("= 50s, which is more than 30s")) == ("objectives.rto", True)


def test_aurora_holds_commits_back_before_more_is_lost_than_the_rpo() -> None:
    assert problems(AURORA.replace("PARAMETERS", 'rds.global_db_rpo: "60"'), "1h") == []
    assert problems(AURORA.replace("PARAMETERS", 'rds.global_db_rpo: "61"'), "1h") == [
        (
            "database.parameters.rds.global_db_rpo",
            "commits wait only when every follower is more than 61 s behind, and 1m may be lost",
            "use the rpo in seconds or less, or remove it",
        )
    ]
