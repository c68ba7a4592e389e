"""Why something of a frozen month counts differently, in words."""

from __future__ import annotations

from stewardship.reports.months.models import Reason

REASONS: dict[str, str] = {
    Reason.CONTEST_ACCEPTED: "超时异议成立",
    Reason.LATE_CALL: "补记了当时的通话或面谈",
    Reason.ANSWERED_LATER: "冻结后才答复",
    Reason.MERGED: "并入其他问题",
    Reason.CLOSED: "注明不需要答复",
    Reason.CHALLENGED: "系统答复被追问或确认",
    Reason.MOVED: "单位、民警、类别或渠道更正",
    Reason.ENTERED_LATER: "冻结后才登记",
    Reason.OUTCOME_LATER: "冻结后才有结果",
    Reason.CORRECTED: "其他更正",
}
