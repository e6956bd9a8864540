"""Checks of security scanners that a resource fails on purpose, with the reason, where the scanner reads it."""

from __future__ import annotations

from typing import Any


def checkov(**reasons: str) -> dict[str, Any]:
    """Metadata that tells checkov which checks to skip, and people why: `checkov(CKV_AWS_115="...")`.

    Source: checkov documentation, "Suppressing and Skipping Policies".
    """
    return {"checkov": {"skip": [{"id": check, "comment": reason} for check, reason in reasons.items()]}}
