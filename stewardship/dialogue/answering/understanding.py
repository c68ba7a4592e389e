"""What a message asks for, as far as the bot answers by itself. Pure, by whole phrases and telling words.

It is deliberately timid: a text it does not recognise is a question for a person, never a guess.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Intent(StrEnum):
    """What the bot can act on. Everything else is `ASK`: it waits for a person."""

    EMERGENCY = "emergency"
    STATUS = "status"
    WHO = "who"
    CALL_BACK = "call_back"
    MY_CASES = "my_cases"
    RATE = "rate"
    CHALLENGE = "challenge"
    THANKS = "thanks"
    HELP = "help"
    ASK = "ask"


LONGEST_COMMAND = 16
"""A longer text says more than a command does, so a person should read it."""

_PUNCTUATION = re.compile(r"[\s,.!?;:，。！？；：、~～…“”\"'()（）]+")

_EMERGENCY = re.compile(r"救命|正在(打|砍|追|抢|闯)|要杀(我|人)|持刀|被绑|快来人|撞门|着火了|跳楼")
_WHOLE: dict[Intent, str] = {
    Intent.STATUS: """
        进展 询问进展 查进展 案件进展 案子进展 进度 查进度 案件进度 到哪一步了 到哪步了 怎么样了 案子怎么样了
        我的案子怎么样了 现在怎么样了 案子到哪一步了 有进展吗 有进展没有 案子有进展吗 有什么进展 有消息吗
        有结果吗 status
    """,
    Intent.WHO: """
        谁负责 谁在办 谁办的 谁管 负责人 承办人 承办民警 办案民警 哪个民警 哪位民警 找谁 民警电话 联系电话
        我的案管家 案管家是谁 谁负责我的案子 我的案子谁负责 我的案子谁在办 who
    """,
    Intent.CALL_BACK: """
        请给我回电 给我回电 回电 回个电话 给我打电话 打电话给我 请回电 请来电 让民警给我打电话 我要回电 call
    """,
    Intent.MY_CASES: "我的案件 我的案子 案件列表 切换案件 换一个案件",
    Intent.RATE: "评价 我要评价 打分 评分",
    Intent.CHALLENGE: """
        没有解决 没解决 不对 还是没解决 没有回答 答非所问 没用 转人工 人工 我要人工 找人工 人工服务
    """,
    Intent.THANKS: """
        谢谢 谢谢你 谢谢您 谢谢警官 谢谢民警 多谢 感谢 好的谢谢 好的 好 收到 知道了 明白 明白了 嗯 嗯嗯 行 ok
        辛苦了 谢谢辛苦了 好的知道了 好的收到
    """,
    Intent.HELP: "帮助 怎么用 使用说明 你好 您好 在吗 有人吗 help hello hi",
}
_BY_PHRASE = {phrase: intent for intent, phrases in _WHOLE.items() for phrase in phrases.split()}


def normal(text: str) -> str:
    """The text without punctuation and spaces, in lower case."""
    return _PUNCTUATION.sub("", text).lower()


def understand(text: str) -> Intent:
    """The intent of a message. An emergency is heard anywhere in the text; every command only as the whole of it."""
    if _EMERGENCY.search(text):
        return Intent.EMERGENCY
    short = normal(text)
    if not short:
        return Intent.HELP
    if len(short) > LONGEST_COMMAND:
        return Intent.ASK
    return _BY_PHRASE.get(short, Intent.ASK)
