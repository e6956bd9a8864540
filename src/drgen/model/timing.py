"""How long what drgen builds takes to notice an outage, and to move traffic. Objectives are held against it."""

from __future__ import annotations

ASKED_EVERY_S, BELIEVED_AFTER = 10, 3
"""How often Route 53 asks a public endpoint, and which failure in a row it believes. Source: Route 53 API,
HealthCheckConfig, RequestInterval and FailureThreshold."""

GONE_AFTER_MIN = 3
"""For how long the primary region must not answer before the alarm that starts a failover goes off."""

SWITCH_S = 60
"""The period of the alarms that a failover sets to move traffic."""

ALIAS_TTL_S = 60
"""For how long clients keep the address of a load balancer. Source: Route 53 API, ResourceRecordSet, TTL."""
