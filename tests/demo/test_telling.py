"""Telling the story: one line a step, the platform's timeline, and an end at the first step that does not hold."""

from __future__ import annotations

from typing import Any, cast

import pytest

from demo.checks import StoryFailed, check, eventually, same, there
from demo.stage import Stage
from demo.story import STEPS
from demo.telling import Step, Told, step, tell


class Timeline:
    """Stands for the platform and remembers what the page would show."""

    def __init__(self) -> None:
        self.platform = self
        self.shown: list[tuple[int, str]] = []

    async def call(self, method: str, path: str, body: Any = None) -> None:
        assert path == "/control/story"
        if method == "DELETE":
            self.shown.clear()
        else:
            self.shown.append((body["number"], body["state"]))


@step("成功的一步")
async def holds(stage: Stage) -> str:
    return "看到了"


@step("失败的一步")
async def fails(stage: Stage) -> str:
    same(1, 2, "数目")
    return "不会到这里"


async def told_with(*steps: Step) -> tuple[Told, Timeline]:
    timeline = Timeline()
    return await tell(cast("Stage", timeline), steps), timeline


async def test_every_step_is_told_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    told, timeline = await told_with(holds, holds)
    assert (told, told.well) == (Told(2, 2), True)
    assert timeline.shown[-4:] == [(1, "running"), (1, "passed"), (2, "running"), (2, "passed")]
    lines = capsys.readouterr().out.splitlines()
    assert [line[:8] for line in lines] == ["[ 1/2] ✓", "[ 2/2] ✓"]


async def test_the_first_step_that_fails_ends_the_story(capsys: pytest.CaptureFixture[str]) -> None:
    told, timeline = await told_with(holds, fails, holds)
    assert (told, told.well) == (Told(3, 1), False)
    assert timeline.shown[-1] == (2, "failed")
    assert "[ 2/3] ✗ 失败的一步\n        数目：应为 2，实为 1" in capsys.readouterr().out


async def test_what_does_not_happen_in_time_fails() -> None:
    async def never() -> bool:
        return False

    with pytest.raises(StoryFailed, match="回执"):
        await eventually(never, "回执", within=0.1)


def test_demands_that_are_not_met_fail() -> None:
    with pytest.raises(StoryFailed):
        check(False, "没有")
    with pytest.raises(StoryFailed):
        there(None, "没有")
    assert there(0, "有") == 0


def test_the_story_has_no_step_twice() -> None:
    assert len({each.title for each in STEPS}) == len(STEPS) >= 30
