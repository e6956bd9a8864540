"""boto3 clients as drgen uses them. Endpoints come from the environment (`AWS_ENDPOINT_URL`) and are left alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_s3 import S3Client


class Session:
    """Clients by service and region, made once. Safe to use from several threads.

    `attempts` and the time-outs (seconds) are those of one call.
    """

    def __init__(self, *, attempts: int = 6, connect_timeout_s: float = 5, read_timeout_s: float = 30) -> None:
        self._limits = (attempts, connect_timeout_s, read_timeout_s)
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}
        self._boto: Any = None

    def brief(self) -> Session:
        """The same credentials, with a short patience: for looking into a region that may be dark."""
        made = Session(attempts=2, connect_timeout_s=3, read_timeout_s=5)
        made._boto, made._lock = self._session(), self._lock
        return made

    def _session(self) -> Any:
        import boto3

        from drgen.aws.failures import asking

        with self._lock, asking("credentials", "every region"):
            # A boto3 session of our own: the default one is shared with whoever else is in this process.
            self._boto = self._boto or boto3.session.Session()
            return self._boto

    def _client(self, service: str, region: str) -> Any:
        from botocore.config import Config

        from drgen.aws.failures import SettingsWrong, asking

        attempts, connect, read = self._limits
        config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=connect,
            read_timeout=read,
            max_pool_connections=32,
        )
        session = self._session()
        with self._lock:
            if (service, region) not in self._made:
                try:
                    with asking(f"{service}.CreateClient", region):
                        self._made[(service, region)] = session.client(service, region_name=region, config=config)
                except ValueError as error:
                    # botocore has no error of its own for an endpoint that is no URL.
                    raise SettingsWrong(
                        str(error), at=f"{service} in {region}", fix="correct or unset AWS_ENDPOINT_URL"
                    ) from error
            return self._made[(service, region)]

    def client(self, service: str, region: str) -> Any:
        """A client of any service, for questions that are tables and not functions."""
        return self._client(service, region)

    def cloudformation(self, region: str) -> CloudFormationClient:
        client: CloudFormationClient = self._client("cloudformation", region)
        return client

    def ec2(self, region: str) -> EC2Client:
        client: EC2Client = self._client("ec2", region)
        return client

    def rds(self, region: str) -> RDSClient:
        client: RDSClient = self._client("rds", region)
        return client

    def s3(self, region: str) -> S3Client:
        client: S3Client = self._client("s3", region)
        return client

    def require_credentials(self) -> None:
        """Raises CredentialsMissing if there are none. Asks no region."""
        from drgen.aws.failures import SIGN_IN_FIRST, CredentialsMissing, asking

        with asking("credentials", "every region"):
            found = self._session().get_credentials()
        if found is None:
            raise CredentialsMissing("there are no AWS credentials", fix=SIGN_IN_FIRST)

    def account(self, region: str) -> str:
        """The account id behind the credentials."""
        from drgen.aws.failures import asking

        with asking("sts.GetCallerIdentity", region):
            answer = self._client("sts", region).get_caller_identity()
        return str(answer["Account"])
