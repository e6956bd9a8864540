"""What a DBA looks for in the templates of an Aurora global database."""

from __future__ import annotations

from typing import Any

import pytest
from aurora_drafts import HEADLESS, SOURCE, bodies, drafts
from bodies import properties, resources

from drgen.model.deployment import FromOutput

PRIMARY, SECONDARY = "primary/database", "recovery-us-east-2/database"
SIDES = (PRIMARY, SECONDARY)


@pytest.fixture(scope="module")
def warm() -> dict[str, Any]:
    return bodies()


@pytest.fixture(scope="module")
def headless() -> dict[str, Any]:
    return bodies(HEADLESS)


def test_the_global_database_is_made_empty_and_the_primary_cluster_joins_it(warm: Any) -> None:
    whole = properties(warm[PRIMARY], "GlobalDatabase")
    assert whole == {
        "GlobalClusterIdentifier": "shop-prod",
        "Engine": "aurora-postgresql",
        "EngineVersion": "16.9",
        "StorageEncrypted": True,
        "DeletionProtection": True,
    }
    assert properties(warm[PRIMARY], "Cluster")["GlobalClusterIdentifier"] == {"Ref": "GlobalDatabase"}


def test_a_secondary_cluster_has_nothing_that_aurora_refuses_there(warm: Any) -> None:
    cluster = properties(warm[SECONDARY], "Cluster")
    refused = {
        "MasterUsername", "MasterUserPassword", "ManageMasterUserPassword", "DatabaseName", "SnapshotIdentifier",
        "SourceDBClusterIdentifier", "ReplicationSourceIdentifier", "BacktrackWindow",
    }  # fmt: skip
    assert cluster.keys() & refused == set()
    assert (cluster["GlobalClusterIdentifier"], cluster["SourceRegion"]) == ("shop-prod", "us-east-1")
    assert (cluster["StorageEncrypted"], cluster["KmsKeyId"]) == (True, {"Ref": "DataKeyArn"})


def test_the_clusters_are_alike_but_for_birth(warm: Any) -> None:
    primary, secondary = (properties(warm[side], "Cluster") for side in SIDES)
    differing = {key for key in primary.keys() | secondary.keys() if primary.get(key) != secondary.get(key)}
    assert differing == {
        "DBClusterIdentifier", "DatabaseName", "GlobalClusterIdentifier", "MasterUserPassword", "MasterUsername",
        "SourceRegion",
    }  # fmt: skip
    assert [properties(warm[side], "Cluster")["DBClusterIdentifier"] for side in SIDES] == [
        "shop-prod-us-east-1",
        "shop-prod-us-east-2",
    ]


@pytest.mark.parametrize("name", ["ClusterParameterGroup", "ParameterGroup", "DatabaseSecurityGroup"])
def test_what_a_change_of_roles_does_not_carry_over_is_the_same_on_both_sides(warm: Any, name: str) -> None:
    assert properties(warm[PRIMARY], name) == properties(warm[SECONDARY], name)


def test_tls_is_forced_and_the_log_groups_come_before_their_writer(warm: Any) -> None:
    for side, region in ((PRIMARY, "us-east-1"), (SECONDARY, "us-east-2")):
        group = properties(warm[side], "ClusterParameterGroup")
        assert group["Parameters"] == {"log_statement": "ddl", "rds.force_ssl": "1"}
        assert group["Family"] == "aurora-postgresql16"
        assert warm[side]["Resources"]["Cluster"]["DependsOn"] == ["PostgresqlLogs"]
        logs = properties(warm[side], "PostgresqlLogs")
        assert logs["LogGroupName"] == f"/aws/rds/cluster/shop-prod-{region}/postgresql"


def test_instances_are_numbered_and_leave_to_the_cluster_what_is_the_clusters(warm: Any) -> None:
    for side, region in ((PRIMARY, "us-east-1"), (SECONDARY, "us-east-2")):
        instances = resources(warm[side], "AWS::RDS::DBInstance")
        names = [one["Properties"]["DBInstanceIdentifier"] for one in instances.values()]
        assert names == [f"shop-prod-{region}-1", f"shop-prod-{region}-2"]
        for one in instances.values():
            assert one["Properties"]["DBClusterIdentifier"] == {"Ref": "Cluster"}
            assert one["Properties"]["PerformanceInsightsKMSKeyId"] == {"Ref": "DataKeyArn"}
            assert one["Properties"].keys() & {
                "AllocatedStorage", "BackupRetentionPeriod", "CopyTagsToSnapshot", "DeletionProtection", "MultiAZ",
                "EnableCloudwatchLogsExports", "EnableIAMDatabaseAuthentication", "EngineVersion", "Port",
                "MasterUserPassword",
            } == set()  # fmt: skip


def test_the_primary_cluster_exists_before_the_secondary_one() -> None:
    secondary = drafts()[SECONDARY]
    source = secondary.sources["GlobalWriterEndpoint"]
    assert source == FromOutput("shop-prod-database-us-east-1", "GlobalWriterEndpoint", False)
    assert "shop-prod-database-us-east-1" in secondary.upstream()


def test_every_further_recovery_region_has_a_cluster_of_the_same_global_database() -> None:
    text = SOURCE.replace("}]\ndatabase", "}, {name: eu-west-1, cidr: 10.2.0.0/16}]\ndatabase")
    made = bodies(text)
    for region in ("us-east-2", "eu-west-1"):
        cluster = properties(made[f"recovery-{region}/database"], "Cluster")
        assert (cluster["DBClusterIdentifier"], cluster["GlobalClusterIdentifier"]) == (
            f"shop-prod-{region}",
            "shop-prod",
        )
    (record,) = resources(made["replication/dns"], "AWS::Route53::RecordSet").values()
    assert record["Properties"]["ResourceRecords"] == [{"Ref": "PrimaryGlobalWriterEndpoint"}]


def test_with_a_warm_standby_the_secondary_has_readers_and_no_switch(warm: Any) -> None:
    assert "DatabaseCapacity" not in warm[SECONDARY]["Parameters"]
    assert "Conditions" not in warm[SECONDARY]


def test_a_pilot_light_has_its_instances_behind_a_parameter(headless: Any) -> None:
    body = headless[SECONDARY]
    capacity = body["Parameters"]["DatabaseCapacity"]
    assert (capacity["AllowedValues"], capacity["Default"]) == (["headless", "running"], "headless")
    assert body["Conditions"] == {"IsRunning": {"Fn::Equals": [{"Ref": "DatabaseCapacity"}, "running"]}}
    conditional = {name for name, one in body["Resources"].items() if "Condition" in one}
    assert conditional == {"Instance1", "Instance2"}
    assert "DatabaseCapacity" not in headless[PRIMARY]["Parameters"]


def test_instances_that_come_and_go_leave_nothing_behind_and_the_cluster_stays() -> None:
    draft = drafts(HEADLESS)[SECONDARY]
    resources = draft.template().body["Resources"]
    for name in ("Instance1", "Instance2"):
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == ("Delete", "Delete")
    cluster = resources["Cluster"]
    assert (cluster["DeletionPolicy"], cluster["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert draft.protected == ["Cluster"]


def test_protection_covers_the_global_database_its_cluster_and_its_instances() -> None:
    assert drafts()[PRIMARY].protected == ["GlobalDatabase", "Cluster", "Instance1", "Instance2"]
    open_ones = bodies(SOURCE + "protection: false\n")
    for side in SIDES:
        assert properties(open_ones[side], "Cluster")["DeletionProtection"] is False
        assert open_ones[side]["Resources"]["Cluster"]["DeletionPolicy"] == "Delete"


def test_applications_of_every_region_find_the_host_that_follows_the_writer(warm: Any) -> None:
    assert properties(warm[PRIMARY], "WriterParameter")["Value"] == {
        "Fn::GetAtt": ["GlobalDatabase", "GlobalEndpoint.Address"]
    }
    assert properties(warm[SECONDARY], "WriterParameter")["Value"] == {"Ref": "GlobalWriterEndpoint"}
    for side in SIDES:
        assert properties(warm[side], "WriterParameter")["Name"] == "/shop-prod/database/writer"
        assert warm[side]["Outputs"].keys() >= {"GlobalWriterEndpoint", "ReaderEndpoint"}


def test_the_private_name_is_one_record_that_no_failover_touches(warm: Any) -> None:
    body = warm["replication/dns"]
    assert resources(body, "AWS::Route53::HealthCheck") == {}
    (record,) = resources(body, "AWS::Route53::RecordSet").values()
    assert record["Properties"]["Name"] == "postgres.shop.internal."
    assert record["Properties"]["ResourceRecords"] == [{"Ref": "PrimaryGlobalWriterEndpoint"}]
    assert record["Properties"].keys() & {"Weight", "Failover", "HealthCheckId"} == set()


def test_lag_is_watched_in_milliseconds_in_every_region_and_its_absence_is_no_alarm(warm: Any) -> None:
    for side, region in ((PRIMARY, "us-east-1"), (SECONDARY, "us-east-2")):
        for name, metric in (
            ("RpoLagAlarm", "AuroraGlobalDBRPOLag"),
            ("ReplicationLagAlarm", "AuroraGlobalDBReplicationLag"),
        ):
            alarm = properties(warm[side], name)
            assert (alarm["MetricName"], alarm["Threshold"], alarm["TreatMissingData"]) == (
                metric,
                30_000,
                "notBreaching",
            )
            assert alarm["Dimensions"] == [{"Name": "DBClusterIdentifier", "Value": f"shop-prod-{region}"}]


def test_people_hear_of_switchovers_and_failovers_in_both_regions(warm: Any) -> None:
    for side, region in ((PRIMARY, "us-east-1"), (SECONDARY, "us-east-2")):
        pattern = properties(warm[side], "DatabaseEvents")["EventPattern"]
        assert pattern["detail-type"] == ["RDS DB Cluster Event"]
        assert pattern["detail"]["SourceIdentifier"] == [f"shop-prod-{region}"]
        assert {"RDS-EVENT-0185", "RDS-EVENT-0238", "RDS-EVENT-0239", "RDS-EVENT-0397"} <= set(
            pattern["detail"]["EventID"]
        )


def test_the_worst_instance_tells_that_the_database_is_impaired() -> None:
    for body in (bodies(SOURCE.replace("dns:", "  monitoring: {connections: 400}\ndns:"))[side] for side in SIDES):
        assert properties(body, "DatabaseImpairedAlarm")["AlarmRule"] == {
            "Fn::Sub": 'ALARM("${CpuAlarm}") OR ALARM("${ConnectionsAlarm}") OR ALARM("${ReadLatencyAlarm}") '
            'OR ALARM("${WriteLatencyAlarm}")'
        }
        for name in ("CpuAlarm", "ConnectionsAlarm", "ReadLatencyAlarm", "WriteLatencyAlarm"):
            alarm = properties(body, name)
            assert (alarm["Dimensions"][0]["Name"], alarm["Statistic"]) == ("DBClusterIdentifier", "Maximum")


def test_backups_take_the_cluster_and_tests_restore_it_out_of_reach() -> None:
    made = bodies(SOURCE + "backup: {restore_test: weekly}\n")
    selection = properties(made["primary/backup"], "BackupSelection")["BackupSelection"]
    assert selection["Resources"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:rds:${AWS::Region}:${AWS::AccountId}:cluster:*"}
    ]
    tested = properties(made["recovery-us-east-2/backup"], "RestoreTestingAurora")
    assert tested["ProtectedResourceType"] == "Aurora"
    assert tested["RestoreMetadataOverrides"].keys() == {"dbSubnetGroupName", "vpcSecurityGroupIds"}


def test_without_dns_the_host_of_aurora_is_name_enough() -> None:
    text = SOURCE.replace("dns: {zone: shop.internal}\n", "")
    assert [name for name in bodies(text) if name.startswith("replication/")] == [
        "replication/peering",
        "replication/routes",
    ]
