"""Looks at both regions and returns Facts. Nothing here changes anything, and nothing here needs the failed region."""

from __future__ import annotations

from drgen.recovery.aurora_calls import observe_aurora
from drgen.recovery.clients import Clients
from drgen.recovery.config import AuroraSettings, Config, ReplicaSettings, StatelessSettings
from drgen.recovery.kinds import Facts
from drgen.recovery.replica_calls import observe_replica
from drgen.recovery.signals import Run
from drgen.recovery.stateless_calls import observe_stateless


def observe(config: Config, clients: Clients, run: Run) -> Facts:
    """The facts at this moment. `now` is AWS's clock in the target region, from an answer's Date header."""
    match config.database:
        case ReplicaSettings() as pair:
            return observe_replica(config, pair, clients, run)
        case AuroraSettings() as aurora:
            return observe_aurora(config, aurora, clients, run)
        case StatelessSettings() as regions:
            return observe_stateless(config, regions, clients, run)
