"""Section `events` of the workload file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drgen.model.fields import Section


class Events(Section):
    """An event bus of the workload's own in each region, under a key of its own."""

    bus: Literal[True] = True
    """Make the bus, `<name>-<environment>-events`."""
    forward: Literal[False, True, "both-ways"] = True
    """true: what is sent to the primary region's bus reaches that of each recovery region. both-ways: what is sent to
    the bus of any region reaches all others."""
    archive_days: Annotated[int, Field(ge=1, le=3653)] | None = None
    """Keep the events of each bus for so many days, to send them again. Default: no archive."""
