"""Requests by way of the host: `wasi:http`, which checks each against the owner's grant."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

import componentize_py_types

from .context import Request, Response
from .errors import Denied, HttpError, InvalidInput, SkillError

Err = componentize_py_types.Err
_PIECE = 4096
_READ = 64 << 10
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
# What an address may hold beside letters and digits; all else is escaped, as browsers do.
_SAFE = "/?:@!$&'()*+,;=-._~%[]"


class WasiHttp:
    """Sends requests through the host."""

    def __init__(self, name: str, handler: Any, types: Any) -> None:
        self._name = name
        self._handler = handler
        self._types = types

    def send(self, request: Request) -> Response:
        try:
            return self._send(request)
        except Err as error:
            raise self._error(request, error.value) from None

    def _send(self, request: Request) -> Response:
        outgoing = self._outgoing(request)
        body = outgoing.body() if request.body else None
        future = self._handler.handle(outgoing, self._options(request.timeout))
        if body is not None:
            self._write(body, request.body)
        with future.subscribe() as ready:
            ready.block()
        answered = future.get()
        while isinstance(answered, componentize_py_types.Ok):
            answered = answered.value
        if isinstance(answered, Err):
            raise answered
        with answered as response:
            with response.headers() as fields:
                headers = [(name.lower(), value.decode("latin-1")) for name, value in fields.entries()]
            return Response(request.url, response.status(), headers, self._read(response, request.limit))

    def _outgoing(self, request: Request) -> Any:
        types = self._types
        parts = urlsplit(request.url)
        fields = [(name.lower(), value.encode("latin-1", "replace")) for name, value in request.headers]
        if not any(name == "user-agent" for name, _ in fields):
            fields.append(("user-agent", f"openclaw-{self._name.replace('/', '-')}".encode()))
        if request.body and not any(name == "content-length" for name, _ in fields):
            # Without it the body is sent in chunks, which not every server reads.
            fields.append(("content-length", str(len(request.body)).encode()))
        try:
            headers = types.Fields.from_list(fields)
        except Err as error:
            case = type(error.value).__name__.removeprefix("HeaderError_").lower()
            raise InvalidInput(f"{request.method} {request.url}: a header is {case or 'not allowed'}") from None
        outgoing = types.OutgoingRequest(headers)
        if request.method in _METHODS:
            outgoing.set_method(getattr(types, f"Method_{request.method.capitalize()}")())
        else:
            outgoing.set_method(types.Method_Other(request.method))
        outgoing.set_scheme(types.Scheme_Https() if parts.scheme == "https" else types.Scheme_Http())
        outgoing.set_authority(parts.netloc)
        query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
        outgoing.set_path_with_query((quote(parts.path, safe=_SAFE) or "/") + query)
        return outgoing

    def _options(self, timeout: float | None) -> Any:
        if timeout is None:
            return None
        options = self._types.RequestOptions()
        nanoseconds = max(1, round(timeout * 1e9))
        options.set_connect_timeout(nanoseconds)
        options.set_first_byte_timeout(nanoseconds)
        options.set_between_bytes_timeout(nanoseconds)
        return options

    def _write(self, body: Any, data: bytes) -> None:
        try:
            with body.write() as stream:
                for start in range(0, len(data), _PIECE):
                    stream.blocking_write_and_flush(data[start : start + _PIECE])
            self._types.OutgoingBody.finish(body, None)
        except Err:
            # Whoever answers before it has read all closes the stream; the answer says why.
            pass

    def _read(self, response: Any, limit: int) -> bytes:
        data = bytearray()
        with response.consume() as body, body.stream() as stream:
            while True:
                try:
                    data += stream.blocking_read(_READ)
                except Err as error:
                    if type(error.value).__name__ == "StreamError_Closed":
                        return bytes(data)
                    with error.value.value as why:
                        raise HttpError(f"the answer broke off: {why.to_debug_string()}") from None
                if len(data) > limit:
                    raise HttpError(f"the answer has more than {limit} bytes")

    def _error(self, request: Request, error: Any) -> SkillError:
        told = f"{request.method} {request.url}"
        if error is None:
            return InvalidInput(f"{told} is not a request that can be sent: look at its method and its URL")
        case = type(error).__name__.removeprefix("ErrorCode_")
        if case.replace("_", "").lower() in ("httprequestdenied", "destinationipprohibited"):
            parts = urlsplit(request.url)
            place = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"
            grant = f"openclaw grant allow {self._name} network {request.method} {place}"
            return Denied(f"{told} is not allowed to this skill: its manifest has to ask for it, and its owner to grant it: {grant}")
        value = getattr(error, "value", None)
        why = value if isinstance(value, str) else re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", case).lower()
        return HttpError(f"{told}: {why}")
