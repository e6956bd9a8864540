"""The section `buckets` of a workload file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drgen.model.fields import Section


class Bucket(Section):
    """An S3 bucket in each region, under one name but for the region."""

    name: Annotated[str, Field(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=30, examples=["documents"])]
    """What it holds. Its name in S3 adds the workload, the account and the region."""
    replicate: Literal["none", "to-recovery", "both-ways"] = "to-recovery"
    """to-recovery: what is written in the primary region. both-ways: what is written in any region."""
    replication_time_control: bool = False
    """Let S3 commit itself to 15 minutes for almost every object, at a price."""
    noncurrent_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long overwritten and deleted versions are kept, in days."""
    access_log_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long the log of every request to the bucket is kept, in days."""
