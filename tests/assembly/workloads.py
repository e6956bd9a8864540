"""Workload files drawn by hypothesis: every section there or not, its options free, and sensible by construction."""

from __future__ import annotations

from typing import Any

from everywhere import serve_everywhere
from hypothesis import strategies as st

from drgen.files.application_checks import OF_DRGEN
from drgen.model.names import partition_of
from drgen.template import bundled

Drawn = dict[str, Any]

REGIONS = tuple(
    region for region in sorted(bundled.regions()) if "db.r6g.large" in bundled.instance_classes("postgres", region)
)
"""Where RDS has the instance class of `databases`; Aurora has it in most of them."""

ENDPOINTS = (
    "dynamodb", "ecr.api", "ecr.dkr", "events", "kms", "lambda", "logs", "monitoring", "rds", "s3", "secretsmanager",
    "sns", "sqs", "ssm", "states", "sts",
)  # fmt: skip

DAYS = st.sampled_from([1, 30, 90, 365, 3653])
FLAGS = st.booleans()
OFTEN = st.sampled_from([True, True, False])


WORDS = (
    "access", "alerts", "api", "audit", "backup", "canary", "data", "database", "dns", "events", "failover", "ledger",
    "network", "operations", "probe", "primary", "recovery", "replica", "replication", "restore", "tables", "topic",
)  # fmt: skip
"""Names of which parts of drgen might have the like."""


def names(longest: int) -> st.SearchStrategy[str]:
    """A lower-case name of at most `longest` characters."""
    words = st.sampled_from([word for word in WORDS if len(word) <= longest] or ["a"])
    return words | st.from_regex(r"[a-z](-?[a-z0-9]){0,40}", fullmatch=True).map(
        lambda text: text[:longest].rstrip("-")
    )


def sections(required: Drawn, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Drawn]:
    """A section with these keys, and any of the others."""
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def workloads(draw: st.DrawFn) -> Drawn:
    """A workload file as a mapping that `parse_workload` accepts."""
    primary = draw(st.sampled_from(REGIONS))
    others = [r for r in REGIONS if r != primary and partition_of(r) == partition_of(primary)]
    recovery = draw(st.lists(st.sampled_from(others), min_size=1, max_size=2, unique=True))
    # The longest name is that of the bucket for the canary's results, with twelve digits of account and the region.
    room = 39 - max(map(len, [primary, *recovery]))
    name = draw(names(20))
    file: Drawn = {
        "name": name,
        "environment": draw(names(min(12, room - len(name) - 1))),
        "strategy": draw(st.sampled_from(["pilot-light", "warm-standby"])),
        "objectives": {"rto": draw(st.sampled_from(["15m", "4h"])), "rpo": draw(st.sampled_from(["30s", "5m", "1h"]))},
        "regions": _regions(draw, primary, recovery),
        "protection": draw(FLAGS),
        **draw(sections({}, tags=st.just({"team": "platform", "cost center": "a/b: 12"}), alerts=_ALERTS)),
    }
    zones = len(file["regions"]["primary"].get("zones", ())) or draw(st.sampled_from([2, 3]))
    file["network"] = draw(_networks(zones))
    for add in (_database, _storage, _application, _containers, _names, _around):
        add(draw, file)
    if "database" not in file and ("api" in file or "services" in file) and draw(FLAGS):
        serve_everywhere(file)
    return file


_ALERTS = st.just({"emails": ["oncall@example.com", "second@example.com"]})


def _regions(draw: st.DrawFn, primary: str, recovery: list[str]) -> Drawn:
    """Blocks that do not overlap, of any size, and perhaps zones by name."""
    sides: list[Drawn] = []
    letters = draw(st.none() | st.permutations("abcdef").map(lambda order: order[: 2 + (order[0] > "c")]))
    seconds = st.integers(0, 79), st.integers(80, 159), st.integers(160, 255)
    for name, drawn in zip([primary, *recovery], seconds, strict=False):
        second = draw(drawn)
        side: Drawn = {"name": name, "cidr": f"10.{second}.0.0/{draw(st.integers(16, 24))}"}
        if letters is not None:
            side["zones"] = [f"{name}{letter}" for letter in letters]
        sides.append(side)
    return {"primary": sides[0], "recovery": sides[1:]}


def _names_of_regions(file: Drawn) -> list[str]:
    """The primary region, then the recovery regions."""
    return [side["name"] for side in (file["regions"]["primary"], *file["regions"]["recovery"])]


def _networks(zones: int) -> st.SearchStrategy[Drawn]:
    return sections(
        {"zones": st.just(zones)},
        nat=st.sampled_from(["none", "one", "per-zone"]),
        peering=FLAGS,
        endpoints=st.lists(st.sampled_from(ENDPOINTS), unique=True),
        flow_log_days=DAYS,
    )


def _database(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps a database, with the paths and the private name that it needs."""
    if not draw(FLAGS):
        return
    regions = file["regions"]
    on_aurora = draw(FLAGS) and all(_has_aurora(side["name"]) for side in (regions["primary"], *regions["recovery"]))
    file["database"] = draw(_AURORA if on_aurora else databases())
    network = file["network"]
    network.pop("peering", None)
    if "endpoints" in network and "secretsmanager" not in network["endpoints"]:
        network["endpoints"].append("secretsmanager")
    zone = st.sampled_from(["db.internal", "orders.prod.internal"])
    if not on_aurora:
        file["dns"] = draw(sections({"zone": zone}, record=st.just("main"), **_dns(file)))
    elif draw(OFTEN):
        file["dns"] = draw(sections({"zone": zone}, record=st.just("main"), ttl=_TTL))
    mode = st.sampled_from(["notify", "approve", "automatic"])
    file |= draw(sections({}, recovery=sections({}, mode=mode, log_days=DAYS)))


def _has_aurora(region: str) -> bool:
    offered = bundled.instance_classes("aurora-postgresql", region)
    return "db.r6g.large" in offered and "AWS::RDS::GlobalCluster" in bundled.resource_types(region)


_TTL = st.integers(1, 60)


def _dns(file: Drawn) -> dict[str, st.SearchStrategy[Any]]:
    """Failover records are of two regions."""
    policies = ["weighted", "failover"] if len(_names_of_regions(file)) == 2 else ["weighted"]
    return {"policy": st.sampled_from(policies), "ttl": _TTL}


def databases() -> st.SearchStrategy[Drawn]:
    """A database that every region of REGIONS offers."""
    return sections(
        {
            "engine": st.just("postgres"),
            "version": st.sampled_from(["14.24", "15.18", "16.9"]),
            "instance_class": st.just("db.r6g.large"),
        },
        storage_gib=st.integers(20, 399),
        multi_az=sections({}, primary=FLAGS, recovery=FLAGS),
        backup_days=st.integers(1, 35),
        name=st.just("orders_2"),
        username=st.just("owner"),
        port=st.integers(1150, 65535),
        parameters=st.just({"log_statement": "ddl", "max_connections": "501"}),
        monitoring=_MONITORING,
        log_days=DAYS,
    )


_MONITORING = sections({}, connections=st.integers(1, 400), read_latency_ms=st.integers(1, 10_000))

_AURORA = sections(
    {
        "engine": st.just("aurora-postgresql"),
        "version": st.sampled_from(["14.24", "15.18", "16.9", "17.7"]),
        "instance_class": st.just("db.r6g.large"),
    },
    instances=sections({}, primary=st.integers(1, 15), recovery=st.integers(1, 16)),
    storage=st.sampled_from(["aurora", "aurora-iopt1"]),
    backup_days=st.integers(1, 35),
    port=st.integers(1150, 65535),
    parameters=st.just({"log_statement": "ddl", "max_connections": "501"}),
    instance_parameters=st.just({"log_min_duration_statement": "1000"}),
    monitoring=_MONITORING,
    log_days=DAYS,
)


def _storage(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps buckets and tables."""
    prefix = len(f"{file['name']}-{file['environment']}")
    room = 45 - prefix - max(map(len, _names_of_regions(file)))
    plain = {"name": names(min(30, room)).filter(lambda name: name.replace("-", "") != "logs")}
    days = {"noncurrent_days": st.integers(1, 3650), "access_log_days": st.integers(1, 3650)}
    kept = sections({**plain, "replicate": st.just("none")}, **days)
    copied = sections(
        plain, replicate=st.sampled_from(["to-recovery", "both-ways"]), replication_time_control=FLAGS, **days
    )
    if draw(FLAGS):
        file["buckets"] = draw(_several(st.one_of(copied, kept)))
    if draw(FLAGS):
        file["tables"] = draw(_several(st.one_of(_TABLES)))


def _several(items: st.SearchStrategy[Drawn]) -> st.SearchStrategy[list[Drawn]]:
    """One to three, with names that stay different without hyphens."""
    return st.lists(items, min_size=1, max_size=3, unique_by=lambda item: item["name"].replace("-", ""))


_TYPES = st.sampled_from(["string", "number", "binary"])
_KEY = {"name": names(40), "key": st.just("id")}
_TABLES = (
    sections(_KEY, key_type=_TYPES, time_to_live=st.just("expires"), recovery_days=st.integers(1, 35)),
    sections({**_KEY, "sort_key": st.just("entry.at")}, sort_key_type=_TYPES, recovery_days=st.integers(1, 35)),
    sections({**_KEY, "point_in_time_recovery": st.just(False)}, time_to_live=st.just("expires")),
)


def _application(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps functions, and perhaps an API that they answer."""
    if not draw(OFTEN):
        return
    prefix = len(f"{file['name']}-{file['environment']}")
    longest = max(map(len, _names_of_regions(file)))
    own = names(min(24, 62 - prefix - longest)).filter(
        lambda name: name not in OF_DRGEN and not name.endswith("-replication")
    )
    tables = [table["name"] for table in file.get("tables", ())]
    file["functions"] = draw(_several(_functions(own, tables)))
    network, endpoints = file["network"], file["network"].get("endpoints")
    if any(function.get("vpc") for function in file["functions"]) and network.get("nat", "none") == "none":
        network["endpoints"] = sorted({*(endpoints or ("s3", "secretsmanager")), "dynamodb", "ssm"})
    if draw(OFTEN):
        file["api"] = draw(_apis([function["name"] for function in file["functions"]]))


def _functions(own: st.SearchStrategy[str], tables: list[str]) -> st.SearchStrategy[Drawn]:
    access = st.sampled_from(["read", "read-write"])
    used = st.dictionaries(st.sampled_from(tables), access) if tables else st.just({})
    return sections(
        {"name": own, "source": st.just("payment_processor"), "tables": used},
        about=st.just('Takes what comes: orders, and "more"'),
        memory=st.integers(128, 10240),
        timeout=st.sampled_from(["1s", "29s"]),
        reserved_concurrency=st.integers(1, 900),
        vpc=FLAGS,
        environment=st.just({"MODE": "a: ${b} 'c'", "LEVEL": "1"}),
        schedule=st.sampled_from(["rate(1 minute)", "rate(5 minutes)", "cron(0 6 * * ? *)"]),
        log_days=DAYS,
    )


def _apis(functions: list[str]) -> st.SearchStrategy[Drawn]:
    paths = st.sampled_from(["/a", "/a/{id}", "/a/{id}/b", "/a-b", "/a.b", "/all/{rest+}", "/x_y~z"])
    methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"])
    answers = st.sampled_from(functions)
    route = sections({"method": methods, "path": paths, "function": answers})
    routes = st.lists(route, min_size=1, max_size=4, unique_by=lambda one: (one["method"], one["path"]))
    limits = sections({}, rate=st.integers(1, 10_000), burst=st.integers(1, 5_000))
    return sections(
        {"routes": routes, "health": answers},
        authorization=st.sampled_from(["iam", "none"]),
        throttle=limits,
        cors=st.just({"origins": ["https://shop.example.com", "https://www.example.com"]}),
        log_days=DAYS,
    )


def _names(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps a public name for the API or a service, or private ones for internal services."""
    if "dns" in file or not draw(OFTEN):
        return
    services = file.get("services", ())
    targets = [*(["api"] if "api" in file else []), *(each["name"] for each in services if each.get("public"))]
    clash = "api" in file and any(each["name"] == "api" for each in services)
    if targets and file.get("database", {}).get("engine") != "postgres" and not clash:
        target = draw(st.sampled_from(targets))
        zone_id = st.just("Z0123456789ABCDEFGHIJ")
        given = {"zone": "pay.example.com", "private": False, "target": target}
        file["dns"] = draw(
            sections({key: st.just(value) for key, value in given.items()}, zone_id=zone_id, **_dns(file))
        )
        if target == "api":
            file["api"]["certificate"] = _certificates(file)
    elif any(not each.get("public") for each in services):
        file["dns"] = draw(sections({"zone": st.just("shop.internal")}, **_dns(file)))


def _certificates(file: Drawn) -> dict[str, str]:
    sides = _names_of_regions(file)
    partition = partition_of(sides[0])
    return {
        region: f"arn:{partition}:acm:{region}:123456789012:certificate/{number}" for number, region in enumerate(sides)
    }


_DIGEST = "sha256:" + "0123456789abcdef" * 4


def _containers(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps services, with images from where the subnets reach."""
    if not draw(FLAGS):
        return
    suffix = ".cn" if partition_of(file["regions"]["primary"]["name"]) == "aws-cn" else ""
    own = f"{{account}}.dkr.ecr.{{region}}.amazonaws.com{suffix}/web@{_DIGEST}"
    network = file["network"]
    if network.get("nat", "none") == "none":
        network["endpoints"] = sorted(
            {*network.get("endpoints", ()), "ecr.api", "ecr.dkr", "logs", "s3", "secretsmanager"}
        )
        images = [own]
    else:
        images = [own, f"public.ecr.aws/shop/web@{_DIGEST}"]
    _room_for_balancers(file)
    waiting = st.just({"primary": 3} if file["strategy"] == "pilot-light" else {"primary": 3, "recovery": 2})
    file["services"] = draw(_several(_services(images, waiting)))
    _certify(draw, file)
    _uses(draw, file)


def _room_for_balancers(file: Drawn) -> None:
    """Their subnets take a sixteenth of the VPC's block, and are at least a /27."""
    for side in (file["regions"]["primary"], *file["regions"]["recovery"]):
        block, _, size = side["cidr"].partition("/")
        side["cidr"] = f"{block}/{min(int(size), 23)}"


def _certify(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps certificates, and with them perhaps the internet."""
    for service in file["services"]:
        if draw(FLAGS):
            service["certificates"] = _certificates(file)
            service["public"] = draw(FLAGS)


def _uses(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps the tables, buckets and the database of the workload."""
    network, access = file["network"], st.sampled_from(["read", "read-write"])
    for service in file["services"]:
        for section in ("tables", "buckets"):
            if section in file and draw(FLAGS):
                service[section] = {each["name"]: draw(access) for each in file[section]}
        service["database"] = "database" in file and draw(FLAGS)
        if "tables" in service and network.get("nat", "none") == "none":
            network["endpoints"] = sorted({*network["endpoints"], "dynamodb"})


def _services(images: list[str], count: st.SearchStrategy[Drawn]) -> st.SearchStrategy[Drawn]:
    port = st.sampled_from([80, 443, 8080, 65535])
    required = {
        "name": names(8).filter(lambda name: name not in ("access", "main")),
        "image": st.sampled_from(images),
        "port": port,
        "health_path": st.just("/up?a=b"),
    }
    return sections(
        required,
        count=count,
        max_count=st.integers(3, 1000),
        health_grace_s=st.integers(0, 3600),
        architecture=st.sampled_from(["X86_64", "ARM64"]),
        user=st.sampled_from(["1000", "1000:1000"]),
        writable=st.just(["/tmp", "/var/cache"]),
        environment=st.just({"MODE": "a: 'c'", "SHELL_TEXT": "${AWS::Region} ${Cluster}"}),
        secrets=st.just(["shop/key", "other"]),
        log_days=DAYS,
    )


_CANARIES = sections(
    {"url": st.sampled_from(["https://shop.example.com/health", "https://shop.example.com:8443/?a=b&c=%20"])},
    every=st.sampled_from(["1m", "7m", "1h"]),
    failures=st.integers(1, 24),
    keep_days=st.integers(1, 455),
)


def _around(draw: st.DrawFn, file: Drawn) -> None:
    """Perhaps events, a canary, and backups where there is something to back up."""
    if draw(FLAGS):
        forward = st.sampled_from([False, True, "both-ways"])
        file["events"] = draw(sections({}, forward=forward, archive_days=st.integers(1, 3653)))
        for service in file.get("services", ()):
            service["events"] = draw(FLAGS)
            network = file["network"]
            if service["events"] and network.get("nat", "none") == "none":
                network["endpoints"] = sorted({*network["endpoints"], "events"})
    if draw(FLAGS) and all(bucket["name"] != "canary" for bucket in file.get("buckets", ())):
        file["canary"] = draw(_CANARIES)
    if draw(FLAGS) and ("database" in file or "tables" in file):
        plan = "AWS::Backup::RestoreTestingPlan"
        testable = all(plan in bundled.resource_types(region) for region in _names_of_regions(file)[1:])
        file["backup"] = draw(_backups(testable=testable, protection=file["protection"]))


def _backups(*, testable: bool, protection: bool) -> st.SearchStrategy[Drawn]:
    tests = {"restore_test": st.sampled_from(["none", "weekly", "monthly"] if testable else ["none"])}
    copied = sections(tests, keep_days=st.integers(1, 36500))
    single = sections({"copy_to_recovery": st.just(False), "restore_test": st.just("none")})
    locked = sections(
        {"lock": st.just("governance"), "keep_days": st.integers(30, 60), **tests},
        lock_min_days=st.integers(1, 30),
        lock_max_days=st.integers(60, 36500),
    )
    forever = sections({"lock": st.just("compliance"), "lock_grace_days": st.integers(3, 36500), **tests})
    return st.one_of(copied, single, locked, *([forever] if protection else []))
