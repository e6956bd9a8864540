"""Events as lines of text or of JSON, and the end of a run as a matrix with the root cause first."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from drgen.model.events import (
    Cause,
    Event,
    Finished,
    Note,
    Outcome,
    ResourceProgress,
    Started,
    StepEnded,
    StepStarted,
    Stopping,
)


def event_json(event: Event) -> str:
    """One line of JSON with the event's code and fields; times in ISO 8601."""
    body = {"event": event.code, **dataclasses.asdict(event)}
    if isinstance(event, Finished):
        body["exit_code"] = event.exit_code
    return json.dumps(body, default=lambda value: value.isoformat() if isinstance(value, datetime) else str(value))


def event_line(event: Event) -> str:
    """One line of text; empty for events that only matter to programs."""
    match event:
        case Started(steps=steps, workload=workload):
            return f"{workload}: {_count(len(steps), 'step')}"
        case StepStarted():
            how = "following what an earlier run began: " if event.reattached else ""
            return f"{event.region}  {event.step}  {how}{event.change}, {_count(event.total, 'resource')}"
        case ResourceProgress():
            reason = f"  {event.reason}" if event.reason and event.status.endswith("FAILED") else ""
            progress = f"{event.at:%H:%M:%S}  {event.done}/{event.total}"
            return f"{event.region}  {event.step}  {progress}  {event.resource} {event.status}{reason}"
        case Note():
            return f"{event.region}  {event.step}  {event.text}"
        case StepEnded():
            return f"{event.region}  {event.step}  {event.outcome}{_took(event)}{_detail(event)}"
        case Stopping():
            running = f"; following {', '.join(event.running)} to the end" if event.running else ""
            return (
                f"stopping: nothing new is started{running}. Ctrl-C again leaves at once. Resume with: {event.resume}"
            )
        case Finished():
            return ""
        case _:
            assert_never(event)


def matrix(finished: Finished) -> str:
    """What became of every step: root causes first, then the steps by outcome."""
    lines = [line for end in finished.steps for line in _trouble(end)]
    for outcome in Outcome:
        steps = [end.step for end in finished.steps if end.outcome is outcome]
        if steps:
            head = f"{outcome:13} {len(steps):3}  "
            lines.append(_listed(head, steps))
    return "\n".join(lines) + "\n"


def _listed(head: str, names: Sequence[str]) -> str:
    """`head` and the names behind it, in lines that fit a terminal."""
    indent = " " * len(head)
    return textwrap.fill(
        ", ".join(names),
        110,
        initial_indent=head,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def timeline(ends: Sequence[StepEnded]) -> str:
    """Start and duration of every step that did something, by CloudFormation's own clock; empty if none did."""
    timed = sorted(
        ((end.began, end.ended, end) for end in ends if end.began and end.ended),
        key=lambda item: (item[0], item[2].step),
    )
    if not timed:
        return ""
    start = timed[0][0]
    width = max(len(end.step) for _, _, end in timed)
    whole = max(ended for _, ended, _ in timed) - start
    lines = [f"timeline from {start:%Y-%m-%d %H:%M:%S %Z}, {_span(whole)} in all"]
    for began, ended, end in timed:
        bar = _bar(began - start, ended - began, whole)
        lines.append(f"  {end.step:{width}}  +{_span(began - start):>8}  {_span(ended - began):>8}  {bar}".rstrip())
    return "\n".join(lines) + "\n"


_BAR_WIDTH = 32


def _bar(offset: timedelta, length: timedelta, whole: timedelta) -> str:
    total = max(whole.total_seconds(), 1.0)
    before = round(offset.total_seconds() / total * _BAR_WIDTH)
    inside = max(1, round(length.total_seconds() / total * _BAR_WIDTH))
    return " " * min(before, _BAR_WIDTH - 1) + "=" * inside


def _trouble(end: StepEnded) -> Iterator[str]:
    if end.outcome.is_good or end.outcome is Outcome.BLOCKED or not end.detail:
        return
    yield f"{end.region}  {end.step}: {end.outcome}"
    if end.cause:
        yield f"  cause: {_cause(end.cause)}"
    yield f"  {end.detail}"
    if end.fix:
        yield f"  fix: {end.fix}"


def _cause(cause: Cause) -> str:
    return f"{cause.resource} ({cause.type}) of stack {cause.stack} in {cause.region}: {cause.reason}"


def _detail(end: StepEnded) -> str:
    if end.cause:
        return f": {_cause(end.cause)}"
    return f": {end.detail}" if end.detail else ""


def _took(end: StepEnded) -> str:
    return f" in {_span(end.ended - end.began)}" if end.began and end.ended else ""


def _span(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours}h{minutes:02}m{seconds:02}s" if hours else f"{minutes}m{seconds:02}s"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
