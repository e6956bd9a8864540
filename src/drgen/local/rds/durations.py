"""How long things take on the virtual clock, in seconds. Every number is chosen by the emulator: see BEHAVIOUR.md."""

CREATE_S = 8 * 60
CREATE_MULTI_AZ_S = 13 * 60
CREATE_REPLICA_S = 25 * 60
BACKUP_S = 2 * 60
MODIFY_S = 2 * 60
REBOOT_S = 60
PROMOTION_BEGINS_S = 10
"""For so long a replica that is being promoted still shows `available`."""
PROMOTION_MODIFIES_S = 4 * 60
PROMOTE_S = 5 * 60
DELETE_S = 5 * 60
STOP_S = 5 * 60
START_S = 5 * 60
SNAPSHOT_S = 3 * 60
CREATE_CLUSTER_S = 2 * 60
CREATE_SECONDARY_S = 10 * 60
CREATE_MEMBER_S = 6 * 60
DELETE_CLUSTER_S = 2 * 60
DETACH_S = 3 * 60
UPGRADE_S = 10 * 60
DELETE_GLOBAL_S = 30
ROLES_VERIFIED_S = 10
"""For so long a switchover or failover is `pending`."""
SWITCHOVER_SHUT_S = 60
SWITCHOVER_PROMOTED_S = 90
SWITCHOVER_S = 2 * 60
FAILOVER_PROMOTED_S = 50
FAILOVER_S = 60
RESYNC_S = 10 * 60
