"""The buckets: one in each region, and the replication between them."""

from __future__ import annotations

from drgen.assembly.system import Site, System
from drgen.builders import batch_replication, bucket_replication
from drgen.builders import buckets as s3
from drgen.model.buckets import Bucket


def storage(system: System) -> None:
    """In each site a stack with the buckets; on the sources the rules, which the second pass switches on."""
    wanted, made = system.workload.buckets, system.made.buckets
    if not wanted:
        return
    for site in system.sites:
        stack = system.stack(site, "storage", "Buckets, and what replicates them.")
        key = system.foundation(site).keys.data
        made.update({(site.name, bucket.name): s3.promised(stack, bucket.name, key=key) for bucket in wanted})
    for site in system.sites:
        stack = system.stack(site, "storage")
        s3.log_bucket(stack, system.names, [(bucket.name, bucket.access_log_days) for bucket in wanted])
        for bucket in wanted:
            _bucket(system, site, bucket)
        sources = [made[site.name, bucket.name] for bucket in wanted if _targets(system, bucket, site)]
        if sources:
            batch_replication.batch_role(stack, system.names, sources)


def _targets(system: System, bucket: Bucket, site: Site) -> tuple[Site, ...]:
    """Where what is written to the bucket in `site` is copied. Replicas are not copied on: every site copies itself."""
    match bucket.replicate:
        case "none":
            return ()
        case "to-recovery":
            return system.recovery if site.is_primary else ()
        case "both-ways":
            return tuple(other for other in system.sites if other is not site)


def _bucket(system: System, site: Site, bucket: Bucket) -> None:
    stack, names, made = system.stack(site, "storage"), system.names, system.made.buckets[site.name, bucket.name]
    targets = [system.made.buckets[target.name, bucket.name] for target in _targets(system, bucket, site)]
    topic, configuration = system.foundation(site).alerts.topic_arn, None
    if targets:
        replication = bucket_replication.replicate(
            stack,
            names,
            made,
            targets,
            time_control=bucket.replication_time_control,
            both_ways=bucket.replicate == "both-ways",
        )
        configuration = replication.configuration
        for index, target in enumerate(replication.targets):
            batch_replication.tell_command(stack, names, made, target, further=index > 0)
            bucket_replication.failure_alarm(stack, names, made, target, topic=topic)
    s3.bucket(stack, names, made, noncurrent_days=bucket.noncurrent_days, replication=configuration)
    rpo = system.workload.objectives.rpo
    for other in system.sites:
        if site in _targets(system, bucket, other):
            bucket_replication.lag_alarm(stack, names, bucket.name, source=other.name, rpo=rpo, topic=topic)
