# SPDX-License-Identifier: PostgreSQL
"""An S3 and STS service on the loopback: moto, behind a gate that is as strict as AWS.

moto stores; the gate checks what moto does not: every signature (computed by botocore from what
arrived), the payload's hash, expiry, the session policy of temporary credentials. It notes each
request, and does as a test orders: fail, be slow, cut a body short.
"""

import collections
import contextlib
import dataclasses
import datetime
import fnmatch
import hashlib
import io
import json
import multiprocessing
import multiprocessing.connection
import threading
import urllib.parse
import xml.etree.ElementTree
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from typing import Any

import boto3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

kRegion = "eu-west-1"
kKey = "AKIDLAKEHOUSETEST"
kSecret = "wJalrXUtnFEMI/K7MDENG+test/secret"
kRole = "arn:aws:iam::123456789012:role/lakehouse-readers"
kClockSkew = datetime.timedelta(minutes=15)

Environ = dict[str, Any]
Answer = tuple[str, list[tuple[str, str]], bytes]


class Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclasses.dataclass
class Session:
    secret: str
    token: str = ""
    policy: dict[str, Any] | None = None  # None: the account's own key, which may do everything
    expires: datetime.datetime | None = None


@dataclasses.dataclass
class Seen:
    """A request as it arrived, and what was answered."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    key_id: str
    status: int = 0


# Given a request: an answer in the service's place, or None.
Fault = Callable[[Seen], Answer | None]


class Gate:
    """The WSGI application in front of moto's."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.sessions = {kKey: Session(kSecret)}
        self.seen: MutableSequence[Seen] = []
        self.fault: Fault | None = None
        self.after: Callable[[Seen, Answer], Answer] | None = None
        self.lock = threading.Lock()  # moto is not made for threads

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        status, headers, body = self.answer(environ)
        start(status, headers)
        return [body]

    def answer(self, environ: Environ) -> Answer:
        seen = receive(environ)
        self.seen.append(seen)
        if self.fault and (answer := self.fault(seen)):
            return answer
        try:
            self.check(seen)
            answer = self.forward(environ, seen)
        except Refusal as refusal:
            answer = error_answer(refusal.status, refusal.code)
        seen.status = int(answer[0].split()[0])
        return self.after(seen, answer) if self.after else answer

    def check(self, seen: Seen) -> None:
        session = self.sessions.get(seen.key_id)
        if session is None:
            raise Refusal(403, "InvalidAccessKeyId")
        presigned = "X-Amz-Signature" in seen.query
        token = seen.query.get("X-Amz-Security-Token") or seen.headers.get("x-amz-security-token")
        if (token or "") != session.token:
            raise Refusal(403, "InvalidToken")
        if session.expires and session.expires < now():
            raise Refusal(400, "ExpiredToken")
        check_time(seen, presigned)
        given = seen.query["X-Amz-Signature"] if presigned else signature_in(seen)
        if given != expected_signature(seen, session, presigned):
            raise Refusal(403, "SignatureDoesNotMatch")
        claimed = seen.headers.get("x-amz-content-sha256", "")
        if len(claimed) == 64 and claimed != hashlib.sha256(seen.body).hexdigest():
            raise Refusal(400, "XAmzContentSHA256Mismatch")
        if session.policy is not None and not allows(session.policy, seen):
            raise Refusal(403, "AccessDenied")

    def forward(self, environ: Environ, seen: Seen) -> Answer:
        status: list[Any] = []
        environ = {key: value for key, value in environ.items() if key != "wsgi.input"}
        environ["wsgi.input"] = io.BytesIO(seen.body)
        with self.lock:
            parts = self.moto(environ, lambda line, headers, *rest: status.extend([line, headers]))
            body = b"".join(parts)
        if b"Action=AssumeRole" in seen.body:
            self.remember_session(seen, body)
        return status[0], status[1], body

    def remember_session(self, seen: Seen, body: bytes) -> None:
        found = {
            e.tag.split("}")[1]: e.text or "" for e in xml.etree.ElementTree.fromstring(body).iter()
        }
        policy = urllib.parse.parse_qs(seen.body.decode())["Policy"][0]
        self.sessions[found["AccessKeyId"]] = Session(
            found["SecretAccessKey"],
            found["SessionToken"],
            json.loads(policy),
            datetime.datetime.fromisoformat(found["Expiration"].replace("Z", "+00:00")),
        )


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def receive(environ: Environ) -> Seen:
    path, _, query = environ["RAW_URI"].partition("?")
    headers = {
        k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    if environ.get("CONTENT_LENGTH"):
        headers["content-length"] = environ["CONTENT_LENGTH"]
    if headers.get("transfer-encoding") == "chunked":
        body = environ["wsgi.input"].read()
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    credential = parameters.get("X-Amz-Credential") or credential_in(headers)
    return Seen(
        environ["REQUEST_METHOD"], path, parameters, headers, body, credential.split("/")[0]
    )


def credential_in(headers: dict[str, str]) -> str:
    return headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]


def signature_in(seen: Seen) -> str:
    return seen.headers.get("authorization", "").rpartition("Signature=")[2]


def check_time(seen: Seen, presigned: bool) -> None:
    text = seen.query.get("X-Amz-Date") if presigned else seen.headers.get("x-amz-date")
    signed = datetime.datetime.strptime(text or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    if presigned:
        if now() > signed + datetime.timedelta(seconds=int(seen.query["X-Amz-Expires"])):
            raise Refusal(403, "AccessDenied")
    elif abs(now() - signed) > kClockSkew:
        raise Refusal(403, "RequestTimeTooSkewed")


def expected_signature(seen: Seen, session: Session, presigned: bool) -> str:
    credential = seen.query.get("X-Amz-Credential") or credential_in(seen.headers)
    _, _, region, service, _ = credential.split("/")
    names = (
        seen.query.get("X-Amz-SignedHeaders")
        or (seen.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0])
    )
    query = {name: value for name, value in seen.query.items() if name != "X-Amz-Signature"}
    url = f"http://{seen.headers['host']}{seen.path}?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"
    request = AWSRequest(
        seen.method, url, {n: seen.headers[n] for n in names.split(";")}, seen.body
    )
    request.context["timestamp"] = seen.query.get("X-Amz-Date") or seen.headers["x-amz-date"]
    kind = (S3SigV4QueryAuth if presigned else S3SigV4Auth) if service == "s3" else SigV4Auth
    auth = kind(Credentials(seen.key_id, session.secret, session.token or None), service, region)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return auth.signature(text, request)


def allows(policy: dict[str, Any], seen: Seen) -> bool:
    """As IAM judges the two actions that our policies know; all others are denied."""
    bucket, _, key = urllib.parse.unquote(seen.path).lstrip("/").partition("/")
    action = {"GET": "s3:GetObject", "HEAD": "s3:GetObject"}.get(seen.method, "other")
    resource = f"arn:aws:s3:::{bucket}/{key}"
    if not key:
        action, resource = (
            ("s3:ListBucket" if seen.method == "GET" else "other"),
            f"arn:aws:s3:::{bucket}",
        )
    for statement in policy["Statement"]:
        patterns = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", "*")
        if (
            statement["Effect"] == "Allow"
            and statement["Action"] == action
            and fnmatch.fnmatchcase(resource, statement["Resource"])
            and fnmatch.fnmatchcase(seen.query.get("prefix", ""), patterns)
        ):
            return True
    return False


def error_answer(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>It was {kSecret}.</Message></Error>".encode()
    return (
        f"{status} X",
        [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))],
        body,
    )


class QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        pass


class Service:
    """Where it runs, and independent clients of it."""

    address: str

    @property
    def endpoint(self) -> str:
        return f"http://{self.address}"

    def client(self, key: str = kKey, secret: str = kSecret, token: str | None = None) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=kRegion,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def bucket(self, name: str) -> Any:
        """Makes a bucket; returns a client."""
        client = self.client()
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": kRegion})
        return client


class S3Service(Service):
    """In threads of this process, whose test looks through its gate."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, self.gate, threaded=True, request_handler=QuietHandler
        )
        self.address = f"127.0.0.1:{self.server.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def fill(self, bucket: str, keys: Iterable[str]) -> None:
        """Many small objects, quickly."""
        store = s3_backends["123456789012"]["aws"]
        for key in keys:
            store.put_object(bucket, key, b"12")

    @contextlib.contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        self.gate.fault = fault
        try:
            yield
        finally:
            self.gate.fault = None


@contextlib.contextmanager
def running() -> Iterator[S3Service]:
    service = S3Service()
    service.thread.start()
    try:
        yield service
    finally:
        service.server.shutdown()
        service.thread.join()
        service.server.server_close()


class ServiceProcess(Service):
    """A process of its own, for tests whose readers keep the interpreter to themselves for long."""

    def __init__(self) -> None:
        spawned = multiprocessing.get_context("spawn")
        self._orders, theirs = spawned.Pipe()
        self._process = spawned.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.address = self._orders.recv()

    @contextlib.contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """The fault goes to another process: a function of a module, or a partial() of one."""
        self._order(fault)
        try:
            yield
        finally:
            self._order(None)

    def _order(self, fault: Fault | None) -> None:
        self._orders.send(fault)
        self._orders.recv()

    def stop(self) -> None:
        self._orders.close()
        self._process.join(10)
        assert self._process.exitcode == 0


def serve(orders: multiprocessing.connection.Connection) -> None:
    """Until the other end is closed."""
    with running() as service:
        service.gate.seen = collections.deque(maxlen=1)  # nobody looks
        orders.send(service.address)
        with contextlib.suppress(EOFError):
            while True:
                service.gate.fault = orders.recv()
                orders.send(None)


# Faults.


def refuse(status: int, code: str, methods: tuple[str, ...], seen: Seen) -> Answer | None:
    """Once it has its first arguments."""
    return error_answer(status, code) if seen.method in methods else None


def refuse_further_parts(seen: Seen) -> Answer | None:
    """Of a file, after the first."""
    is_further = seen.query.get("partNumber", "1") != "1"
    return error_answer(503, "SlowDown") if is_further else None
