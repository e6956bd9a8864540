"""What happens to a request: who it is for, what is wrong today, who answers it, and the note in the call record."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate

from drgen.local import executing
from drgen.local.api import ApiError, Call, PassOn, Service
from drgen.local.calls import Calls, Recorded
from drgen.local.clock import Clock
from drgen.local.environment import ACCOUNT, MARK
from drgen.local.faults import Faults
from drgen.local.upstream import UpstreamGone
from drgen.local.wire import models
from drgen.local.wire.message import Request, Response
from drgen.local.wire.parse import parameters
from drgen.local.wire.serialise import WrongShape, error_response, response

SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
PRESIGNED_SCOPE = re.compile(r"([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Signed:
    """Who a request says it is for. A request without a signature is taken for S3 in us-east-1."""

    account: str = ACCOUNT
    region: str = "us-east-1"
    service: str = "s3"


def signed(request: Request) -> Signed | None:
    """The credential scope, from the header or from a presigned URL; None when the request bears no signature."""
    found = SCOPE.search(request.headers.get("authorization", "")) or PRESIGNED_SCOPE.fullmatch(
        request.query.get("X-Amz-Credential", "")
    )
    if found is None:
        return None
    key, region, service = found.groups()
    return Signed(key if re.fullmatch(r"\d{12}", key) else ACCOUNT, region, service)


class Front:
    """Answers every request, or gives None where the client is to see a connection that ends without an answer.

    `whole` names the services of which nothing goes upstream.
    """

    def __init__(
        self,
        *,
        services: Mapping[str, Service],
        whole: frozenset[str],
        upstream: Callable[[Request], Response],
        clock: Clock,
        faults: Faults,
        calls: Calls,
        mark: str,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._faults = faults
        self._calls = calls
        self._mark = mark
        self._whole = whole
        self._owners = {(name, op): service for name, service in services.items() for op in service.operations()}

    def answer(self, request: Request) -> Response | None:
        call = self._identify(request)
        if call.internal:
            request = replace(request, headers={k: v for k, v in request.headers.items() if k != MARK})
        arrived = self._clock.now()
        answer = self._answer(request, call)
        if not call.internal:
            source = "lambda" if "exec-env/AWS_Lambda" in request.headers.get("user-agent", "") else "client"
            status = answer.status if answer is not None else 0
            self._calls.add(Recorded(arrived, call.service, call.operation, call.region, source, status))
        return answer

    def _identify(self, request: Request) -> Call:
        scope = signed(request) or Signed()
        if run := executing.executed(request):
            return Call(executing.SERVICE, request.method, run.region, scope.account, {}, False)
        service = models.service_of(scope.service, request)
        return Call(
            service=service,
            operation=models.operation_of(service, request),
            region=models.GLOBAL_SERVICES.get(service, scope.region),
            account=scope.account,
            params={},
            internal=request.headers.get(MARK) == self._mark,
        )

    def _answer(self, request: Request, call: Call) -> Response | None:
        faults = self._faults
        if faults.latency_s and not call.internal:
            time.sleep(faults.latency_s)
        if not faults.reaches(call.service, call.operation, call.region):
            return None
        if not call.internal and call.service != executing.SERVICE and (refused := self._refused(request, call)):
            return refused
        answer = self._served(request, call)
        # A region that went dark meanwhile has done the work, but nobody hears of it.
        if not faults.reaches(call.service, call.operation, call.region):
            return None
        if not call.internal and faults.takes_answer(call.service, call.operation):
            return None
        return answer

    def _refused(self, request: Request, call: Call) -> Response | None:
        is_json = "json" in _protocol(request, call) or "cbor" in _protocol(request, call)
        if self._faults.expired:
            code = "ExpiredTokenException" if is_json else "ExpiredToken"
            status = 400 if is_json or call.service == "s3" else 403
            return _error(request, call, code, "The security token included in the request is expired", status)
        if self._faults.takes_throttle(call.service):
            code, status = THROTTLES.get(call.service, ("ThrottlingException" if is_json else "Throttling", 400))
            return _error(request, call, code, "Rate exceeded", status)
        return None

    def _served(self, request: Request, call: Call) -> Response:
        owner = self._owners.get((call.service, call.operation))
        try:
            if owner is not None:
                return self._own(request, call, owner)
            if call.service in self._whole:
                what = f"The embedded AWS does not answer {call.service}:{call.operation or request.target}."
                return _error(request, call, "InvalidAction", what, 400)
            return self._upstream(_at_home(request, call))
        except UpstreamGone as gone:
            return _error(request, call, "ServiceUnavailable", str(gone), 503)

    def _own(self, request: Request, call: Call, owner: Service) -> Response:
        service = models.model(call.service)
        assert service is not None, f"{call.service} has no model in botocore"
        operation = service.operation_model(call.operation)
        try:
            result = owner.handle(replace(call, params=parameters(request, operation)))
            return self._dated(response(result, operation))
        except PassOn:
            return self._upstream(request)
        except ApiError as error:
            return _error(request, call, error.code, error.message, _status(error, operation.error_shapes))
        except WrongShape as error:
            return _error(request, call, "InternalFailure", f"{error}. This is a bug in drgen.", 500)
        except Exception as error:
            traceback.print_exc()
            what = f"{call.operation} ended in {error!r}. This is a bug in drgen."
            return _error(request, call, "InternalFailure", what, 500)

    def _dated(self, answered: Response) -> Response:
        """The answer with the time on the virtual clock, as every answer of AWS carries its server's."""
        return replace(answered, headers=(*answered.headers, ("Date", formatdate(self._clock.now(), usegmt=True))))


DASHBOARDS = frozenset({"PutDashboard", "GetDashboard", "ListDashboards", "DeleteDashboards"})
"""One namespace for all regions. Source: CloudWatch guide, "Creating a CloudWatch dashboard"."""


def _at_home(request: Request, call: Call) -> Request:
    """The request as the upstream emulator gets it: dashboards, which it keeps by region, always in the same one."""
    if run := executing.executed(request):
        return run.request
    if call.service != "cloudwatch" or call.operation not in DASHBOARDS:
        return request
    scope = request.headers.get("authorization", "").replace(f"/{call.region}/", "/us-east-1/", 1)
    return replace(request, headers={**request.headers, "authorization": scope})


THROTTLES = {"ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503)}
"""Services whose word for "too many requests" is their own. Source: the EC2 and S3 API references, "Error codes"."""


def _status(error: ApiError, shapes: object) -> int:
    """The error's status; the model's, where the service left it at 400 and the model knows better."""
    if error.status == 400 and isinstance(shapes, list):
        for shape in shapes:
            meta = shape.metadata.get("error", {})
            if error.code in (meta.get("code"), shape.name):
                return int(meta.get("httpStatusCode", 400))
    return error.status


def _protocol(request: Request, call: Call) -> str:
    """The protocol of the request itself: a service may have several, and the client chooses."""
    if "smithy-protocol" in request.headers:
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in request.headers:
        return "json"
    service = models.model(call.service)
    protocol = service.protocol if service is not None else "query"
    return "query" if protocol == "smithy-rpc-v2-cbor" else str(protocol)


def _error(request: Request, call: Call, code: str, message: str, status: int) -> Response:
    service = models.model(call.service)
    version = str(service.metadata.get("jsonVersion", "1.0")) if service is not None else "1.0"
    protocol = _protocol(request, call)
    return error_response(code, message, status=status, protocol=protocol, json_version=version, service=call.service)
