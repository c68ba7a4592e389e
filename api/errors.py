"""Every error as an RFC 9457 problem, and none of them telling anything internal."""

from __future__ import annotations

import re
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import clock
from kit.ids import new_id
from kit.problems import Problem, problem_response
from kit.tables import BadTable
from stewardship.foundation.errors import BusinessError, Invalid, TooOften
from wechat.errors import BadCode, CallError

log = structlog.get_logger(__name__)

BODY_BYTES = 1024 * 1024
UPLOAD_BYTES = 21 * 1024 * 1024
"""A file of 20 MiB with the frame of a multipart form around it."""
UPLOAD_PATH = re.compile(
    r"^/api/v1/(?:my/cases/[^/]+/files|cases/[^/]+/attachments|imports/cases|units/[^/]+/roster/import)$"
)
REQUEST_ID = "X-Request-ID"
FIELDS_SHOWN = 20

TITLES = {
    400: ("bad_request", "请求不正确"),
    404: ("not_found", "没有找到"),
    405: ("method_not_allowed", "不支持这种操作"),
    413: ("body_too_large", "内容太大"),
    415: ("media_type", "不支持这种格式"),
    431: ("headers_too_large", "请求头太大"),
}
REASONS = {
    "missing": "必填",
    "extra_forbidden": "没有这一项",
    "string_too_short": "太短",
    "string_too_long": "太长",
    "too_short": "太少",
    "too_long": "太多",
    "json_invalid": "不是有效的 JSON",
    "enum": "不在可选范围内",
    "literal_error": "不在可选范围内",
}


class WrongPhone(Invalid):
    """The phone that WeChat vouches for is not the one that was registered."""

    def __init__(self, tries_left: int) -> None:
        detail = "请用登记时留的手机号码，或到派出所请民警更正。"
        super().__init__("wrong_phone", "手机号码与登记的不一致", detail)
        self.tries_left = tries_left


class PlatformAway(BusinessError):
    """WeChat does not answer, or not in its own language."""

    status = 503

    def __init__(self) -> None:
        super().__init__("platform_away", "微信暂时没有响应", "请稍后再试；着急可拨打派出所电话。")


class Away(BusinessError):
    """A part of ours that this cannot do without does not answer."""

    status = 503

    def __init__(self) -> None:
        super().__init__("temporarily_away", "暂时不能办理", "请稍后再试。")


def platform_problem(error: CallError) -> BusinessError:
    """A failed call to WeChat in the person's words."""
    if isinstance(error, BadCode):
        return Invalid("wechat_code", "微信登录凭证已失效", "请重新打开小程序再试。")
    return PlatformAway()


def install_errors(app: FastAPI) -> None:
    """Register the handlers. `Frame` must be the outermost middleware."""
    app.add_exception_handler(BusinessError, _business)
    app.add_exception_handler(BadTable, _bad_table)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _business(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BusinessError)  # noqa: S101 — registered for this class only; narrows the type.
    headers: dict[str, str] = {}
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    values: dict[str, Any] = {
        "status": error.status,
        "code": error.code,
        "title": error.title,
        "detail": error.detail or None,
    }
    if isinstance(error, WrongPhone):
        values["tries_left"] = error.tries_left
    return problem_response(Problem.model_validate(values), headers)


async def _bad_table(_request: Request, error: Exception) -> Response:
    """With the row and the column, where one cell is to blame."""
    assert isinstance(error, BadTable)  # noqa: S101 — registered for this class only.
    place = {"row": error.row, "column": error.column}
    values = {"status": error.status, "code": error.code, "title": error.title, "detail": error.detail}
    return problem_response(Problem.model_validate(values | {k: v for k, v in place.items() if v is not None}))


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 — registered for this class only.
    fields = [
        {"field": ".".join(str(part)[:64] for part in each["loc"])[:200], "message": _reason(each)}
        for each in error.errors()[:FIELDS_SHOWN]
    ]
    return problem_response(
        Problem(
            status=422,
            code="malformed",
            title="填写的内容有误",
            detail="请按提示修改后再试。",
            fields=fields,
        )
    )


def _reason(each: dict[str, Any]) -> str:
    """In the user's words; never what was sent, which may be a name or a number."""
    return REASONS.get(each["type"], "格式不对")


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 — registered for this class only.
    code, title = TITLES.get(error.status_code, ("http_error", "请求没有成功"))
    headers = dict(error.headers) if error.headers else None
    return problem_response(Problem(status=error.status_code, code=code, title=title), headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Nothing internal: the request id finds the log line that Starlette's caller writes."""
    request_id = request.scope.get("request_id", "")
    log.error("request_failed", request_id=request_id, error=type(error).__name__, exc_info=error)
    problem = {
        "status": 500,
        "code": "unexpected",
        "title": "系统出错了",
        "detail": "请稍后再试；如果一直这样，请把这个编号告诉管理员。",
        "request_id": request_id,
    }
    return problem_response(Problem.model_validate(problem), {REQUEST_ID: request_id} if request_id else None)


class Frame:
    """Around every request of the API: an id in log and answer, a bounded body, no caching of personal data."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        scope["request_id"] = request_id = str(new_id())
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, _bounded(scope, receive), _stamped(send, request_id))


def _stamped(send: Send, request_id: str) -> Send:
    """With the domain's time beside: a page whose computer, or whose demonstration, has another goes by ours."""

    async def stamped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [pair for pair in message["headers"] if pair[0].lower() != REQUEST_ID.lower().encode()]
            headers += [
                (REQUEST_ID.lower().encode(), request_id.encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"x-steward-time", clock.now().isoformat().encode()),
            ]
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return stamped


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Raises HTTPException 413 into whoever reads the body, declared or streamed."""
    allowed = UPLOAD_BYTES if UPLOAD_PATH.match(scope["path"]) else BODY_BYTES
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    left = allowed

    async def bounded() -> Message:
        nonlocal left
        if declared.isdigit() and int(declared[:12]) > allowed:
            raise HTTPException(413)
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return bounded
