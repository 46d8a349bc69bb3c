"""One way of writing for texts that are typed in many."""

import dataclasses

from tokenizers import normalizers
from tokenizers import Regex

# Marks of direction and joining, byte order, soft hyphen, variation selectors.
_ZERO_WIDTH = (
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_DOUBLE_QUOTES = "[“”„‟＂]"
_SINGLE_QUOTES = "[‘’‚‛＇]"


@dataclasses.dataclass(frozen=True)
class TextNormalizer:
    """Writes texts in one way before they are tokenised.

    It becomes part of the tokenizer, in the `tokenizer.json` that training,
    scoring, `Matcher` and other programs read: `from_preset(...,
    normalizer=TextNormalizer())`. Leave it out for a checkpoint that was
    trained without it, unless it is trained further.

    Attributes:
        width: bool, wide and narrow forms and other compatible characters
            become the usual ones (Unicode's NFKC): `Ａ１（` to `A1(`, `…` to
            `...`, `①` to `1`.
        quotes: bool, curly quotes become straight ones.
        spaces: bool, white space of any kind and length becomes one space,
            none at the ends.
        zero_width: bool, characters that show nothing are left out.
        case: bool, letters become lower case.

    >>> TextNormalizer().normalize(" ＡＰＰ\u3000打不开“首页”\u200b ")
    'app 打不开"首页"'
    """

    width: bool = True
    quotes: bool = True
    spaces: bool = True
    zero_width: bool = True
    case: bool = True

    def rust(self):
        """The same as a normalizer of the `tokenizers` library."""
        steps = []
        if self.zero_width:
            steps.append(normalizers.Replace(Regex(_ZERO_WIDTH), ""))
        # Before NFKC, which takes their width from some.
        if self.quotes:
            steps.append(normalizers.Replace(Regex(_DOUBLE_QUOTES), '"'))
            steps.append(normalizers.Replace(Regex(_SINGLE_QUOTES), "'"))
        if self.width:
            steps.append(normalizers.NFKC())
        if self.spaces:
            steps.append(normalizers.Replace(Regex(r"\s+"), " "))
            steps.append(normalizers.Strip())
        if self.case:
            steps.append(normalizers.Lowercase())
        return normalizers.Sequence(steps)

    def normalize(self, text):
        """`text` written in one way."""
        return self.rust().normalize_str(text)
