"""One run of the canary: asks the workload's URL, as a client does, and fails if the answer is not a good one.

Synthetics wants scripts in a folder called python. A run fails when its script raises.
Source: Amazon CloudWatch User Guide, "Writing a Python canary script".
"""

import os
import time
import urllib.error
import urllib.request

WITHIN_S = 20
"""Less than the time limit of a run, so that a slow answer is told as one."""

ENOUGH = 64 * 1024


class NotHealthy(Exception):
    pass


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A workload that sends its clients elsewhere is not serving them."""

    def redirect_request(self, *_, **__):
        return None


def ask(url, *, within_s=WITHIN_S):
    """The status of the answer and the seconds it took. Raises NotHealthy if there is no whole answer in time."""
    request = urllib.request.Request(url, headers={"User-Agent": "drgen-canary", "Cache-Control": "no-cache"})
    opener = urllib.request.build_opener(_NoRedirect)
    began = time.monotonic()
    try:
        with opener.open(request, timeout=within_s) as answer:
            answer.read(ENOUGH)
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except OSError as error:
        raise NotHealthy(f"{url} does not answer: {error}") from error
    return status, time.monotonic() - began


def judge(url, status):
    """Raises NotHealthy unless the status is one of success."""
    if not 200 <= status <= 299:
        raise NotHealthy(f"{url} answers {status}")


def handler(_event, _context):
    url = os.environ["URL"]
    status, took_s = ask(url)
    judge(url, status)
    return f"{url} answered {status} within {took_s:.3f} s"
