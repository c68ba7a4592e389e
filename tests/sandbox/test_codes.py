"""Login codes, phone codes, QR codes, links, menu, media: what opens what, how often, and until when."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.config import DEMO_MP, DEMO_OA
from tests.sandbox.conftest import Platform


def login(platform: Platform, code: str, **changed: str) -> dict[str, Any]:
    query = {"appid": DEMO_MP.app_id, "secret": DEMO_MP.secret, "js_code": code, "grant_type": "authorization_code"}
    answer: dict[str, Any] = platform.http.get("/sns/jscode2session", params=query | changed).json()
    return answer


def test_a_js_code_logs_in_once(platform: Platform) -> None:
    phone = platform.phone()
    code = platform.act("victim", "mini-program/js-code")["js_code"]
    session = login(platform, code)
    assert (session["openid"], session["unionid"]) == (phone["mp_openid"], phone["unionid"])
    assert "errcode" not in session
    assert login(platform, code)["errcode"] == 40163
    assert login(platform, "made-up")["errcode"] == 40029
    assert login(platform, code, secret="wrong")["errcode"] == 40125
    late = platform.act("victim", "mini-program/js-code")["js_code"]
    platform.control("POST", "/codes/expire")
    assert login(platform, late)["errcode"] == 40029


def test_a_phone_code_gives_the_number_once_and_only_with_consent(platform: Platform) -> None:
    platform.phone()
    refused = platform.http.post("/control/phones/victim/mini-program/phone-code", json={"consent": False})
    assert refused.json()["code"] == "user_denied"
    code = platform.act("victim", "mini-program/phone-code", {"consent": True})["code"]
    found = platform.call("mp", "/wxa/business/getuserphonenumber", {"code": code})
    assert found["phone_info"]["purePhoneNumber"] == "19900000001"
    assert found["phone_info"]["watermark"]["appid"] == DEMO_MP.app_id
    assert platform.call("mp", "/wxa/business/getuserphonenumber", {"code": code})["errcode"] == 40029
    js_code = platform.act("victim", "mini-program/js-code")["js_code"]
    assert platform.call("mp", "/wxa/business/getuserphonenumber", {"code": js_code})["errcode"] == 40029


def test_an_oauth_code_gives_the_official_accounts_openid(platform: Platform) -> None:
    phone = platform.phone()
    code = platform.act("victim", "oauth-code")["code"]
    query = {"appid": DEMO_OA.app_id, "secret": DEMO_OA.secret, "code": code, "grant_type": "authorization_code"}
    assert platform.http.get("/sns/oauth2/access_token", params=query).json()["openid"] == phone["oa_openid"]
    assert platform.http.get("/sns/oauth2/access_token", params=query).json()["errcode"] == 40163


def qrcode(platform: Platform, scene: str = "invite-1", seconds: int = 600) -> dict[str, Any]:
    info = {"scene": {"scene_str": scene}}
    body = {"action_name": "QR_STR_SCENE", "expire_seconds": seconds, "action_info": info}
    return platform.call("oa", "/cgi-bin/qrcode/create", body)


def test_scanning_follows_and_a_follower_only_scans(platform: Platform) -> None:
    platform.phone()
    made = qrcode(platform)
    first = platform.act("victim", "scan", {"ticket": made["ticket"]})["delivery"]["body"]
    assert (first["Event"], first["EventKey"], first["Ticket"]) == ("subscribe", "qrscene_invite-1", made["ticket"])
    second = platform.act("victim", "scan", {"url": made["url"]})["delivery"]["body"]
    assert (second["Event"], second["EventKey"]) == ("SCAN", "invite-1")
    phone = platform.control("GET", "/phones/victim")
    info = platform.call("oa", "/cgi-bin/user/info", method="GET", openid=phone["oa_openid"])
    assert (info["subscribe"], info["subscribe_scene"]) == (1, "ADD_SCENE_QR_CODE")
    assert info["qr_scene_str"] == "invite-1"


def test_an_expired_qr_code_does_nothing(platform: Platform) -> None:
    platform.phone()
    made = qrcode(platform, seconds=60)
    platform.let_pass(61)
    happened = platform.act("victim", "scan", {"ticket": made["ticket"]})
    assert (happened["entry"]["text"], happened["delivery"]) == ("二维码已失效", None)


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "x" * 65}}}, 40053),
        ({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": ""}}}, 40053),
        ({"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 0}}}, 40053),
        ({"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 100_001}}}, 40053),
        ({"action_name": "NO_SUCH", "action_info": {"scene": {"scene_str": "x"}}}, 40053),
    ],
)
def test_qr_scene_rules(platform: Platform, body: dict[str, Any], errcode: int) -> None:
    assert platform.call("oa", "/cgi-bin/qrcode/create", body)["errcode"] == errcode


def test_qr_expiry_is_at_most_thirty_days(platform: Platform) -> None:
    assert qrcode(platform, seconds=2_592_001)["errcode"] == 40035
    picture = platform.http.get("/cgi-bin/showqrcode", params={"ticket": qrcode(platform)["ticket"]})
    assert picture.content.startswith(b"\x89PNG")


def test_a_mini_program_code_opens_its_page_with_its_scene(platform: Platform) -> None:
    platform.phone()
    body = {"scene": "t=abc", "page": "pages/join/index"}
    token = {"access_token": platform.token("mp")}
    picture = platform.http.post("/wxa/getwxacodeunlimit", params=token, json=body)
    assert picture.headers["content-type"] == "image/png"
    opened = platform.act("victim", "scan", {"scene": "t=abc"})["opened"]
    assert (opened["path"], opened["query"], opened["scene"]) == ("pages/join/index", "scene=t=abc", 1047)
    assert login(platform, opened["js_code"])["openid"]


def test_mini_program_code_rules(platform: Platform) -> None:
    platform.control("PATCH", "/accounts/mp", {"pages": ["pages/join/index"]})

    def errcode(**body: Any) -> int:
        return int(platform.call("mp", "/wxa/getwxacodeunlimit", body)["errcode"])

    assert errcode(scene="x" * 33) == 40169
    assert errcode(scene="空") == 40169
    assert errcode(scene="a%b") == 40169
    assert errcode(scene="a", page="pages/none/index") == 41030
    assert errcode(scene="a", page="/pages/join/index") == 41030


def test_links_open_for_anyone_until_they_expire(platform: Platform) -> None:
    platform.phone()
    body = {"path": "pages/join/index", "query": "token=abc", "expire_type": 1, "expire_interval": 7}
    link = platform.call("mp", "/wxa/generate_urllink", body)["url_link"]
    scheme = platform.call("mp", "/wxa/generatescheme", {"jump_wxa": {"path": "pages/join/index"}})["openlink"]
    assert platform.act("victim", "scan", {"url": link})["opened"]["query"] == "token=abc"
    assert platform.act("victim", "scan", {"url": scheme})["opened"]["scene"] == 1065
    platform.let_pass(7 * 86_400)
    assert platform.act("victim", "scan", {"url": link})["entry"]["text"] == "链接已失效"
    for changed, errcode in (({"query": "x" * 1025}, 40212), ({"expire_interval": 31}, 85401)):
        assert platform.call("mp", "/wxa/generate_urllink", body | changed)["errcode"] == errcode


def test_the_menu_and_its_limits(platform: Platform) -> None:
    assert platform.call("oa", "/cgi-bin/menu/get", method="GET")["errcode"] == 46003
    buttons: list[dict[str, Any]] = [
        {"type": "click", "name": "我的案件", "key": "MY_CASES"},
        {"name": "更多", "sub_button": [{"type": "view", "name": "官网", "url": "https://example.org"}]},
    ]
    assert platform.call("oa", "/cgi-bin/menu/create", {"button": buttons})["errcode"] == 0
    platform.follower()
    tapped = platform.act("victim", "menu", {"name": "我的案件"})["delivery"]["body"]
    assert (tapped["Event"], tapped["EventKey"]) == ("CLICK", "MY_CASES")
    assert platform.act("victim", "menu", {"name": "官网"})["delivery"]["body"]["Event"] == "VIEW"
    wrong = [
        ([buttons[0]] * 4, 40016),
        ([buttons[0] | {"name": "六个汉字太长"}], 40018),
        ([buttons[0] | {"key": ""}], 40019),
        ([buttons[0] | {"type": "none"}], 40017),
        ([{"name": "更多", "sub_button": [buttons[0]] * 6}], 40023),
    ]
    for given, errcode in wrong:
        assert platform.call("oa", "/cgi-bin/menu/create", {"button": given})["errcode"] == errcode
    assert platform.call("oa", "/cgi-bin/menu/delete", method="GET")["errcode"] == 0


def test_temporary_media_lives_three_days(platform: Platform) -> None:
    platform.follower()
    sent = platform.act("victim", "messages", {"type": "image", "data_base64": "iVBORw0K", "filename": "a.png"})
    media_id = sent["delivery"]["body"]["MediaId"]
    query = {"access_token": platform.token("oa"), "media_id": media_id}
    assert platform.http.get("/cgi-bin/media/get", params=query).content == b"\x89PNG\r\n"
    foreign = query | {"access_token": platform.token("mp")}
    assert platform.http.get("/cgi-bin/media/get", params=foreign).json()["errcode"] == 40007
    platform.let_pass(3 * 86_400 + 1)
    assert platform.http.get("/cgi-bin/media/get", params=query).json()["errcode"] == 40007
    assert platform.http.get(sent["entry"]["content"]["url"]).content == b"\x89PNG\r\n", "the phone keeps its picture"


def test_an_uploaded_picture_can_be_sent(platform: Platform) -> None:
    openid = platform.follower()["oa_openid"]
    query = {"access_token": platform.token("oa"), "type": "image"}
    made = platform.http.post("/cgi-bin/media/upload", params=query, files={"media": ("a.png", b"png", "image/png")})
    body = {"touser": openid, "msgtype": "image", "image": {"media_id": made.json()["media_id"]}}
    assert platform.call("oa", "/cgi-bin/message/custom/send", body)["errcode"] == 0
    bad = platform.http.post("/cgi-bin/media/upload", params=query | {"type": "film"}, files={"media": b"x"})
    assert bad.json()["errcode"] == 40004
    big = {"media": b"x" * (64 * 1024 + 1)}
    thumb = platform.http.post("/cgi-bin/media/upload", params=query | {"type": "thumb"}, files=big)
    assert thumb.json()["errcode"] == 40006


def test_content_check(platform: Platform) -> None:
    openid = platform.phone()["mp_openid"]
    body = {"version": 2, "scene": 2, "openid": openid, "content": "请问进展"}
    assert platform.call("mp", "/wxa/msg_sec_check", body)["result"]["suggest"] == "pass"
    risky = platform.call("mp", "/wxa/msg_sec_check", body | {"content": "网络赌博"})
    assert risky["result"]["suggest"] == "risky"
