"""Checks that a resource fails on purpose, with the reason, where the scanner, or drgen itself, reads it."""

from __future__ import annotations

from typing import Any


def checkov(**reasons: str) -> dict[str, Any]:
    """Metadata that tells checkov which checks to skip, and people why: `checkov(CKV_AWS_115="...")`.

    Source: checkov documentation, "Suppressing and Skipping Policies".
    """
    return {"checkov": {"skip": [{"id": check, "comment": reason} for check, reason in reasons.items()]}}


def preflight(**reasons: str) -> dict[str, Any]:
    """Metadata that tells `drgen check` which rules to leave out, and people why: `preflight(DR215="...")`."""
    return {"drgen": {"ignore": [{"id": rule, "reason": reason} for rule, reason in reasons.items()]}}
