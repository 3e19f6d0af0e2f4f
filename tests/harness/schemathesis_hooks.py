# SPDX-License-Identifier: Apache-2.0
"""Runs inside schemathesis: webhooks are signed, and a key that comes twice is the same one."""
import hmac
import os
import re
import time

import requests
import schemathesis

SECRET = os.environ["WEBHOOK_SECRET"].encode()
TO_BE_SIGNED = os.environ["TO_BE_SIGNED"]
HEADER, TIMESTAMP = "X-Sendpost-Signature", "X-Sendpost-Timestamp"


class Signature(requests.auth.AuthBase):
    """Instead of a word that says where; with a good timestamp, which becomes the present one. Another is left as it is."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        wanted = request.headers.get(HEADER) == TO_BE_SIGNED
        if wanted and re.fullmatch("[1-9][0-9]{0,11}", request.headers.get(TIMESTAMP, "")):
            now, body = str(int(time.time())), request.body or b""
            signed = f"{now}.".encode() + (body.encode() if isinstance(body, str) else body)
            request.headers.update({TIMESTAMP: now, HEADER: "sha256=" + hmac.new(SECRET, signed, "sha256").hexdigest()})
        return request


@schemathesis.hook
def before_call(context, case, kwargs):
    kwargs["auth"] = Signature()


@schemathesis.hook
def map_case(context, case):
    if case.meta.generation.mode.is_positive and isinstance(case.body, dict) and "Idempotency-Key" in (case.headers or {}):
        case.body.pop("idempotency_key", None)
    return case
