"""A rating given in the chat: by a tap on the request, or by a bare number. Also by who has left the group since."""

from __future__ import annotations

from uuid import UUID

from stewardship.conversations import texts
from stewardship.conversations.said import Reply
from stewardship.conversations.turn import Turn
from stewardship.opinion.ratings import rules
from stewardship.opinion.ratings import service as ratings

ITEM = "rate:"


async def rated(turn: Turn, person_id: UUID) -> Reply | None:
    """What came of a tap or a number; None where the message is no answer to a request."""
    if turn.said.item_id.startswith(ITEM):
        return await _tapped(turn)
    score = rules.parse_score(turn.said.text)
    return await _written(turn, person_id, score[0], score[1]) if score is not None else None


async def _tapped(turn: Turn) -> Reply:
    """One of the three answers: `rate:<token>:<score>`."""
    token, _, score = turn.said.item_id.removeprefix(ITEM).rpartition(":")
    given = await ratings.rate(
        turn.actor,
        token=token,
        score=int(score) if score.isdigit() else 0,
        comment=None,
        channel=turn.speaker.channel,
    )
    return _thanks_for(given.score)


async def _written(turn: Turn, person_id: UUID, score: int, comment: str | None) -> Reply | None:
    """A bare score answers the one rating that is open; with several, the notice says which is meant."""
    open_ratings = await ratings.open_for(person_id)
    if len(open_ratings) > 1:
        return Reply(texts.WHICH_RATING, outcome="which_rating")
    if not open_ratings:
        late = await ratings.recently_closed_for(person_id)
        return Reply(texts.RATING_GONE, outcome="rating_gone") if late else None
    given = await ratings.rate(
        turn.actor, rating_id=open_ratings[0].id, score=score, comment=comment, channel=turn.speaker.channel
    )
    return _thanks_for(given.score)


def _thanks_for(score: int | None) -> Reply:
    words = texts.RATED_DISSATISFIED if score == rules.DISSATISFIED else texts.RATED
    return Reply(words, outcome="rated")
