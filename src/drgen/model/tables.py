"""The section `tables`: DynamoDB global tables, with a replica in every region of the workload."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drgen.model.fields import Section

AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=255)]
"""A name of an attribute; keys have at most 255 characters. Source: botocore model of DynamoDB, KeySchemaElement."""

AttributeType = Literal["string", "number", "binary"]


class Table(Section):
    """A table that every region reads and writes. Its replicas follow each other; the last writer wins."""

    name: Annotated[str, Field(pattern=r"^[a-z](-?[a-z0-9])*$", max_length=40, examples=["sessions"])]
    """Its name, behind the workload's name. It is the same in all regions."""
    key: AttributeName
    """The attribute that is the partition key."""
    key_type: AttributeType = "string"
    """The type of the partition key."""
    sort_key: AttributeName | None = None
    """The attribute that is the sort key."""
    sort_key_type: AttributeType = "string"
    """The type of the sort key."""
    time_to_live: AttributeName | None = None
    """The attribute with the second after which DynamoDB may delete an item. Remove it, deploy, then name another."""
    point_in_time_recovery: bool = True
    """Continuous backups of each replica."""
    recovery_days: Annotated[int, Field(ge=1, le=35)] = 35
    """How far back a replica can be restored to, in days."""
