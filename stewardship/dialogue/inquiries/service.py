"""What parties ask, and the answers they get, each on its clock: the commands and queries of this feature.

Every message belongs to exactly one inquiry: while one of a member waits for a person, the next message joins it, and
one answer settles it. An inquiry waits exactly as long as its clock runs.
"""

from stewardship.dialogue.inquiries.asking import Asked, acknowledge_by_message, ask, challenge, reopen, tell_not_kept
from stewardship.dialogue.inquiries.common import (
    QUEUE_READERS,
    SUBJECT,
    TEXT_LENGTH,
    check_text,
    owner_now,
    scope,
    with_merged,
)
from stewardship.dialogue.inquiries.previews import preview
from stewardship.dialogue.inquiries.queries import (
    SEEN_BY_PARTY,
    Line,
    Queued,
    access_inquiry,
    desks_kept,
    inquiries_of,
    last_answers,
    last_asked,
    queue,
    thread,
    thread_for,
)
from stewardship.dialogue.inquiries.replies import GIST_LENGTH, answer, ask_back, close_without_reply, log_talk
from stewardship.dialogue.inquiries.supervision import NOTE_LENGTH, comment, nudge, reassign, take_on
from stewardship.dialogue.inquiries.transfers import follow_case, hand_over, merge, pass_on_absent, take_over

__all__ = [
    "GIST_LENGTH",
    "NOTE_LENGTH",
    "QUEUE_READERS",
    "SEEN_BY_PARTY",
    "SUBJECT",
    "TEXT_LENGTH",
    "Asked",
    "Line",
    "Queued",
    "access_inquiry",
    "acknowledge_by_message",
    "answer",
    "ask",
    "ask_back",
    "challenge",
    "check_text",
    "close_without_reply",
    "comment",
    "desks_kept",
    "follow_case",
    "hand_over",
    "inquiries_of",
    "last_answers",
    "last_asked",
    "log_talk",
    "merge",
    "nudge",
    "owner_now",
    "pass_on_absent",
    "preview",
    "queue",
    "reassign",
    "reopen",
    "scope",
    "take_on",
    "take_over",
    "tell_not_kept",
    "thread",
    "thread_for",
    "with_merged",
]
