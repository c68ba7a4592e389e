"""What each figure means: one table, served with the figures and quoted by the reports."""

from __future__ import annotations

from dataclasses import dataclass

OURS = "本系统定义（指标口径第4节）"
UNITS = {"share": "百分比", "duty_minutes": "值班分钟", "count": "件", "minutes": "分钟"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure as it is explained to whoever reads it. `rows`: by which key its rows are listed, if they are."""

    key: str
    name: str
    definition: str
    source: str
    unit: str
    rows: str | None


_SMALL = "样本少于 5 件时只显示件数。"
_BINS = (
    "中位数和九成位由固定分档的直方图得出，"
    "误差不超过所在档宽：10 分钟内 1 分钟，30 分钟内 2 分钟，更长的不超过三分之一。"
)

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "first_response",
        "首次答复时长（首响）",
        "从当事人最早一条未答复的消息，到民警第一次答复（对方看得到或当面、电话说到），只算值班时间。系统自动答复和收到提示不算。"
        + _BINS
        + _SMALL,
        OURS,
        "duty_minutes",
        "first_response",
    ),
    Definition(
        "first_response_in_time",
        "首次答复按时率",
        "在承诺时限内首次答复的问题 ÷ 已首次答复的问题。计在时限届满或答复时负责该问题的民警和单位名下。" + _SMALL,
        OURS,
        "share",
        "first_response",
    ),
    Definition(
        "first_response_in_time_adjusted",
        "首次答复按时率（核定）",
        "同首次答复按时率，但把经上一级核定不属于超时的按按时计。与原始数字并列，不替代原始数字。" + _SMALL,
        OURS,
        "share",
        "first_response",
    ),
    Definition(
        "full_answer",
        "完整答复时长",
        "从当事人最早一条未答复的消息，到民警完整答复，只算值班时间。反问当事人不算答复。" + _BINS + _SMALL,
        OURS,
        "duty_minutes",
        "answered_in_time",
    ),
    Definition(
        "answered_in_time",
        "有问必答率",
        "在承诺时限内得到民警完整答复的问题 ÷ 应答复的问题（已答复的，加上已超时仍未答复的）。"
        "不需要答复而关闭的、并入其他问题的、由系统按记录答复且未被追问的不计入。重新打开的问题另计一次，原来的结果不变。"
        + _SMALL,
        OURS,
        "share",
        "answered_in_time",
    ),
    Definition(
        "answered_in_time_adjusted",
        "有问必答率（核定）",
        "同有问必答率，但把经上一级核定不属于超时的按按时计。与原始数字并列，不替代原始数字。" + _SMALL,
        OURS,
        "share",
        "answered_in_time",
    ),
    Definition(
        "overdue", "超时未答", "此刻已超过首次答复或完整答复时限、仍未答复的问题。实时统计。", OURS, "count", "overdue"
    ),
    Definition(
        "due_soon", "一小时内到期", "此刻尚未超时、一小时内将到时限的问题。实时统计。", OURS, "count", "due_soon"
    ),
    Definition(
        "from_record",
        "系统按记录答复",
        "由系统按案件记录答复、没有被追问的问题。单列，不计入首响和有问必答率。",
        OURS,
        "count",
        "from_record",
    ),
    Definition(
        "enrolment",
        "入群率",
        "首次邀请后 24 小时内加入的当事人 ÷ 应邀请的当事人。"
        "未成年人、因记录在案的原因不邀请的、未满 24 小时的单列，不计入。" + _SMALL,
        OURS,
        "share",
        "enrolment",
    ),
    Definition(
        "silence",
        "超期未联系",
        "此刻超过约定联系日期仍没有向当事人告知进展的未结案件。实时统计。",
        OURS,
        "count",
        "silence",
    ),
    Definition(
        "satisfaction",
        "满意率",
        "（满意 + 基本满意）÷ 有效评价。加权满意率 =（满意 + 基本满意的一半）÷ 有效评价。始终与回复率并列。" + _SMALL,
        "本系统定义（指标口径第4节）；两种算法与东莞公开数据一致",
        "share",
        "satisfaction",
    ),
    Definition(
        "rating_response", "评价回复率", "有效评价 ÷ 已发出的评价邀请。" + _SMALL, OURS, "share", "satisfaction"
    ),
    Definition(
        "return_visits_in_time",
        "回访按时率",
        "不满意评价后 24 小时内与本人通话的回访 ÷ 应完成的回访（联系不上的留在分母）。" + _SMALL,
        OURS,
        "share",
        "return_visits",
    ),
    Definition(
        "return_visits_converted",
        "转化率",
        "回访时表示满意或基本满意的 ÷ 应完成的回访（联系不上的留在分母）。" + _SMALL,
        OURS,
        "share",
        "return_visits",
    ),
    Definition(
        "telephone_tasks",
        "电话任务",
        "消息送不到而需要打电话告知的任务，按结果分列。",
        OURS,
        "count",
        "telephone_tasks",
    ),
    Definition(
        "rank",
        "下级单位排名",
        "按有问必答率的 95% 置信区间（Wilson 区间）比较：区间不重叠才分先后，重叠的视为并列。"
        "名次以可能的范围表示（如第 1 至 3 名）。样本少于 30 件的不排名。",
        "E. B. Wilson,《美国统计学会会刊》第22卷，1927年；H. Goldstein、M. Healy,《皇家统计学会会刊A》第158卷，1995年",
        "count",
        None,
    ),
)
_BY_KEY = {each.key: each for each in DEFINITIONS}


def name_of(key: str) -> str:
    """What a figure is called, by its own key or that of its rows."""
    return _BY_KEY[key].name if key in _BY_KEY else next(each.name for each in DEFINITIONS if each.rows == key)
