"""Metrics that AWS services publish, as far as recovery uses them.

Source: the monitoring chapters of the services' guides, listed in CloudWatch User Guide, "AWS services that publish
CloudWatch metrics". The lists are long, not complete: a name that is not here is judged only if it is nearly one.
"""

from __future__ import annotations

from collections.abc import Mapping

METRICS: Mapping[str, frozenset[str]] = {
    namespace: frozenset(names.split())
    for namespace, names in {
        "AWS/Lambda": "Invocations Errors DeadLetterErrors DestinationDeliveryFailures Throttles Duration IteratorAge "
        "OffsetLag ConcurrentExecutions UnreservedConcurrentExecutions ClaimedAccountConcurrency AsyncEventsReceived "
        "AsyncEventAge AsyncEventsDropped ProvisionedConcurrentExecutions ProvisionedConcurrencyUtilization "
        "ProvisionedConcurrencyInvocations ProvisionedConcurrencySpilloverInvocations PostRuntimeExtensionsDuration "
        "RecursiveInvocationsDropped",
        "AWS/SQS": "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesDelayed "
        "ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesVisible NumberOfEmptyReceives "
        "ApproximateNumberOfGroupsWithInflightMessages NumberOfDeduplicatedSentMessages "
        "NumberOfMessagesDeleted NumberOfMessagesReceived NumberOfMessagesSent SentMessageSize",
        "AWS/SNS": "NumberOfMessagesPublished NumberOfNotificationsDelivered NumberOfNotificationsFailed PublishSize "
        "NumberOfNotificationsFilteredOut NumberOfNotificationsRedrivenToDlq "
        "NumberOfNotificationsFailedToRedriveToDlq SMSSuccessRate",
        "AWS/States": "ExecutionTime ExecutionThrottled ExecutionsAborted ExecutionsFailed ExecutionsStarted "
        "ExecutionsSucceeded ExecutionsTimedOut LambdaFunctionsFailed ActivitiesFailed",
        "AWS/Events": "Invocations FailedInvocations TriggeredRules MatchedEvents ThrottledRules "
        "DeadLetterInvocations InvocationsFailedToBeSentToDlq InvocationsSentToDlq",
        "AWS/RDS": "CPUUtilization DatabaseConnections FreeStorageSpace FreeableMemory ReadLatency WriteLatency "
        "ReadIOPS WriteIOPS ReadThroughput WriteThroughput ReplicaLag OldestReplicationSlotLag "
        "ReplicationSlotDiskUsage "
        "TransactionLogsDiskUsage TransactionLogsGeneration DiskQueueDepth SwapUsage MaximumUsedTransactionIDs "
        "BurstBalance CPUCreditBalance CPUCreditUsage DBLoad DBLoadCPU DBLoadNonCPU EBSByteBalance% EBSIOBalance% "
        "AuroraReplicaLag AuroraReplicaLagMaximum AuroraReplicaLagMinimum AuroraGlobalDBReplicationLag "
        "AuroraGlobalDBRPOLag AuroraGlobalDBProgressLag AuroraGlobalDBDataTransferBytes "
        "AuroraGlobalDBReplicatedWriteIO CommitLatency Deadlocks ServerlessDatabaseCapacity ACUUtilization "
        "VolumeBytesUsed FreeLocalStorage BufferCacheHitRatio EngineUptime",
        "AWS/DynamoDB": "ReplicationLatency ThrottledRequests SystemErrors UserErrors ConsumedReadCapacityUnits "
        "ConsumedWriteCapacityUnits ProvisionedReadCapacityUnits ProvisionedWriteCapacityUnits "
        "SuccessfulRequestLatency ReadThrottleEvents WriteThrottleEvents ConditionalCheckFailedRequests "
        "TransactionConflict AccountProvisionedReadCapacityUtilization AccountProvisionedWriteCapacityUtilization",
        "AWS/ApplicationELB": "HealthyHostCount UnHealthyHostCount TargetResponseTime HTTPCode_Target_2XX_Count "
        "HTTPCode_Target_3XX_Count HTTPCode_Target_4XX_Count HTTPCode_Target_5XX_Count HTTPCode_ELB_3XX_Count "
        "HTTPCode_ELB_4XX_Count HTTPCode_ELB_5XX_Count RequestCount RequestCountPerTarget ActiveConnectionCount "
        "NewConnectionCount RejectedConnectionCount TargetConnectionErrorCount ConsumedLCUs ProcessedBytes",
        "AWS/ECS": "CPUUtilization MemoryUtilization CPUReservation MemoryReservation EBSFilesystemUtilization",
        "AWS/Route53": "HealthCheckStatus HealthCheckPercentageHealthy ChildHealthCheckHealthyCount ConnectionTime "
        "SSLHandshakeTime TimeToFirstByte DNSQueries",
        "CloudWatchSynthetics": "SuccessPercent Duration Failed 2xx 4xx 5xx VisualMonitoringSuccessPercent",
    }.items()
}

NEEDED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("AWS/RDS", "ReplicaLag"): ("DBInstanceIdentifier",),
    ("AWS/S3", "ReplicationLatency"): ("SourceBucket", "DestinationBucket", "RuleId"),
    ("AWS/S3", "BytesPendingReplication"): ("SourceBucket", "DestinationBucket", "RuleId"),
    ("AWS/S3", "OperationsPendingReplication"): ("SourceBucket", "DestinationBucket", "RuleId"),
    ("AWS/S3", "OperationsFailedReplication"): ("SourceBucket", "DestinationBucket", "RuleId"),
    ("AWS/S3", "BucketSizeBytes"): ("BucketName", "StorageType"),
    ("AWS/S3", "NumberOfObjects"): ("BucketName", "StorageType"),
    ("AWS/DynamoDB", "ReplicationLatency"): ("TableName", "ReceivingRegion"),
    ("AWS/DynamoDB", "ThrottledRequests"): ("TableName", "Operation"),
    ("AWS/DynamoDB", "ReadThrottleEvents"): ("TableName",),
    ("AWS/DynamoDB", "WriteThrottleEvents"): ("TableName",),
    ("AWS/ApplicationELB", "HealthyHostCount"): ("TargetGroup", "LoadBalancer"),
    ("AWS/ApplicationELB", "UnHealthyHostCount"): ("TargetGroup", "LoadBalancer"),
    ("AWS/ApplicationELB", "RequestCount"): ("LoadBalancer",),
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"): ("LoadBalancer",),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): ("LoadBalancer",),
    ("AWS/ECS", "CPUUtilization"): ("ClusterName",),
    ("AWS/ECS", "MemoryUtilization"): ("ClusterName",),
    ("AWS/Route53", "HealthCheckStatus"): ("HealthCheckId",),
    ("AWS/Route53", "HealthCheckPercentageHealthy"): ("HealthCheckId",),
    ("AWS/States", "ExecutionsFailed"): ("StateMachineArn",),
    ("AWS/States", "ExecutionsTimedOut"): ("StateMachineArn",),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ("QueueName",),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName",),
    ("AWS/SNS", "NumberOfNotificationsFailed"): ("TopicName",),
    ("CloudWatchSynthetics", "SuccessPercent"): ("CanaryName",),
}
"""Dimensions without which no metric of that name is published."""
