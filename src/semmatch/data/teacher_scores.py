"""What a teacher says of pairs, computed once and kept in a file."""

import functools
import json
import time
import zipfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from semmatch._folders import writing_file
from semmatch._records import Scoring
from semmatch.data.pair_keys import pair_keys
from semmatch.data.pair_keys import pair_texts
from semmatch.data.teacher_identity import identity_of
from semmatch.data.teacher_identity import scorer_of

FORMAT_VERSION = 1

# Scored at once, and the longest work that a crash costs.
_PAIRS = 2048
_SECONDS = 30

# Scored by every teacher: what it says of them tells it from others.
PROBES = (
    ("怎么还款", "如何还款"),
    ("怎么取消借款", "取消后还能借吗"),
    ("how to pay", "cancel my order"),
    ("3", "3"),
)

# Logits of one teacher in float32 and in bfloat16 differ by less.
_TOLERANCE = 0.1


class TeacherScores:
    """The logits of pairs, found by their texts.

    As of a teacher itself there are `logits(pairs)` and a `scoring`, so that
    stored scores go where a teacher goes.

    Args:
        keys: list of bytes, as of `pair_keys`, each once.
        logits: float32 `(n, classes)`.
        scoring: `Scoring` of the teacher.
        probes: float32 `(4, classes)`, its logits of `PROBES`.
        identity: a dict of JSON types, what `identity_of` says of the teacher;
            None where it is not known.
        source: where they come from, for messages.

    Attributes:
        scoring: `Scoring`.
        num_classes: int, logits of a pair.

    >>> scores = TeacherScores(pair_keys(["还款"], ["怎么还"]), [[2.0]],
    ...                        Scoring("sigmoid"), np.zeros((4, 1)))
    >>> scores.logits([("还款", "怎么还")]).tolist()
    [[2.0]]
    """

    def __init__(
        self,
        keys,
        logits,
        scoring,
        probes,
        identity=None,
        source="these scores",
    ):
        self.scoring = scoring
        self.identity = identity
        self.source = source
        self._keys = list(keys)
        self._logits = np.asarray(logits, "float32")
        self._probes = np.asarray(probes, "float32")
        self._rows = {key: row for row, key in enumerate(self._keys)}

    def __len__(self):
        return len(self._logits)

    @property
    def num_classes(self):
        return self._logits.shape[1]

    def logits(self, pairs):
        """The teacher's logits, float32 `(n, classes)`, in the order given.

        Args:
            pairs: `Pairs`, or a list of `(text_a, text_b)`.

        Raises:
            ValueError: for a pair that the teacher has not scored.
        """
        text_a, text_b = pair_texts(pairs)
        rows = [self._rows.get(key) for key in pair_keys(text_a, text_b)]
        unknown = [place for place, row in enumerate(rows) if row is None]
        if unknown:
            pair = text_a[unknown[0]], text_b[unknown[0]]
            raise ValueError(
                f"{self.source} has no scores of {len(unknown):,} of "
                f"{len(rows):,} pairs: it is of other data. Received: "
                f"{pair!r}. Score them by `teacher_scores(teacher, pairs, "
                "file)`, which adds to the file."
            )
        return self._logits[np.array(rows, "int64")]

    def score(self, pairs):
        """Scores in [0, 1], as of the teacher."""
        return self.scoring.scores(self.logits(pairs))

    def save(self, file):
        """Writes the scores, completely or not at all."""
        record = {
            "format_version": FORMAT_VERSION,
            "scoring": self.scoring.to_dict(),
            "identity": self.identity,
        }
        with writing_file(file) as stream:
            np.savez(
                stream,
                keys=np.array(self._keys, "V16").view("uint8").reshape(-1, 16),
                logits=self._logits,
                probes=self._probes,
                record=np.array(json.dumps(record)),
            )

    @classmethod
    def load(cls, file):
        """Reads what `save` or `teacher_scores` wrote.

        Raises:
            FileNotFoundError: if it is not there.
            ValueError: if it is no such file, is damaged, or of a newer
                format.
        """
        try:
            with open(file, "rb") as stream, np.load(stream) as arrays:
                record = json.loads(str(arrays["record"]))
                keys = [key.tobytes() for key in arrays["keys"]]
                logits = arrays["logits"]
                probes = arrays["probes"]
        except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
            raise ValueError(
                f"{file} is no file of `teacher_scores`, or a damaged one: "
                f"{error}. Remove it and score the pairs again."
            ) from error
        if record["format_version"] != FORMAT_VERSION:
            raise ValueError(
                f"{file} has format version {record['format_version']}; this "
                f"semmatch reads version {FORMAT_VERSION}. Score the pairs "
                "again, or install the semmatch that wrote it."
            )
        scoring = Scoring(**record["scoring"])
        # Files that are older than it have none.
        identity = record.get("identity")
        return cls(keys, logits, scoring, probes, identity, source=str(file))

    def check_teacher(self, identity, probes):
        """Refuses to add the scores of another teacher.

        Args:
            identity: what `identity_of` says of the teacher that is.
            probes: float `(4, classes)`, its logits of `PROBES`.
        """
        differences = [
            f"{name}={identity.get(name)!r} instead of {value!r}"
            for name, value in (self.identity or identity_of(self)).items()
            if value != identity.get(name)
        ]
        if probes.shape != self._probes.shape:
            differences.append(
                f"{probes.shape[1]} logits instead of {self._probes.shape[1]}"
            )
        else:
            apart = np.abs(probes - self._probes)
            apart = np.max(apart / np.maximum(1, np.abs(self._probes)))
            if not apart <= _TOLERANCE:
                differences.append(f"logits that differ by {apart:.2g}")
        if differences:
            raise ValueError(
                f"{self.source} has the scores of another teacher. Received "
                f"one with {', and '.join(differences)}. Pass another file."
            )

    def with_more(self, keys, logits):
        """These and further scores together."""
        new = [row for row, key in enumerate(keys) if key not in self._rows]
        return TeacherScores(
            [*self._keys, *(keys[row] for row in new)],
            np.concatenate([self._logits, logits[new]]),
            self.scoring,
            self._probes,
            self.identity,
            self.source,
        )

    def missing(self, pairs):
        """The rows of `pairs` without scores, each different pair once."""
        seen = dict.fromkeys(self._rows)
        rows = []
        for row, key in enumerate(pair_keys(*pair_texts(pairs))):
            if key not in seen:
                seen[key] = None
                rows.append(row)
        return rows

    def __repr__(self):
        return f"TeacherScores({len(self):,} pairs, {self.num_classes} logits)"


def teacher_scores(teacher, pairs, file):
    """Has a teacher score pairs, once, and keeps the scores in a file.

    A training that reads them costs what the student costs. Pairs that the
    file has are not scored again: an interrupted call goes on where it was,
    give or take half a minute, and further pairs are added to the others.

    Args:
        teacher: `CrossEncoder`, `BiEncoder`, `Matcher`, or what has
            `logits(pairs)` and a `scoring`, such as an `Ensemble` of these.
            With `Scoring.symmetric` it scores both orders.
        pairs: `Pairs`, whose labels do not count, or a list of `(text_a,
            text_b)`.
        file: path of a file, such as `"teacher.npz"`.

    Returns:
        `TeacherScores`, all that the file has.

    Raises:
        ValueError: if the file has the scores of another teacher, or of one
            that cuts texts elsewhere, and for a logit that is not finite.

    >>> import tempfile
    >>> from semmatch.models import CrossEncoder, CrossEncoderPreprocessor
    >>> from semmatch.models import TextEncoder
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> teacher = CrossEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     teacher_scores(teacher, [("还款", "怎么还")], f"{folder}/t.npz")
    TeacherScores(1 pairs, 1 logits)
    """
    scorer = scorer_of(teacher)
    text_a, text_b = pair_texts(pairs)
    stored = functools.partial(
        _stored, file, scorer, checked_logits(scorer, PROBES)
    )
    scores = stored()
    rows = scores.missing(pairs)
    # Long ones together, so that little is padded.
    rows.sort(key=lambda row: len(text_a[row]) + len(text_b[row]))
    with tqdm(
        total=len(rows), desc="teacher", unit="pair", delay=2, disable=None
    ) as progress:
        keys, logits, saved = [], [], time.monotonic()
        for start in range(0, len(rows), _PAIRS):
            part = [(text_a[row], text_b[row]) for row in rows[start:][:_PAIRS]]
            logits.append(checked_logits(scorer, part))
            keys += pair_keys(*zip(*part, strict=True))
            progress.update(len(part))
            if time.monotonic() - saved > _SECONDS:
                # Another process may have added to the file.
                stored().with_more(keys, np.concatenate(logits)).save(file)
                keys, logits, saved = [], [], time.monotonic()
    scores = stored()
    if keys:
        scores = scores.with_more(keys, np.concatenate(logits))
    scores.save(file)
    return scores


def _stored(file, scorer, probes):
    """What a file has of this teacher; nothing if there is none."""
    identity = identity_of(scorer)
    if Path(file).exists():
        scores = TeacherScores.load(file)
        scores.check_teacher(identity, probes)
        return scores
    nothing = np.empty((0, probes.shape[1]))
    return TeacherScores(
        [], nothing, scorer.scoring, probes, identity, source=str(file)
    )


def checked_logits(scorer, pairs):
    """A teacher's logits of pairs, float32 `(n, classes)`, if all are finite.

    Args:
        scorer: has `logits(pairs)`.
        pairs: list of `(text_a, text_b)`.
    """
    logits = np.asarray(scorer.logits(list(pairs)), "float32")
    wrong = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if wrong.size:
        raise ValueError(
            "A teacher's logits must be finite. Received: "
            f"{logits[wrong[0]].tolist()} for {pairs[wrong[0]]!r}, and "
            f"{wrong.size} such pairs of {len(pairs)}. The teacher is broken, "
            "or computes in float16."
        )
    return logits
