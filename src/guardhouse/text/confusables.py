"""Letters that look like ASCII letters, and the folding of words that are disguised with them.

The first table is derived from the confusables of Unicode Technical Standard 39 (Unicode License v3): letters that NFKC
leaves as they are and whose skeleton is that of one ASCII letter. The second holds small capitals and letters that are
alike only at a glance; they count in words that mix scripts, never in a word of one other script.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_ALIKE = {
    "A": "ΑАᎪᗅꓮ𐊠𖽀",
    "B": "ΒВᏴᗷꓐꞴ𐊂𐊡𐌁",
    "C": "СᏟⲤꓚ𐊢𐌂𐐕𐔜",
    "D": "Ꭰᗞᗪꓓ",
    "E": "ΕЕᎬⴹꓰ𐊆𑢦𑢮",
    "F": "ϜᖴꓝꞘ𐊇𐊥𐔥𑢢𑣂",
    "G": "ԌᏀᏳꓖ",
    "H": "ΗНᎻᕼⲎꓧ𐋏",
    "I": "ƖΙІӀᛁⲒⵏꓲ𐊊𐌉𖼨",
    "J": "ͿЈᎫᒍꓙꞲ",
    "K": "ΚКᏦᛕⲔꓗ𐔘",
    "L": "ᏞᒪⳐꓡ𐐛𐔦𑢣𑢲𖼖",
    "M": "ΜϺМᎷᗰᛖⲘꓟ𐊰𐌑",
    "N": "ΝⲚꓠ𐔓",
    "O": "ΟОՕଠዐⲞⵔꓳ𐊒𐊫𐐄𐓂𐔖𑢵",
    "P": "ΡРᏢᑭⲢꓑ𐊕",
    "Q": "ⵕ",
    "R": "ƦᎡᏒᖇꓣ𐒴𖼵",
    "S": "ЅՏᏕᏚꓢ𐊖𐐠𖼺",
    "T": "ΤТᎢⲦꓔ𐊗𐊱𐌕𑢼𖼊",
    "U": "Սሀᑌꓴ𐓎𑢸𖽂",
    "V": "ѴᏙᐯⴸꓦꛟ𐔝𑢠𖼈",
    "W": "ԜᎳᏔꓪ",
    "X": "ΧХᚷⲬⵝꓫꞳ𐊐𐊴𐌗𐔧",
    "Y": "ΥУҮᎩᎽⲨꓬ𐊲𑢤𖽃",
    "Z": "ΖᏃꓜ𑢩",
    "a": "ɑαа",
    "b": "ƄЬᏏᑲᖯ",
    "c": "сᴄⲥꮯ𐐽",
    "d": "ԁᏧᑯꓒ",
    "e": "еҽꬲ",
    "f": "քẝꞙꬵ",
    "g": "ƍɡցᶃ",
    "h": "һհᏂ",
    "i": "ıɩɪιіᎥꙇꭵ𑣃",
    "j": "ϳј",
    "l": "ǀӏ",
    "n": "ոռ",
    "o": "οσоօഠဝჿᴏᴑⲟꬽ𐐬𐓪𑣈𑣗",
    "p": "ρрⲣ",
    "q": "ԛգզ",
    "r": "гᴦⲅꭇꭈꮁ",
    "s": "ƽѕꜱꮪ𐑈𑣁",
    "u": "ʋυսᴜꞟꭎꭒ𐓶𑣘",
    "v": "νѵᴠꮩ𑜆𑣀",
    "w": "ɯѡԝաᴡꮃ𑜊𑜎𑜏",
    "x": "хᕁᕽ",
    "y": "ɣʏγуүყᶌỿꭚ𑣜",
    "z": "ᴢꮓ𑣄",
}
_ALIKE_AT_A_GLANCE = {
    "a": "ᴀ",
    "b": "вʙ",
    "d": "ᴅ",
    "e": "εᴇ",
    "f": "ꜰ",
    "g": "ɢ",
    "h": "ʜ",
    "j": "ᴊ",
    "k": "кκᴋ",
    "l": "ʟ",
    "m": "мᴍ",
    "n": "пηɴ",
    "p": "ᴘ",
    "q": "ꞯ",
    "r": "ʀ",
    "t": "тτᴛ",
    "u": "μ",
    "w": "ω",
    "x": "χ",
}

_STRICT = {ord(letter): target for target, letters in _ALIKE.items() for letter in letters}
_FOLD = _STRICT | {ord(letter): target for target, letters in _ALIKE_AT_A_GLANCE.items() for letter in letters}

_STRICT_LETTERS = frozenset(map(chr, _STRICT))
CONFUSABLE = frozenset(map(chr, _FOLD))
"""Every letter that may be folded."""

_SCRIPTS = {letter: unicodedata.name(letter, "?").partition(" ")[0] for letter in CONFUSABLE}
"""The first word of a letter's name is its script."""

_LATIN = "".join(
    chr(point)
    for first, last in ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF))
    for point in range(first, last + 1)
    if point not in (0xD7, 0xF7) and point not in _FOLD
)
_CLASS = "".join(sorted(CONFUSABLE))
_LETTER = r"[^\W\d_]"

# A whole word of nothing but Latin and look-alike letters, with at least one of the latter. It begins with a class, so
# that the search for it is quick, and only then looks behind; with the possessive repeats each word is read once.
_WORD = re.compile(
    rf"[{_LATIN}{_CLASS}](?<!{_LETTER}.)(?:(?<=[{_CLASS}])|[{_LATIN}]*+[{_CLASS}])[{_LATIN}{_CLASS}]*+(?!{_LETTER})",
    re.DOTALL,
)
_LATIN_LETTER = re.compile(rf"[{_LATIN}]")
_FOREIGN_LETTER = re.compile(rf"(?![{_LATIN}{_CLASS}]){_LETTER}")
_NEIGHBOURHOOD = 40
_TURKIC = frozenset("ğĞşŞİçÇöÖüÜəƏ")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text after folding, as long as before, and how many words were disguised on the face of it."""

    text: str
    words: int


def fold_confusables(text: str) -> Folded:
    """`text` with look-alike letters made ASCII in words that are disguised by them; nothing is moved.

    A word is folded where it mixes Latin letters with look-alikes, or mixes look-alikes of several scripts, or is
    wholly made of look-alikes while no other letter of a foreign script stands near. So Russian or Greek stays as it
    is. Linear in the text.
    """
    pieces: list[str] = []
    at = words = 0
    turkic = not _TURKIC.isdisjoint(text) if "ı" in text else False
    for match in _WORD.finditer(text):
        word = match.group()
        if turkic and "ı" in word:
            continue
        counts = _judge(text, match.start(), match.end(), word)
        if counts is None:
            continue
        words += counts
        pieces += (text[at : match.start()], word.translate(_FOLD))
        at = match.end()
    if not pieces:
        return Folded(text, 0)
    pieces.append(text[at:])
    return Folded("".join(pieces), words)


def _judge(text: str, start: int, end: int, word: str) -> bool | None:
    """None where the word is to stay; else whether its folding counts as a trick."""
    if _LATIN_LETTER.search(word) is not None:
        return len(word) > 2 and set(word) & CONFUSABLE != {"ı"} and not _is_inflected(word)
    scripts = {_SCRIPTS[letter] for letter in word}
    if len(scripts) > 1 or scripts == {"LATIN"}:  # small capitals and phonetic letters are Latin
        return len(word) > 2
    if not _STRICT_LETTERS.issuperset(word):
        return None
    before, after = text[max(0, start - _NEIGHBOURHOOD) : start], text[end : end + _NEIGHBOURHOOD]
    if _FOREIGN_LETTER.search(before) or _FOREIGN_LETTER.search(after):
        return None
    return len(word) > 2


def _is_inflected(word: str) -> bool:
    """True for a Latin stem with a foreign ending ("SMSка"), which is ordinary in many languages."""
    stem = next((index for index, letter in enumerate(word) if letter in CONFUSABLE), len(word))
    return stem > 1 and all(letter in CONFUSABLE for letter in word[stem:]) and len(word) - stem <= stem
