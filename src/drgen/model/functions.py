"""The section `functions`: Lambda functions of the application, the same in every region."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from drgen.model.fields import Access, Duration, RetentionDays, Section

Variable = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]+$")]
"""Source: registry schema AWS::Lambda::Function, Environment."""


class Function(Section):
    """A function in every region. It is made of a folder under lambdas/ that holds handler.py with `handler`."""

    name: Annotated[str, Field(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=24, examples=["processor"])]
    """Its name, behind the workload's name. It is the same in all regions."""
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", examples=["payment_processor"])]
    """The folder under lambdas/."""
    about: Annotated[str, Field(max_length=256)] = ""
    """What it does, for whoever finds it in the console."""
    memory: Annotated[int, Field(ge=128, le=10240)] = 256
    """Memory in MiB. Processor time grows with it."""
    timeout: Duration = timedelta(seconds=10)
    """How long one call may take, at most 15m. Behind the API 29s: nobody waits longer."""
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    """Calls at the same time that are kept for this function, and its limit. Default: it shares the account's."""
    vpc: bool = False
    """Runs in the private subnets. It then needs a VPC endpoint for everything it calls."""
    environment: dict[Variable, str] = Field(default_factory=dict)
    """Variables that are no secrets. What differs between regions is in SETTINGS_PARAMETER (docs/functions.md)."""
    tables: dict[str, Access] = Field(default_factory=dict)
    """The tables it uses: read, or read-write."""
    schedule: Annotated[str, Field(pattern=r"^(rate|cron)\(.+\)$", examples=["rate(1 minute)"])] | None = None
    """When EventBridge calls it, in every region at the same time."""
    log_days: RetentionDays = 90
    """How long its logs are kept, in days."""
