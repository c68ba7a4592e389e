"""The SMS gateway in Tencent Cloud's shape: SendSms (API 3.0), delivery reports, replies.

Source: 短信 SendSms (2021-01-11), 短信下发状态通知, 短信回复.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from typing import Any

import aiohttp
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import ids
from sandbox.callbacks.sender import Callbacks
from sandbox.clock import day, iso, local
from sandbox.errors import SmsError
from sandbox.faults import Fault
from sandbox.model import Phone, Sms, Template
from sandbox.platforms.gateway import BrokenConnection
from sandbox.platforms.tc3 import verify_signature
from sandbox.world import Sandbox

VERSION = "2021-01-11"
NUMBERS_A_CALL = 200
LOG_PATH = "/sms/SendSms"
"""Under this path the calls stand in the control API's log and counters, and faults name it."""
_NUMBER = re.compile(r"(?:\+86|0086|86)?(1\d{10})")
_PLACE = re.compile(r"\{(\d+)\}")
_OFF = ("FAIL", "MK:0001", "用户关机或不在服务区")
_EMPTY = ("FAIL", "MK:0002", "空号")
_DELIVERED = ("SUCCESS", "DELIVRD", "用户短信送达成功")
Report = tuple[str, str, str]
"""(report_status, errmsg, description)."""


class SmsGateway:
    def __init__(self, sandbox: Sandbox, callbacks: Callbacks) -> None:
        self._sandbox = sandbox
        self._callbacks = callbacks
        self._tasks: set[asyncio.Task[Any]] = set()

    def routes(self) -> list[Route]:
        return [Route("/", self._serve, methods=["POST"])]

    def resume(self) -> None:
        """Reports that were owed when the process ended."""
        for sms in self._sandbox.sms.values():
            if sms.report == "pending":
                self._report_later(sms, self._fate(self._sandbox.holder(sms.phone_number), None))

    async def forget(self) -> None:
        """Stop the reports that are under way. After a restart they are sent, see `resume`."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, request: Request) -> Response:
        started = time.monotonic()
        body = await request.body()
        take = self._sandbox.faults.take
        if fault := take("timeout_before", "http_error", path=LOG_PATH, account="sms"):
            if fault.kind == "http_error":
                return Response("Bad Gateway", fault.status)
            await asyncio.sleep(fault.seconds)
            return BrokenConnection()
        answer, code = self._answer(request, body)
        self._sandbox.store.flush()
        self._log(body, answer, code, started)
        if fault := take("timeout_after", path=LOG_PATH, account="sms"):
            await asyncio.sleep(fault.seconds)
            return BrokenConnection()
        return Response(orjson.dumps({"Response": answer}), media_type="application/json")

    def _log(self, body: bytes, answer: dict[str, Any], code: str, started: float) -> None:
        self._sandbox.traffic.sms[code] += 1
        self._sandbox.traffic.record(
            at=iso(self._sandbox.clock.now()), account="sms", method="POST", path=LOG_PATH, query={}, body=body,
            errcode=code, answer=orjson.dumps(answer), seconds=time.monotonic() - started,
        )  # fmt: skip

    def _answer(self, request: Request, body: bytes) -> tuple[dict[str, Any], str]:
        """(the `Response` object, the code under which it is counted)."""
        request_id = str(uuid.uuid4())
        try:
            verify_signature(request.headers, body, self._sandbox.config.sms)
            statuses = self._send(request, body)
        except SmsError as error:
            return {"Error": {"Code": error.code, "Message": error.message}, "RequestId": request_id}, error.code
        failed = [status["Code"] for status in statuses if status["Code"] != "Ok"]
        return {"SendStatusSet": statuses, "RequestId": request_id}, failed[0] if failed else "Ok"

    def _send(self, request: Request, body: bytes) -> list[dict[str, Any]]:
        if request.headers.get("x-tc-action") != "SendSms":
            raise SmsError("InvalidAction", "The request action is invalid.")
        if request.headers.get("x-tc-version") != VERSION:
            raise SmsError("NoSuchVersion", "The specified version does not exist.")
        given = _parsed(body)
        numbers = given.get("PhoneNumberSet")
        if not isinstance(numbers, list) or not numbers:
            raise SmsError("MissingParameter", "PhoneNumberSet is required.")
        if len(numbers) > NUMBERS_A_CALL:
            raise SmsError("LimitExceeded.PhoneNumberCountLimit", "at most 200 phone numbers a call")
        if str(given.get("SmsSdkAppId")) != self._sandbox.config.sms.app_id:
            raise SmsError("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verify fail")
        refusal = self._refusal(given)
        return [self._send_one(str(number), given, refusal) for number in numbers]

    def _refusal(self, given: dict[str, Any]) -> tuple[str, str] | None:
        """What is wrong with sign, template and parameters; told for each number, as production does."""
        if fault := self._sandbox.faults.take("error", path=LOG_PATH, account="sms"):
            return fault.code or "InternalError.OtherError", fault.errmsg or "fault"
        if given.get("SignName") != self._sandbox.config.sms.sign_name:
            return "FailedOperation.SignatureIncorrectOrUnapproved", "signature is incorrect or unapproved"
        template = self._sandbox.templates.get(("sms", str(given.get("TemplateId"))))
        if template is None or template.state != "approved":
            return "FailedOperation.TemplateIncorrectOrUnapproved", "template is incorrect or unapproved"
        return _wrong_parameters(template, given.get("TemplateParamSet") or [])

    def _send_one(self, number: str, given: dict[str, Any], refusal: tuple[str, str] | None) -> dict[str, Any]:
        session = str(given.get("SessionContext", ""))
        match = _NUMBER.fullmatch(number)
        if match is None:
            refusal = ("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number")
        plain = match[1] if match else number
        if refusal:
            return _status("", number, 0, session, *refusal)
        template = self._sandbox.templates["sms", str(given["TemplateId"])]
        text = _fill(template, given.get("TemplateParamSet") or [])
        if refusal := self._over_frequency(plain, text):
            return _status("", number, 0, session, *refusal)
        sms = self._accept(plain, text, template.id, str(given.get("ExtendCode", "")))
        fee = 1 if len(sms.sign) + 2 + len(text) <= 70 else -(-(len(sms.sign) + 2 + len(text)) // 67)
        return _status(sms.sid, number, fee, session, "Ok", "send success")

    def _over_frequency(self, number: str, text: str) -> tuple[str, str] | None:
        """Tencent Cloud's defaults (短信频率限制): the same content once in 30 s, 10 messages a calendar day."""
        settings, now = self._sandbox.sms_settings, self._sandbox.clock.now()
        recent = self._sandbox.recent_sms(number)
        same = sum(sms.text == text and now - sms.at < 30 for sms in recent)
        if same >= settings.same_content_per_30_seconds:
            return "LimitExceeded.PhoneNumberThirtySecondLimit", "the number has reached its limit of 30 seconds"
        if sum(day(sms.at) == day(now) for sms in recent) >= settings.per_day:
            return "LimitExceeded.PhoneNumberDailyLimit", "the number has reached its daily limit"
        return None

    def _accept(self, number: str, text: str, template_id: str, extend: str) -> Sms:
        sign, now = self._sandbox.config.sms.sign_name, self._sandbox.clock.now()
        sid = f"2640:{ids.message_id()}"
        sms = Sms(sid, number, template_id, text, sign, extend, now)
        self._sandbox.add_sms(sms)
        phone = self._sandbox.holder(number)
        fault = self._sandbox.faults.take("fail_report", account="sms")
        report = self._fate(phone, fault)
        if phone and report is _DELIVERED:
            content = {"text": text, "sign": sign, "template_id": template_id, "sid": sid}
            self._sandbox.feed.show(phone.id, "sms", "sms", f"【{sign}】{text}", content)
        self._report_later(sms, report)
        return sms

    def _fate(self, phone: Phone | None, fault: Fault | None) -> Report:
        if fault:
            return "FAIL", fault.errmsg or "MK:0012", "短信下发失败"
        if phone is None:
            return _DELIVERED if self._sandbox.sms_settings.unknown_numbers == "deliver" else _EMPTY
        return {"on": _DELIVERED, "off": _OFF}.get(phone.sms_state, _EMPTY)

    def _report_later(self, sms: Sms, report: Report) -> None:
        task = asyncio.create_task(self._report(sms, report))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report(self, sms: Sms, report: Report) -> None:
        take = self._sandbox.faults.take
        if take("drop_report", account="sms"):
            self._settle(sms, "dropped")
            return
        fault = take("delay_report", account="sms")
        await asyncio.sleep(fault.seconds if fault else self._sandbox.sms_settings.report_delay)
        status, errmsg, description = report
        received = local(self._sandbox.clock.now()).strftime("%Y-%m-%d %H:%M:%S")
        body = [
            {
                "user_receive_time": received,
                "nationcode": "86",
                "mobile": sms.phone_number,
                "report_status": status,
                "errmsg": errmsg,
                "description": description,
                "sid": sms.sid,
            }
        ]
        for _ in range(2 if take("duplicate_report", account="sms") else 1):
            accepted = await self.call_back(self._sandbox.sms_settings.report_url, body)
        self._settle(sms, status.lower() if accepted else f"{status.lower()}, not taken")

    def _settle(self, sms: Sms, report: str) -> None:
        sms.report = report
        self._sandbox.traffic.sms[f"report {report}"] += 1
        self._sandbox.save_sms(sms)
        self._sandbox.store.flush()

    async def reply(self, phone: Phone, text: str, extend: str) -> bool:
        """The person answers a text message; True when the product took it (`result` 0)."""
        body = {
            "extend": extend,
            "mobile": phone.phone_number,
            "nationcode": "86",
            "sign": self._sandbox.config.sms.sign_name,
            "text": text,
            "time": int(self._sandbox.clock.now()),
        }
        return await self.call_back(self._sandbox.sms_settings.reply_url, body)

    async def call_back(self, url: str, body: Any) -> bool:
        """POST until `{"result": 0}` comes back, up to the configured tries."""
        settings = self._sandbox.sms_settings
        timeout = aiohttp.ClientTimeout(total=settings.timeout)
        content = orjson.dumps(body)
        headers = {"Content-Type": "application/json"}
        for _ in range(settings.tries):
            try:
                async with self._callbacks.session.post(url, data=content, headers=headers, timeout=timeout) as answer:
                    if answer.status == 200 and _taken(await answer.read()):
                        return True
            except (aiohttp.ClientError, TimeoutError):
                continue
        return False


def _wrong_parameters(template: Template, parameters: Any) -> tuple[str, str] | None:
    if not isinstance(parameters, list) or any(not isinstance(each, str) for each in parameters):
        return "InvalidParameterValue.TemplateParameterFormatError", "parameters must be strings"
    if len(parameters) != len(set(_PLACE.findall(template.text))):
        return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "parameters do not match the template"
    if any("【" in each or "】" in each for each in parameters):
        return "InvalidParameterValue.TemplateParameterFormatError", "a parameter holds sign brackets"
    return None


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise SmsError("InvalidRequest", "The request body is not JSON.") from None
    if not isinstance(given, dict):
        raise SmsError("InvalidRequest", "The request body is not an object.")
    return given


def _fill(template: Template, parameters: list[str]) -> str:
    return _PLACE.sub(lambda place: parameters[int(place[1]) - 1], template.text)


def _status(serial: str, number: str, fee: int, session: str, code: str, message: str) -> dict[str, Any]:
    return {
        "SerialNo": serial,
        "PhoneNumber": number,
        "Fee": fee,
        "SessionContext": session,
        "Code": code,
        "Message": message,
        "IsoCode": "CN",
    }


def _taken(answer: bytes) -> bool:
    try:
        parsed = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return False
    return isinstance(parsed, dict) and parsed.get("result") == 0
