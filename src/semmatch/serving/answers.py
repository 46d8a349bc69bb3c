"""Answers of an FAQ: as they are added, and as they are found."""

from typing import NamedTuple

from semmatch._checks import check_text


class Answer(NamedTuple):
    """An answer that was found.

    Attributes:
        id: string or int, as it was added.
        score: float in [0, 1], of the best of its phrasings.
        text: string, that phrasing.
        band: `"match"`, `"suggest"` or `"none"`, see `Scoring.band`.
    """

    id: str | int
    score: float
    text: str
    band: str


def best_of_each(answers):
    """Of answers, best first, the first of each id."""
    best = {}
    for answer in answers:
        best.setdefault(answer.id, answer)
    return list(best.values())


def checked_answers(answers):
    """Answers as a list of `(id, list of strings)`."""
    if hasattr(answers, "items"):
        answers = answers.items()
    checked = []
    for place, answer in enumerate(answers):
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise ValueError(
                "`answers` must be a dict or hold (id, phrasings) in each "
                f"place. Received at position {place}: {answer!r}."
            )
        id, phrasings = answer
        # What JSON gives back as it was; True would be equal to 1.
        if isinstance(id, bool) or not isinstance(id, str | int):
            raise TypeError(
                "The id of an answer must be a string or an integer. "
                f"Received: {id!r} of type {type(id).__name__}."
            )
        if isinstance(id, str):
            check_text(id, "the id of an answer")
        if isinstance(phrasings, str):
            phrasings = [phrasings]
        phrasings = [
            check_text(text, f"phrasing {number} of answer {id!r}")
            for number, text in enumerate(phrasings)
        ]
        if not phrasings:
            raise ValueError(
                "An answer is found by its phrasings. Received: none for the "
                f"answer {id!r}."
            )
        checked.append((id, phrasings))
    return checked
