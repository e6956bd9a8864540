"""Resource types whose loss is the loss of data, or of what data cannot be read without.

Source: cfn-lint's StatefulResources.json (rule I3011) and, beyond it, types that hold data or keys in the same way:
the second group below.
"""

from __future__ import annotations

_OF_CFN_LINT = """
AWS::Backup::BackupVault AWS::CloudFormation::Stack AWS::Cognito::UserPool AWS::DocDB::DBCluster
AWS::DocDB::DBInstance AWS::DynamoDB::GlobalTable AWS::DynamoDB::Table AWS::EC2::Volume AWS::EFS::FileSystem
AWS::EMR::Cluster AWS::ElastiCache::CacheCluster AWS::ElastiCache::ReplicationGroup AWS::Elasticsearch::Domain
AWS::FSx::FileSystem AWS::KMS::Key AWS::Kinesis::Stream AWS::Logs::LogGroup AWS::Neptune::DBCluster
AWS::Neptune::DBInstance AWS::OpenSearchService::Domain AWS::Organizations::Account AWS::QLDB::Ledger
AWS::RDS::DBCluster AWS::RDS::DBInstance AWS::Redshift::Cluster AWS::S3::Bucket AWS::SDB::Domain AWS::SQS::Queue
AWS::SecretsManager::Secret
"""

_ALSO = """
AWS::DSQL::Cluster AWS::ECR::Repository AWS::KMS::ReplicaKey AWS::MSK::Cluster AWS::MemoryDB::Cluster
AWS::RDS::GlobalCluster AWS::RedshiftServerless::Namespace AWS::Route53::HostedZone AWS::Timestream::Table
"""

STATEFUL = frozenset(_OF_CFN_LINT.split()) | frozenset(_ALSO.split())
