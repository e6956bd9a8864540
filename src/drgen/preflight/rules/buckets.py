"""DR32x: what S3 refuses in a replication, and what it takes and then does not copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drgen.preflight.policies import Permissions, bodies, permissions, role_of, statements
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.stack import Resource
from drgen.preflight.values import at, is_true, is_unknown, known_text, pattern, region_of
from drgen.preflight.world import World
from drgen.template.resolve import Resolved

Found = Iterator[Fault | NotDecided]
BUCKET = "AWS::S3::Bucket"
RULES = "ReplicationConfiguration.Rules"


def sources(world: World) -> Iterator[Resource]:
    """Every bucket with a replication."""
    return (bucket for bucket in world.resources(BUCKET) if bucket.has("ReplicationConfiguration"))


def replication_rules(bucket: Resource) -> Iterator[Mapping[str, Any]]:
    """Its rules, but for those that are switched off."""
    for found in bucket.values(RULES):
        if isinstance(found, Mapping) and _text(found, "Status") != "Disabled":
            yield found


def _text(value: Any, path: str) -> str:
    """The text at `path`; "" if nothing is there, and "*" if it is not known."""
    return next((known_text(found) or "*" for found in at(value, path)), "")


def _uses_kms(bucket: Resource) -> bool:
    path = "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.SSEAlgorithm"
    return any((pattern(value) or "").startswith("aws:kms") for value in bucket.values(path))


@rule(
    "DR320",
    "Both buckets of a replication keep versions",
    source="Amazon S3 User Guide, Requirements and considerations for replication",
)
def both_keep_versions(world: World) -> Found:
    """S3 refuses a replication from or to a bucket whose versioning is not enabled; the stack of the source fails.

    Fix: set VersioningConfiguration.Status to Enabled on both buckets.
    """
    for source in sources(world):
        targets = [world.target(value, BUCKET) for value in source.values(f"{RULES}.Destination.Bucket")]
        for bucket in dict.fromkeys([source, *(target for target in targets if target is not None)]):
            if _text(bucket.properties, "VersioningConfiguration.Status") not in ("Enabled", "*"):
                what = "replicates" if bucket is source else f"gets the replicas of {source.logical_id}"
                message = f"the bucket {what} and does not keep versions"
                yield Fault(bucket.place("VersioningConfiguration"), message, "set Status to Enabled")


@rule(
    "DR321",
    "Objects encrypted with KMS are replicated",
    source="Amazon S3 User Guide, Replicating encrypted objects",
    alone=True,
)
def encrypted_objects_are_replicated(world: World) -> Found:
    """S3 leaves out what is encrypted with KMS unless the rule asks for it and names a key for the replicas. The
    deployment succeeds, and the other bucket stays empty.

    Fix: set SourceSelectionCriteria.SseKmsEncryptedObjects to Enabled, and ReplicaKmsKeyID of the destination.
    """
    for source in sources(world):
        for found in replication_rules(source):
            asked = _text(found, "SourceSelectionCriteria.SseKmsEncryptedObjects.Status")
            if _uses_kms(source) and asked not in ("Enabled", "*"):
                message = "the bucket encrypts with KMS, and the rule leaves such objects out"
                yield Fault(source.place(RULES), message, "set SseKmsEncryptedObjects to Enabled")
            elif asked == "Enabled" and not _text(found, "Destination.EncryptionConfiguration.ReplicaKmsKeyID"):
                message = "the rule asks for objects encrypted with KMS and names no key for their replicas"
                yield Fault(source.place(RULES), message, "set ReplicaKmsKeyID to a key of the destination's region")


@rule(
    "DR322",
    "A replication rule is complete",
    source="Registry schema AWS::S3::Bucket, ReplicationRule and ReplicationTime",
    alone=True,
)
def rule_is_complete(world: World) -> Found:
    """S3 refuses a rule with a Filter that does not say what becomes of delete markers, one that filters by tag and
    replicates them, replication time control without metrics, a priority or delete markers without a Filter
    (`DeleteMarkerReplication cannot be used for this version of Cross Region Replication configuration schema`), a new
    owner without the account, and two rules of one priority.

    Fix: add what is missing to the rule.
    """
    for source in sources(world):
        priorities = [
            text for found in replication_rules(source) if (text := _text(found, "Priority")) not in ("", "*")
        ]
        for priority in sorted({text for text in priorities if priorities.count(text) > 1}):
            yield Fault(source.place(RULES), f"two rules have priority {priority}", "give each rule its own priority")
        for found in replication_rules(source):
            markers = _text(found, "DeleteMarkerReplication.Status")
            by_tag = any(True for path in ("Filter.TagFilter", "Filter.And.TagFilters") for _ in at(found, path))
            if "Filter" in found and not is_unknown(found["Filter"]) and not markers:
                message = "the rule has a Filter and does not say what becomes of delete markers"
                yield Fault(source.place(RULES), message, "set DeleteMarkerReplication")
            if by_tag and markers == "Enabled":
                message = "the rule filters by tag, and delete markers have none"
                yield Fault(source.place(RULES), message, "set DeleteMarkerReplication to Disabled")
            old = sorted({"DeleteMarkerReplication", "Priority"} & set(found)) if "Filter" not in found else []
            if old:
                message = f"the rule has {' and '.join(old)} and no Filter, as rules of the first version have none"
                yield Fault(source.place(RULES), message, 'set Filter, for example with Prefix: ""')
            translated = any(True for _ in at(found, "Destination.AccessControlTranslation"))
            if translated and not any(True for _ in at(found, "Destination.Account")):
                message = "the rule changes the owner of replicas and does not name the account"
                yield Fault(source.place(RULES), message, "set Account of the destination")
            timed = _text(found, "Destination.ReplicationTime.Status")
            if timed == "Enabled" and _text(found, "Destination.Metrics.Status") not in ("Enabled", "*"):
                message = "replication time control needs metrics"
                yield Fault(source.place(RULES), message, "set Metrics, with an EventThreshold of 15 minutes")


NEEDED = (
    "s3:GetReplicationConfiguration", "s3:ListBucket", "s3:GetObjectVersionForReplication", "s3:ReplicateObject",
)  # fmt: skip
SOURCE_KEY = "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.KMSMasterKeyID"
REPLICA_KEY = f"{RULES}.Destination.EncryptionConfiguration.ReplicaKmsKeyID"


def _needed(source: Resource) -> tuple[str, ...]:
    """What the role must be allowed. The key policy of alias/aws/s3 lets the whole account use the key through S3."""
    if not _uses_kms(source):
        return NEEDED
    return (
        *NEEDED,
        *(["kms:Decrypt"] if list(_own_keys(source, SOURCE_KEY)) else []),
        *(["kms:Encrypt"] if list(_own_keys(source, REPLICA_KEY)) else []),
    )


def _own_keys(source: Resource, path: str) -> Iterator[Resolved]:
    return (key for key in source.values(path) if not (pattern(key) or "").endswith("alias/aws/s3"))


@rule(
    "DR323",
    "The role of a replication lets S3 replicate",
    source="Amazon S3 User Guide, Setting up permissions for live replication",
)
def role_can_replicate(world: World) -> Found:
    """S3 does not try the role when it takes the rule: every object is then marked FAILED, and nobody is told.

    Fix: let s3.amazonaws.com assume the role, and allow what the message lists.
    """
    for source in sources(world):
        role = role_of(world, source, "ReplicationConfiguration.Role")
        if role is None:
            continue
        trusted = list(statements(role.properties.get("AssumeRolePolicyDocument")))
        if trusted and not any(statement.allows_service("s3.amazonaws.com") for statement in trusted):
            yield Fault(role.place("AssumeRolePolicyDocument"), "S3 cannot assume the role", "trust s3.amazonaws.com")
        allowed = permissions(world, role)
        missing = [action for action in _needed(source) if not allowed.allows(action)]
        if "kms:Encrypt" not in missing and not _may_encrypt(world, source, allowed):
            missing.append("kms:Encrypt with the key of the replicas")
        if missing and allowed.complete and not allowed.managed:
            message = f"{source.logical_id} replicates with this role, which lacks {', '.join(missing)}"
            yield Fault(role.place(), message, "allow it in the role's policy")


def _may_encrypt(world: World, source: Resource, allowed: Permissions) -> bool:
    """False if all keys with which the role may encrypt are of other regions than a key of the replicas."""
    encrypting = [value for found in allowed.statements if found.allows("kms:Encrypt") for value in found.resources]
    regions = {region_of(value) for value in encrypting}
    wanted = {region for key in _own_keys(source, REPLICA_KEY) if (region := region_of(key)) is not None}
    return not encrypting or None in regions or wanted <= regions


@rule(
    "DR324",
    "Both buckets of a replication lock objects, or the source does not",
    source="Amazon S3 User Guide, Requirements and considerations for replication (Object Lock)",
)
def lock_on_both_sides(world: World) -> Found:
    """From a bucket with Object Lock, S3 replicates only into buckets that have it, too, and refuses the rule.

    Fix: set ObjectLockEnabled: true on the destination bucket, when it is made.
    """
    for source in sources(world):
        for value in source.values(f"{RULES}.Destination.Bucket"):
            target = world.target(value, BUCKET)
            if (
                target is not None
                and is_true(source.value("ObjectLockEnabled"))
                and not target.has("ObjectLockEnabled")
            ):
                message = f"{target} has no Object Lock"
                yield Fault(source.place(RULES), message, "set ObjectLockEnabled on the destination bucket")


@rule(
    "DR325",
    "A multi-Region access point has one bucket in a region",
    source="Amazon S3 User Guide, Multi-Region Access Point restrictions and limitations",
)
def one_bucket_in_a_region(world: World) -> Found:
    """Requests are routed by region, so S3 takes one bucket of each, and refuses the access point.

    Fix: name one bucket of each region.
    """
    for point in world.resources("AWS::S3::MultiRegionAccessPoint"):
        first: dict[str, Resource] = {}
        for value in point.values("Regions.Bucket"):
            bucket = world.target(value, BUCKET)
            other = first.setdefault(bucket.region, bucket) if bucket is not None else bucket
            if bucket is not None and other is not None and other is not bucket:
                message = f"{other.logical_id} and {bucket.logical_id} are both in {bucket.region}"
                yield Fault(point.place("Regions"), message, "name one bucket of each region")


@rule(
    "DR326",
    "A bucket with a public policy lets policies be public",
    source="Amazon S3 User Guide, Blocking public access to your Amazon S3 storage (the default for new buckets)",
)
def public_policy_is_allowed(world: World) -> Found:
    """New buckets block public policies where nothing says otherwise. S3 refuses the policy: AccessDenied, `because
    public policies are blocked by the BlockPublicPolicy block public access setting`.

    Fix: let CloudFront read the bucket with an origin access control; or set BlockPublicPolicy to false.
    """
    for policy in world.resources("AWS::S3::BucketPolicy"):
        bucket = world.target(policy.value("Bucket"), BUCKET)
        if bucket is None or not _blocks(bucket):
            continue
        for body in bodies(policy.properties.get("PolicyDocument")):
            everybody = any("*" in found.others for found in statements({"Statement": dict(body)}))
            if everybody and not body.get("Condition") and _names_everybody(body):
                message = f"it lets everybody in, and {bucket} blocks that"
                yield Fault(policy.place("PolicyDocument"), message, "set BlockPublicPolicy to false, or name who may")


def _blocks(bucket: Resource) -> bool:
    path = "PublicAccessBlockConfiguration"
    if not bucket.has(path):
        return True
    return is_true(bucket.value(f"{path}.BlockPublicPolicy"))


def _names_everybody(body: Mapping[str, Any]) -> bool:
    """True if the principal is written as `*`, and is not a value that nobody knows."""
    return any(value == "*" for path in ("Principal", "Principal.AWS") for value in at(body, path))
