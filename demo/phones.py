"""The citizens' telephones: what a person does with one, through the local platform's control API, and what it shows.

A mini-program runs on a telephone, so its calls to the product's API are made from here as well, with the session that
the telephone has logged in to.
"""

from __future__ import annotations

from typing import Any

from demo.checks import PATIENCE, StoryFailed, check, same
from demo.web import Answer, Web

API = "/api/v1"
CONTROL = "/control"
ANSWERED = 10
"""Seconds in which the product answers a callback; the platform itself gives up after three tries of five."""


class Phone:
    """One telephone on the platform's page."""

    def __init__(self, platform: Web, product: Web, phone_id: str, name: str, number: str) -> None:
        self._platform, self._product = platform, product
        self.id, self.name, self.number = phone_id, name, number
        self._seen = 0
        self._token = ""

    # What the person does

    async def switch_on(self, note: str) -> None:
        """Put it on the table; of what it showed before nothing counts."""
        await self._control("PUT", "", {"name": self.name, "phone_number": self.number, "note": note})
        while await self.news():
            pass

    async def change(self, **what: str) -> None:
        """Another name, note or number, or `sms_state` (off, empty)."""
        await self._control("PATCH", "", what)

    async def follow(self) -> str:
        """Follow the official account; answers what it said at once."""
        return await self._touch("/follow")

    async def scan(self, *, ticket: str) -> str:
        """Scan an official account's QR code; answers what it said at once."""
        return await self._touch("/scan", {"ticket": ticket})

    async def tap_menu(self, key: str) -> str:
        """Tap a button of the official account's menu; answers what it said at once."""
        return await self._touch("/menu", {"key": key})

    async def write(self, text: str) -> str:
        """Write to the official account; answers what it said at once, empty for nothing."""
        return await self._touch("/messages", {"type": "text", "content": text})

    async def speak(self, recognition: str) -> str:
        """A voice message, with what the platform's speech recognition understood."""
        return await self._touch("/messages", {"type": "voice", "recognition": recognition})

    async def tap(self, entry: dict[str, Any], item: str) -> str:
        """Tap a line of a menu message that the telephone shows."""
        return await self._touch("/msgmenu", {"entry": entry["seq"], "item": item})

    async def text_back(self, text: str) -> None:
        """Answer by SMS."""
        done = await self._control("POST", "/sms", {"text": text})
        check(done["taken"], f"{self.name} 的短信没有被接收")

    async def consent(self, *templates: str) -> None:
        """Say yes to one more message of each of these templates."""
        decisions = dict.fromkeys(templates, "accept")
        await self._touch("/subscriptions", {"account": "mp", "decisions": decisions})

    async def _touch(self, action: str, body: Any = None) -> str:
        """Do it and wait until the product has answered; the answer must be one. Answers its text."""
        query = {"wait": str(ANSWERED)}
        happened = await self._platform.call("POST", f"{CONTROL}/phones/{self.id}{action}", body, query=query)
        delivery = happened["delivery"]
        if delivery is None or delivery["state"] != "answered":
            raise StoryFailed(f"{self.name} 的操作（{action}）没有送达系统：{delivery and delivery['tries']}")
        last = delivery["tries"][-1]
        if last["outcome"] != "reply":
            return ""
        query = {"after": str(happened["entry"]["seq"]), "wait": "5", "channel": "oa", "direction": "to_phone"}
        shown = await self._control("GET", "/feed", query=query)
        check(shown["entries"], f"{self.name} 没有看到公众号的即时回复")
        self._seen = max(self._seen, shown["entries"][0]["seq"])
        return str(shown["entries"][0]["text"])

    # What it shows

    async def shows(
        self, contains: str, *, channel: str = "", kind: str = "", within: float = PATIENCE
    ) -> dict[str, Any]:
        """The next thing that came to the telephone with this in its text. Raises StoryFailed where none comes."""
        wanted = {"after": str(self._seen), "wait": str(int(within)), "direction": "to_phone", "contains": contains}
        wanted |= {name: value for name, value in (("channel", channel), ("kind", kind)) if value}
        found: list[dict[str, Any]] = (await self._control("GET", "/feed", query=wanted))["entries"]
        if not found:
            raise StoryFailed(f"{self.name} 的手机没有收到“{contains}”({channel or '任何渠道'});{await self._screen()}")
        self._seen = max(self._seen, found[0]["seq"])
        return found[0]

    def rewind(self, entry: dict[str, Any]) -> None:
        """Look at this once more, later."""
        self._seen = entry["seq"] - 1

    async def news(self) -> list[dict[str, Any]]:
        """Everything that came to the telephone since it was last looked at; it is looked at now."""
        found = await self._control("GET", "/feed", query={"after": str(self._seen), "direction": "to_phone"})
        self._seen = max(self._seen, found["last"])
        return list(found["entries"])

    async def shows_nothing(self) -> None:
        """Raises StoryFailed where anything came since the telephone was last looked at."""
        found = [f"{entry['channel']}:{entry['text'][:60]}" for entry in await self.news()]
        same(found, [], f"{self.name} 的手机不该收到任何东西")

    async def _screen(self) -> str:
        found = await self._control("GET", "/feed", query={"after": str(self._seen)})
        shown = [f"{entry['channel']}/{entry['kind']}:{entry['text'][:50]}" for entry in found["entries"]]
        return f"屏幕上有：{shown}" if shown else "屏幕上没有新内容"

    # The mini-program on it

    async def open_code(self, url: str) -> str:
        """Scan a mini-program code and log in; answers the query it carries."""
        happened = await self._platform.call("POST", f"{CONTROL}/phones/{self.id}/scan", {"url": url})
        opened = happened["opened"]
        await self._log_in(opened["js_code"])
        return str(opened["query"])

    async def open_page(self, path: str, query: str = "") -> bool:
        """Open a page of the mini-program and log in; answers whether this WeChat is known."""
        opened = await self._control("POST", "/mini-program/open", {"path": path, "query": query})
        return await self._log_in(opened["js_code"])

    async def _log_in(self, js_code: str) -> bool:
        login = await self._product.call("POST", f"{API}/sessions/citizen", {"js_code": js_code})
        self._token = login["token"]
        return bool(login["known"])

    async def phone_code(self) -> str:
        """Tap the phone-number button and agree."""
        return str((await self._control("POST", "/mini-program/phone-code", {"consent": True}))["code"])

    async def declines_phone_button(self) -> bool:
        """Tap the phone-number button and refuse; whether WeChat gave out nothing."""
        path = f"{CONTROL}/phones/{self.id}/mini-program/phone-code"
        return (await self._platform.send("POST", path, {"consent": False})).code == "user_denied"

    async def mini(self, method: str, path: str, body: Any = None, *, query: dict[str, str] | None = None) -> Any:
        """A call of the mini-program to the product that must succeed."""
        return await self._product.call(method, API + path, body, query=query, headers=self._bearer())

    async def try_mini(self, method: str, path: str, body: Any = None) -> Answer:
        """A call of the mini-program to the product that may be refused."""
        return await self._product.send(method, API + path, body, headers=self._bearer())

    async def join(self, token: str) -> str:
        """Prove the phone by one tap and join; answers the state."""
        joined = await self.mini("POST", f"/invitations/{token}/join", {"phone_code": await self.phone_code()})
        return str(joined["state"])

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def _control(self, method: str, path: str, body: Any = None, *, query: dict[str, str] | None = None) -> Any:
        return await self._platform.call(method, f"{CONTROL}/phones/{self.id}{path}", body, query=query)
