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
