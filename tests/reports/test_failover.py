"""The report of a failover: times and losses against the objectives, and nothing claimed that was not measured."""

from __future__ import annotations

import json
from dataclasses import replace

from drgen.reports.failover import FailoverReport, Line, Phase, as_json, as_markdown, as_text, duration

DONE = FailoverReport(
    workload="orders",
    target="eu-west-1",
    incident="failover-20261121T120000Z",
    operator="erin",
    mode="disaster",
    outcome="done",
    reason="",
    phases=(Phase("detect", None), Phase("promote", 440.0)),
    detected=False,
    recovery_s=505.0,
    recovery_objective_s=900.0,
    loss_s=310.0,
    loss_evidence="last sample of ReplicaLag, 2 s old",
    loss_objective_s=300.0,
    fence="fence unverified",
    fence_evidence="the primary's region does not answer",
    verification="not observed: no certificates",
    journal=(Line(0.0, "promote", "a | b"),),
)


def test_each_measure_stands_beside_its_objective() -> None:
    assert as_text(DONE) == (
        "Failover of orders to eu-west-1: done\n"
        "\n"
        "  incident       failover-20261121T120000Z, disaster, asked for by erin\n"
        "  recovery time  8m 25s since the start of the run (objective 15m 00s: met)\n"
        "  data loss      at most 5m 10s of writes (objective 5m 00s: MISSED); last sample of ReplicaLag, 2 s old\n"
        "  old primary    fence unverified: the primary's region does not answer\n"
        "  write test     not observed: no certificates\n"
        "\n"
        "  phase      time\n"
        "  detect     not measured\n"
        "  promote    7m 20s\n"
    )


def test_an_unknown_loss_is_called_unknown_and_no_loss_is_called_none() -> None:
    assert "data loss      unknown (objective 5m 00s); silent" in as_text(
        replace(DONE, loss_s=None, loss_evidence="silent")
    )
    assert "data loss      none (objective 5m 00s: met)" in as_text(replace(DONE, loss_s=0.0))


def test_a_run_that_stopped_says_why_in_its_first_line() -> None:
    stopped = replace(DONE, outcome="stopped", reason="db-1 is storage-full", recovery_s=None)
    assert as_text(stopped).startswith("Failover of orders to eu-west-1: stopped: db-1 is storage-full\n")
    assert "recovery time  not measured (objective 15m 00s)" in as_text(stopped)


def test_the_page_has_the_journal_and_survives_table_characters() -> None:
    assert "| 1970-01-01 00:00:00 | promote | a \\| b |" in as_markdown(DONE)


def test_the_data_has_everything_in_seconds() -> None:
    body = json.loads(as_json(DONE))
    assert (body["recovery_s"], body["loss_s"], body["phases"][0]) == (
        505.0,
        310.0,
        {"name": "detect", "seconds": None},
    )


def test_durations_read_as_people_say_them() -> None:
    assert [duration(s) for s in (0.4, 59.6, 3600, 4321, None)] == [
        "0s", "1m 00s", "1h 00m 00s", "1h 12m 01s", "not measured",
    ]  # fmt: skip
