"""Section `canary` of the workload file."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from drgen.model.fields import Duration, Section


class Canary(Section):
    """A canary in each recovery region that asks the workload's public URL: it sees an outage of the primary region.
    With strategy active-active it runs in the primary region, too."""

    url: Annotated[str, Field(pattern=r"^https://[^\s/?#@]+[^\s@]*$", examples=["https://shop.example.com/health"])]
    """What is asked. Any answer but 200 to 299 is a failure, a redirect among them."""
    every: Duration = timedelta(minutes=1)
    """How often, in whole minutes: 1m to 1h."""
    failures: Annotated[int, Field(ge=1, le=24)] = 3
    """So many runs in a row must fail, or be missing, before the alarm tells."""
    keep_days: Annotated[int, Field(ge=1, le=455)] = 30
    """How long results are kept, in days."""
