"""What the invented city draws its names from. No combination of these is a real place; persons are put together."""

from __future__ import annotations

import random
from collections.abc import Iterator

CITY = "云汀"

_FIRST = "星霁虹朔翎芷棠沐岫笠葭绫珂筱"
_SECOND = "汀屿岚砚笙澜渚墅"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
_GIVEN = "安柏晨澄丹恩帆谷禾皓佳简景均恺岚乐黎朗陌宁诺沛朴祺清然睿若森书思棠桐维闻希夏心轩言妍遥屹忆悠雨远悦泽哲知舟卓"


def places(draw: random.Random) -> Iterator[str]:
    """Invented place names, each once, in an order of the draw's own; 112 of them."""
    found = [first + second for first in _FIRST for second in _SECOND]
    draw.shuffle(found)
    return iter(found)


def persons(draw: random.Random) -> Iterator[str]:
    """Names of persons, each once, without end in practice (51 surnames, 60 × 59 given names)."""
    seen: set[str] = set()
    while True:
        name = draw.choice(_SURNAMES) + "".join(draw.sample(_GIVEN, 2))
        if name not in seen:
            seen.add(name)
            yield name
