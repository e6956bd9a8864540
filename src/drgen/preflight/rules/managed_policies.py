"""DR62x: policies that AWS made, and where they are."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.values import arn
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]

_SERVICE_ROLE = """
AWSAppSyncPushToCloudWatchLogs AWSBackupServiceRolePolicyForBackup AWSBackupServiceRolePolicyForRestores
AWSCodeDeployRole AWSCodeDeployRoleForLambda AWSCodeDeployRoleForLambdaLimited AWSConfigRulesExecutionRole
AWSDataLifecycleManagerServiceRole AWSFaultInjectionSimulatorEC2Access AWSFaultInjectionSimulatorECSAccess
AWSFaultInjectionSimulatorEKSAccess AWSFaultInjectionSimulatorNetworkAccess AWSFaultInjectionSimulatorRDSAccess
AWSFaultInjectionSimulatorSSMAccess AWSGlueServiceRole AWSIoTLogging AWSIoTRuleActions
AWSLambdaBasicExecutionRole AWSLambdaDynamoDBExecutionRole AWSLambdaENIManagementAccess AWSLambdaKinesisExecutionRole
AWSLambdaMSKExecutionRole AWSLambdaRole AWSLambdaSQSQueueExecutionRole AWSLambdaVPCAccessExecutionRole
AWSMSKReplicatorExecutionRole AWSTransferLoggingAccess AWS_ConfigRole AmazonAPIGatewayPushToCloudWatchLogs
AmazonDMSCloudWatchLogsRole AmazonDMSVPCManagementRole AmazonEBSCSIDriverPolicy
AmazonEC2ContainerServiceAutoscaleRole AmazonEC2ContainerServiceEventsRole AmazonEC2ContainerServiceRole
AmazonEC2ContainerServiceforEC2Role AmazonEC2RoleforAWSCodeDeploy AmazonEC2RoleforSSM
AmazonECSInfrastructureRolePolicyForVolumes AmazonECSTaskExecutionRolePolicy AmazonEFSCSIDriverPolicy
AmazonElasticMapReduceRole AmazonElasticMapReduceforAutoScalingRole AmazonElasticMapReduceforEC2Role
AmazonRDSDirectoryServiceAccess AmazonRDSEnhancedMonitoringRole AmazonS3ObjectLambdaExecutionRolePolicy AmazonSNSRole
AmazonSSMAutomationRole AmazonSSMMaintenanceWindowRole AutoScalingNotificationAccessRole
CloudWatchEventsBuiltInTargetExecutionAccess CloudWatchEventsInvocationAccess
"""

_JOB_FUNCTION = """
Billing DataScientist DatabaseAdministrator NetworkAdministrator SupportUser SystemAdministrator ViewOnlyAccess
"""

_TOP = """
AWSBackupFullAccess AWSBackupServiceRolePolicyForS3Backup AWSBackupServiceRolePolicyForS3Restore
AWSCloudFormationFullAccess AWSKeyManagementServicePowerUser AWSLambda_FullAccess AWSLambda_ReadOnlyAccess
AWSStepFunctionsFullAccess AWSXRayDaemonWriteAccess AWSXrayFullAccess AdministratorAccess AmazonDynamoDBFullAccess
AmazonDynamoDBReadOnlyAccess AmazonEC2ContainerRegistryFullAccess AmazonEC2ContainerRegistryPowerUser
AmazonEC2ContainerRegistryReadOnly AmazonEC2FullAccess AmazonEC2ReadOnlyAccess AmazonECS_FullAccess
AmazonEKSClusterPolicy AmazonEKSWorkerNodePolicy AmazonEKS_CNI_Policy AmazonEventBridgeFullAccess
AmazonRDSFullAccess AmazonRDSReadOnlyAccess AmazonRoute53FullAccess AmazonS3FullAccess AmazonS3ReadOnlyAccess
AmazonSNSFullAccess AmazonSQSFullAccess AmazonSSMFullAccess AmazonSSMManagedInstanceCore AmazonSSMReadOnlyAccess
AmazonVPCFullAccess CloudWatchAgentServerPolicy CloudWatchFullAccess CloudWatchLogsFullAccess
CloudWatchReadOnlyAccess CloudWatchSyntheticsFullAccess IAMFullAccess PowerUserAccess ReadOnlyAccess SecurityAudit
SecretsManagerReadWrite
"""

PATHS = {
    **dict.fromkeys(_SERVICE_ROLE.split(), "service-role/"),
    **dict.fromkeys(_JOB_FUNCTION.split(), "job-function/"),
    **dict.fromkeys(_TOP.split(), ""),
}
"""The path of managed policies that templates attach, by name. Source: AWS Managed Policy Reference Guide."""


@rule(
    "DR620",
    "A policy of AWS is named with its path",
    source="AWS Managed Policy Reference Guide (ARN of each policy)",
    alone=True,
)
def policy_has_its_path(world: World) -> Found:
    """The path belongs to the ARN: without it there is no such policy, and IAM refuses the role (`Policy ... does not
    exist or is not attachable`). Policies under aws-service-role/ belong to service-linked roles and attach to no
    other.

    Fix: write the ARN as the policy's page shows it, for example policy/service-role/AWSLambdaBasicExecutionRole.
    """
    for holder in world.resources("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
        for value in holder.values("ManagedPolicyArns"):
            whole = arn(value)
            if whole is None or whole.account != "aws" or not whole.resource.startswith("policy/"):
                continue
            path, _, name = whole.resource.removeprefix("policy/").rpartition("/")
            path = f"{path}/" if path else ""
            place = holder.place("ManagedPolicyArns")
            if path == "aws-service-role/":
                yield Fault(place, f"{name} is for service-linked roles", "choose a policy that can be attached")
            elif name in PATHS and path != PATHS[name]:
                yield Fault(place, f"{name} is not under policy/{path}", f"write policy/{PATHS[name]}{name}")
