"""What people and programs are told: lines, JSON, the matrix, the timeline, the table at a terminal."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from drgen.cli.progress import Table
from drgen.model.events import Cause, Finished, Outcome, ResourceProgress, Started, StepEnded, StepStarted, Stopping
from drgen.reports.events import event_json, event_line, matrix, timeline

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def end(step: str, outcome: Outcome, *, after_s: int = 0, took_s: int = 0, cause: Cause | None = None) -> StepEnded:
    began = START + timedelta(seconds=after_s)
    detail, fix = ("the stack ended in ROLLBACK_COMPLETE", "remove it") if cause else ("", "")
    ended = began + timedelta(seconds=took_s)
    times = (began, ended) if took_s else (None, None)
    return StepEnded(step, step, "eu-west-1", "recovery", outcome, detail, fix, cause, *times)


CAUSE = Cause("eu-west-1", "orders-db", "Replica", "AWS::RDS::DBInstance", "already exists", "remove it")


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.DONE, Outcome.UNCHANGED], 0),
        ([Outcome.DONE, Outcome.FAILED, Outcome.BLOCKED], 1),
        ([Outcome.REFUSED, Outcome.BLOCKED], 3),
        ([Outcome.LOCKED, Outcome.NOT_STARTED], 4),
        ([Outcome.STILL_RUNNING, Outcome.BLOCKED], 75),
        ([Outcome.DONE, Outcome.NOT_STARTED, Outcome.BLOCKED], 75),
        ([Outcome.FAILED, Outcome.REFUSED, Outcome.LOCKED], 1),
    ],
)
def test_the_gravest_outcome_gives_the_exit_code(outcomes: list[Outcome], code: int) -> None:
    ends = tuple(end(str(number), outcome) for number, outcome in enumerate(outcomes))
    assert Finished("orders", ends).exit_code == code
    assert Finished("orders", ends, interrupted=True).exit_code == 130


def test_the_matrix_begins_with_the_root_cause() -> None:
    ends = (end("net", Outcome.DONE), end("orders-db", Outcome.FAILED, cause=CAUSE), end("app", Outcome.BLOCKED))
    assert matrix(Finished("orders", ends)).splitlines() == [
        "eu-west-1  orders-db: failed",
        "  cause: Replica (AWS::RDS::DBInstance) of stack orders-db in eu-west-1: already exists",
        "  the stack ended in ROLLBACK_COMPLETE",
        "  fix: remove it",
        "done            1  net",
        "failed          1  orders-db",
        "blocked         1  app",
    ]


def test_the_timeline_shows_start_and_duration_by_the_clock_of_cloudformation() -> None:
    ends = [
        end("db", Outcome.DONE, after_s=90, took_s=1530),
        end("net", Outcome.DONE, took_s=90),
        end("app", Outcome.UNCHANGED),
    ]
    assert timeline(ends).splitlines() == [
        "timeline from 2026-11-21 12:00:00 UTC, 27m00s in all",
        "  net  +   0m00s     1m30s  ==",
        "  db   +   1m30s    25m30s    ==============================",
    ]
    assert timeline([end("app", Outcome.UNCHANGED)]) == ""


def test_an_event_for_programs_is_one_line_with_its_code_and_times() -> None:
    finished = Finished("orders", (end("db", Outcome.FAILED, took_s=60, cause=CAUSE),))
    line = event_json(finished)
    body = json.loads(line)
    assert "\n" not in line
    assert (body["event"], body["exit_code"]) == ("finished", 1)
    assert body["steps"][0]["began"] == "2026-11-21T12:00:00+00:00"
    assert body["steps"][0]["cause"]["resource"] == "Replica"


def test_a_stop_names_what_is_still_followed_and_how_to_go_on() -> None:
    assert event_line(Stopping(("db",), "drgen deploy orders")) == (
        "stopping: nothing new is started; following db to the end. Ctrl-C again leaves at once. "
        "Resume with: drgen deploy orders"
    )


def test_the_table_shows_every_step_with_what_happens_now() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=160, color_system=None)
    with Table(console) as table:
        table.show(Started("orders", ("net", "db")))
        table.show(StepStarted("db", "eu-west-1", "recovery", "create", 3))
        progress = ResourceProgress("db", "eu-west-1", "Replica", "T", "CREATE_IN_PROGRESS", "", START, 1, 3)
        table.show(progress)
        last = table.rows()
        table.show(end("db", Outcome.DONE))
    assert last == (
        ("", "", "net", "waiting", "", ""),
        ("recovery", "eu-west-1", "db", "create", "1/3", "12:00:00 Replica CREATE_IN_PROGRESS"),
    )
    assert "done" in stream.getvalue().splitlines()[-2]


def test_a_narrow_terminal_shows_whole_names_on_one_line_each() -> None:
    stream = io.StringIO()
    with Table(Console(file=stream, force_terminal=True, width=80, color_system=None)) as table:
        table.show(Started("orders", ("orders-prod-foundation-us-east-1 (second pass)",)))
        table.show(StepStarted("orders-prod-foundation-us-east-1 (second pass)", "us-east-1", "primary", "update", 1))
        table.show(
            ResourceProgress(
                "orders-prod-foundation-us-east-1 (second pass)",
                "us-east-1",
                "DatabaseSecret",
                "T",
                "UPDATE_IN_PROGRESS",
                "",
                START,
                0,
                1,
            )
        )
    last = stream.getvalue().splitlines()[-2].rpartition("\x1b[2K")[2].removeprefix("\x1b[?25l")
    assert last.startswith("us-east-1  orders-prod-foundation-us-east-1 (second pass)  update  0/1  12:00:")
    assert len(last.rstrip()) <= 80
