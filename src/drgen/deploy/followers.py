"""The clusters that a deletion meets, and the order in which Aurora lets them go."""

from __future__ import annotations

from drgen.aws import rds
from drgen.aws.cloudformation import CloudFormation
from drgen.aws.failures import RegionUnreachable
from drgen.aws.session import Session
from drgen.deploy.run import Run
from drgen.errors import Refused
from drgen.model.plan import Step
from drgen.model.status import DatabaseState
from drgen.planning.statuses import exists


def refuse_writers_before_followers(run: Run) -> None:
    """Raises Refused where a cluster that writes would be deleted before one that follows it.

    That happens after a switchover or failover. Aurora refuses it, too, but by then the writer's instances are gone.
    Source: Amazon Aurora User Guide, "Deleting an Amazon Aurora global database".
    """
    found = [(step, cluster) for step in run.steps for cluster in _clusters(run, step)]
    for index, (step, cluster) in enumerate(found):
        for later, follower in found[index + 1 :]:
            followed = follower.replica_of.split(":")
            if cluster.identifier == followed[-1] and step.entry.region in followed:
                raise Refused(
                    f"{cluster.identifier} writes, and {follower.identifier} follows it; Aurora deletes a writer last, "
                    "and its stack comes first",
                    at=f"{step.entry.stack_name} ({step.entry.region})",
                    fix=f"let {follower.identifier} in {later.entry.region} write again by a planned failover, "
                    "then destroy",
                )


def _clusters(run: Run, step: Step) -> tuple[DatabaseState, ...]:
    """The clusters of the step's stack; none in a region that does not answer, since nothing there is deleted."""
    region = step.entry.region

    def states(session: Session) -> tuple[DatabaseState, ...]:
        live = CloudFormation(region, session.cloudformation(region)).stack(step.entry.stack_name)
        if live is None or not exists(live):
            return ()
        resources = CloudFormation(region, session.cloudformation(region)).resources(live.stack_id)
        names = [one.physical_id for one in resources if one.type == "AWS::RDS::DBCluster" and one.physical_id]
        found = (rds.cluster(session.rds(region), region=region, identifier=name) for name in names)
        return tuple(state for state in found if state is not None)

    try:
        return run.clouds.answering(region, states)
    except RegionUnreachable:
        return ()
