"""The control API: people, feeds, faults, counters, the story, and what survives a restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.config import DEMO_MP, DEMO_OA, DEMO_SMS
from settings import Settings
from tests.sandbox.conftest import Platform, Receiver, free_port

CUSTOM = "/cgi-bin/message/custom/send"


def text_to(openid: str, content: str = "您好") -> dict[str, Any]:
    return {"touser": openid, "msgtype": "text", "text": {"content": content}}


def test_people_are_created_changed_and_removed(platform: Platform) -> None:
    made = platform.phone()
    assert platform.phone(name="周小禾")["oa_openid"] == made["oa_openid"], "the same person keeps the openid"
    taken = platform.http.put("/control/phones/other", json={"name": "某人", "phone_number": "19900000001"})
    assert (taken.status_code, taken.json()["code"]) == (409, "number_taken")
    bad = platform.http.put("/control/phones/other", json={"name": "某人", "phone_number": "12"})
    assert bad.status_code == 422
    platform.control("DELETE", "/phones/victim")
    assert platform.http.get("/control/phones/victim").status_code == 404
    assert platform.control("POST", "/phones", {"name": "某人", "phone_number": "19900000001"})["id"]


def test_who_does_not_follow_cannot_write(platform: Platform) -> None:
    platform.phone()
    answer = platform.http.post("/control/phones/victim/messages", json={"content": "在吗"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_following")


def test_a_long_poll_ends_with_the_entry_it_waits_for(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    last = platform.control("GET", "/feed")["last"]
    writer = threading.Timer(0.2, lambda: platform.call("oa", CUSTOM, text_to(openid, "民警已接手")))
    writer.start()
    found = platform.control("GET", f"/phones/victim/feed?after={last}&wait=5&contains=接手")
    writer.join()
    assert [entry["text"] for entry in found["entries"]] == ["民警已接手"]
    assert platform.control("GET", f"/phones/victim/feed?after={found['last']}&wait=0.1")["entries"] == []


def test_faults_wear_off(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]

    def errcode() -> int:
        return int(platform.call("oa", CUSTOM, text_to(openid))["errcode"])

    platform.control("POST", "/faults", {"kind": "error", "path": CUSTOM, "times": 2})
    assert [errcode() for _ in range(3)] == [-1, -1, 0]
    platform.control("POST", "/faults", {"kind": "stale_token", "account": "oa"})
    assert [errcode() for _ in range(2)] == [40001, 0]
    platform.control("POST", "/faults", {"kind": "error", "errcode": 45009, "path": "/elsewhere"})
    assert errcode() == 0
    assert len(platform.control("GET", "/faults")) == 1
    platform.control("DELETE", "/faults")
    assert platform.control("GET", "/faults") == []


@pytest.mark.parametrize(("kind", "shown"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_broken_connection_before_or_after_acting(platform: Platform, kind: str, shown: int) -> None:
    openid = platform.follower()["oa_openid"]
    platform.control("POST", "/faults", {"kind": kind, "path": CUSTOM, "seconds": 0})
    with pytest.raises(httpx.RemoteProtocolError):
        platform.call("oa", CUSTOM, text_to(openid))
    assert len(platform.feed(kind="text")) == shown


def test_counters_and_the_log_show_what_was_called_without_secrets(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    platform.call("oa", CUSTOM, text_to(openid))
    platform.call("oa", CUSTOM, text_to("o" * 28))
    counters = platform.control("GET", "/counters")
    assert counters["calls"][CUSTOM] == 2
    assert counters["errors"] == {f"{CUSTOM} 40003": 1}
    assert counters["callbacks"] == {"oa answered": 1}
    first, second = platform.control("GET", f"/requests?path={CUSTOM}")["requests"]
    assert (first["errcode"], second["errcode"]) == (0, 40003)
    assert "您好" in first["body"]
    assert first["query"]["access_token"] == "…"


def test_the_story_is_told_in_order(platform: Platform) -> None:
    platform.control("POST", "/story", {"number": 2, "title": "邀请"})
    platform.control("POST", "/story", {"number": 1, "title": "登记", "state": "running"})
    platform.control("POST", "/story", {"number": 1, "title": "登记", "state": "passed", "detail": "案件已登记"})
    told = platform.control("GET", "/story")
    assert [(step["number"], step["state"]) for step in told] == [(1, "passed"), (2, "running")]


def test_open_pages_are_told_of_changes(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    with platform.http.stream("GET", "/control/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: hello"
        platform.call("oa", CUSTOM, text_to(openid, "您有新进展"))
        for line in lines:
            if line.startswith("data: ") and "您有新进展" in line:
                break


def test_misspelt_fields_are_refused(platform: Platform) -> None:
    answer = platform.http.post("/control/faults", json={"kind": "error", "time": 2})
    assert answer.status_code == 422


def test_the_page_and_its_parts_are_served(platform: Platform) -> None:
    page = platform.http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "/static/" in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert platform.http.get("/control/openapi.json").json()["paths"]["/control/phones"]


def start(directory: Path, port: int, product: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(directory), "--product", product]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/control/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return process
    raise AssertionError("the platform did not start")


def test_a_killed_platform_remembers_people_windows_credits_tokens_and_messages(
    tmp_path: Path, receiver: Receiver
) -> None:
    port = free_port()
    receiver.answer = lambda _: (200, "success")
    process = start(tmp_path, port, receiver.url)
    platform = Platform(f"http://127.0.0.1:{port}")
    try:
        platform.control("PUT", "/clock", {"offset_seconds": 7200})
        platform.control("PUT", "/templates/mp_subscribe", {"id": "A", "title": "进展"})
        openid = platform.follower()["oa_openid"]
        platform.act("victim", "subscriptions", {"decisions": {"A": "accept"}})
        picture = platform.act("victim", "messages", {"type": "image"})["delivery"]["body"]["MediaId"]
        platform.call("oa", CUSTOM, text_to(openid, "最后一句"))
        platform.phone("a-later-one", "吴建安", "19900000002")
        before = platform.control("GET", "/phones/victim")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        process = start(tmp_path, port, receiver.url)
        assert platform.control("GET", "/phones/victim") == before
        assert [phone["id"] for phone in platform.control("GET", "/phones")] == ["victim", "a-later-one"]
        assert platform.control("GET", "/clock")["offset_seconds"] == 7200
        assert platform.feed()[-1]["text"] == "最后一句"
        query = {"access_token": platform.token("oa"), "media_id": picture}
        assert platform.http.get("/cgi-bin/media/get", params=query).content.startswith(b"\x89PNG")
        mp_openid = before["mp_openid"]
        body = {"touser": mp_openid, "template_id": "A", "data": {}}
        assert [platform.call("mp", "/cgi-bin/message/subscribe/send", body)["errcode"] for _ in range(2)] == [0, 43101]
    finally:
        platform.http.close()
        process.terminate()
        assert process.wait(10) is not None


def test_the_products_demo_environment_knows_the_same_constants() -> None:
    product = Settings(environment="demo")
    for account, demo in ((product.oa, DEMO_OA), (product.mp, DEMO_MP)):
        assert account.app_id == demo.app_id
        assert account.secret.get_secret_value() == demo.secret
        assert account.token.get_secret_value() == demo.token
        assert account.aes_key.get_secret_value() == demo.aes_key
    assert product.sms.secret_key.get_secret_value() == DEMO_SMS.secret_key
    assert product.sms.callback_secret.get_secret_value() == DEMO_SMS.callback_secret
    assert (product.sms.secret_id, product.sms.app_id) == (DEMO_SMS.secret_id, DEMO_SMS.app_id)
    assert product.sms.sign_name == DEMO_SMS.sign_name
