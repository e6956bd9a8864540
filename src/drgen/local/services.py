"""The services that drgen answers itself, by botocore's name."""

from __future__ import annotations

from collections.abc import Mapping

from drgen.local.api import Service
from drgen.local.providers.provider import Environment


def services(env: Environment) -> Mapping[str, Service]:
    """One instance of each. An operation that none of them has goes to the upstream emulator."""
    return {}
