"""`drgen failover` before its first call to AWS, and what it says about a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recovery_worlds import ALONE, CALM, DARK, PAIR, START, asked

from drgen.cli.commands.failover import command
from drgen.cli.outlook import outlook
from drgen.cli.recovering import question, report_of, write_reports
from drgen.errors import UsageError
from drgen.recovery.execution import Execution, Outlook, State
from drgen.recovery.facts import NotObserved
from drgen.recovery.kinds import kind_of
from drgen.recovery.record import Loss, Mode, Unverified
from drgen.recovery.resolver import next_steps
from drgen.recovery.timing import durations, recovery_s

WORKLOAD = str(Path(__file__).parents[2] / "templates/postgres-dr")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "eu-west-1", "--planned", "--disaster"], "exclude each other"),
        (["--to", "eu-west-2"], "eu-west-2 is not a recovery region of postgres-dr"),
        (["--to", "eu-west-1", "--confirm", "postgres"], "--confirm says 'postgres'"),
    ],
)
def test_wrong_use_is_refused_before_any_call(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        command.main([WORKLOAD, *arguments], standalone_mode=False)


def test_a_dry_run_shows_what_was_seen_what_it_means_and_what_would_follow() -> None:
    record = asked(Mode.DISASTER)
    text = outlook(Outlook(DARK, kind_of(DARK, record, PAIR).guards(), next_steps(DARK, record, PAIR)))
    assert "  primary: not observed (no answer)\n" in text
    assert "  passed  this is the only failover (no other run)\n" in text
    assert "  1. record the fence as unverified: the primary's region does not answer (no answer)\n" in text
    assert text.endswith("Nothing was changed.\n")
    refused = outlook(Outlook(CALM, kind_of(CALM, record, PAIR).guards(), next_steps(CALM, record, PAIR)))
    assert "  failed  the primary is gone (RDS shows orders-prod-us-east-1 as available" in refused
    standing = replace(DARK, replica=ALONE)
    assert "Guards" not in outlook(Outlook(standing, (), next_steps(standing, record, PAIR)))


def test_the_question_puts_loss_and_fence_before_the_person() -> None:
    record = replace(asked(Mode.DISASTER), fence=Unverified(START, "dark"), loss=Loss(12, "a sample"))
    assert "writes lost: at most 12 s (a sample)" in question(record)
    assert "old primary: fence unverified (dark)" in question(record)
    assert "an unknown amount (silence)" in question(replace(record, loss=NotObserved("silence")))


def test_times_count_from_the_detection_and_only_what_took_place_is_measured() -> None:
    record = asked(Mode.DISASTER)
    marks = (("detected", -240), ("promoting", 60), ("promoted", 500), ("traffic-moved", 520), ("verified", 521))
    for name, after in marks:
        record = record.marked(name, START + after)
    assert dict(durations(record)) == {
        "detect": 240.0, "fence": None, "decide": None, "promote": 440.0, "traffic": None, "verify": 1.0,
    }  # fmt: skip
    assert recovery_s(record) == 761.0
    assert record.marked("promoting", START + 400).at("promoting") == START + 60


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        ("SUCCEEDED", "", "done"),
        ("FAILED", "Refused", "refused"),
        ("FAILED", "Stopped", "stopped"),
        ("FAILED", "Broken", "broken"),
        ("TIMED_OUT", "", "broken"),
    ],
)
def test_the_end_of_an_execution_has_one_word(
    status: str, error: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = State(status, asked(Mode.PLANNED), objectives=(900, 300), error=error, cause="why")
    report = report_of(
        "orders", Execution("arn:aws:states:eu-west-1:1:execution:m:run-1", False), state, asked(Mode.PLANNED)
    )
    assert (report.outcome, report.recovery_objective_s, report.loss_s) == (outcome, 900, None)
    as_data, as_page = write_reports(report)
    assert (as_data, as_page) == (Path(".drgen/reports/orders-run-1.json"), Path(".drgen/reports/orders-run-1.md"))
    assert as_page.read_text("utf-8").startswith("# Failover of orders to eu-west-1: ")
