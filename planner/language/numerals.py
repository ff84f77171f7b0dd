"""Number words, English and Chinese, as digits."""

from __future__ import annotations

import re

ONES = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
TENS = {
    word: 10 * (place + 2)
    for place, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    )
}
_ONE = "|".join(sorted(ONES, key=len, reverse=True))
_TEN = "|".join(TENS)
_UNIT = (
    r"(?:hours?|hrs?|h|minutes?|mins?|seconds?|secs?|days?|gb|gib|gigs?|gigabytes?|degrees?|deg|"
    r"projections?|views?|angles?|tiles?|steps?|volumes?|scans?|states?|stages?|energies|"
    r"heights?|distances|tomograms?|load|time|times|strains?|positions?|segments?|sections?)\b"
)
_ENGLISH = re.compile(
    rf"\b(?:(?P<tens>{_TEN})(?:[ -](?P<one>{_ONE}))?|(?P<small>{_ONE}))(?P<hundred> hundred)?"
    rf"(?:(?: and)? (?P<rest>{_TEN}|{_ONE})(?=[ -]{_UNIT}))?\b",
    re.ASCII,
)
_HALVES = (  # halves and quarters, before the plain number words
    (re.compile(r"\ban hour and a half\b|\b(?:one|1)(?: and a half|\.5) hours?\b"), "1.5 hours"),
    (re.compile(r"\ba minute and a half\b"), "1.5 minutes"),
    (re.compile(r"\bhalf (?:an|a|1) hour\b|\bhalf-hour\b|\bhalf an hr\b"), "30 minutes"),
    (re.compile(r"\bthree[ -]quarters? of an hour\b"), "45 minutes"),
    (re.compile(r"\b(?:a )?quarter of an hour\b|\ba quarter[ -]hour\b"), "15 minutes"),
    (re.compile(r"\bhalf a (day|minute)\b"), r"0.5 \1s"),
    (re.compile(r"\ba couple of (hours|minutes|days)\b"), r"2 \1"),
    (re.compile(r"\ba dozen\b"), "12"),
    (re.compile(r"(?<!once )(?<!twice )\ban? (?=(?:single )?(?:hour|minute)\b)"), "1 "),
)
_AND_A_HALF = re.compile(r"\b(\d+) and a half (hours?|minutes?|days?)")

_DIGITS = dict(
    zip("零〇一二两三四五六七八九俩", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 2), strict=True)
)
_CN = "[零〇一二两三四五六七八九十百千万]"
_CN_UNIT = (
    r"(?:多)?(?:个)?(?:小时|钟头|钟|分钟|刻钟|秒|分(?![辨割离布开析段成量享配钟之])|天|点(?=半|钟|整|\d|[一三]刻|前|之前|以前|要|开|交|下班|了|到|,|。|$|[二三四五]?十)(?<!一点(?=,|。|$))|度|张|幅|角度|能量|能|步|级|"
    r"时刻|时间点|状态|阶段|循环|圈|套|段|块|行|列|层|次|组|片|g\b|gb)"
)
# "两点二十" is a time of day; "快一点" is no number.
_CLOCK_MINUTES = re.compile(
    r"(?<=[一二两三四五六七八九十\d])\s*点\s*([二三四五]?十[一二三四五六七八九]?|零[一-九])分?"
)
# "quarter past 9", "25 minutes to 11": times of day. "5 to 10" without more is a range.
_PAST = re.compile(
    r"\b(?:an? )?(?:(?P<quarter>quarter)|(?P<minutes>[1-5]?\d)(?: minutes| min)?)"
    r" (?P<side>past|to) (?P<hour>1?\d|2[0-3])(?![\d.:%]|\s*(?:min|h\b|hour|s\b|sec|px|k?ev|g))",
    re.ASCII,
)
_CHINESE = re.compile(rf"(?<![第万唯统另每同之])({_CN}+)(?=\s*{_CN_UNIT})")


def digits_for_words(text: str) -> str:
    """Lower-case `text` with number words as digits where a counted thing follows.

    >>> digits_for_words("two and a half hours, sixty projections")
    '2.5 hours, 60 projections'
    >>> digits_for_words("quarter to ten"), digits_for_words("5 to 10 slices")
    ('9:45', '5 to 10 slices')
    >>> digits_for_words("一刻钟"), digits_for_words("两个半小时"), digits_for_words("九百八十张")
    ('15分钟', '2.5小时', '980张')
    """
    text = _CLOCK_MINUTES.sub(lambda m: f"点{_chinese(m[1]):g}分", text)
    for pattern, digits in _HALVES:
        text = pattern.sub(digits, text)
    text = _ENGLISH.sub(_english, text)
    text = _PAST.sub(_past, text)
    text = _AND_A_HALF.sub(lambda m: f"{m[1]}.5 {m[2]}", text)
    text = _CHINESE.sub(lambda found: f"{_chinese(found[1]):g}", text)
    text = re.sub(r"([\d.]+)\s*刻钟", lambda m: f"{15 * float(m[1]):g}分钟", text)
    text = re.sub(r"(\d+)\s*个半\s*(小时|钟头)", r"\1.5小时", text)
    text = re.sub(r"([一二两三四五六七八九十]+)个半(?:小时|钟头|钟)", _half_more, text)
    text = re.sub(r"(\d+)\s*(?:个)?(?:小时|钟头)半", r"\1.5小时", text)
    text = re.sub(r"半\s*(?:个)?(?:小时|钟头|钟)|半个?点(?=内|以内)", "30分钟", text)
    text = re.sub(r"(\d+)\s*分半钟?", r"\1.5分钟", text)
    return re.sub(r"半天(?=[内之以])", "12小时", text)


def _past(found: re.Match[str]) -> str:
    if found["side"] == "to" and not found["quarter"] and " min" not in found.group():
        return found.group()
    minutes = 15 if found["quarter"] else int(found["minutes"])
    whole = 60 * int(found["hour"]) + (minutes if found["side"] == "past" else -minutes)
    hour, minute = divmod(whole % 1440, 60)
    return f"{hour}:{minute:02d}"


def _half_more(found: re.Match[str]) -> str:
    return f"{_chinese(found[1]) + 0.5:g}小时"


def _english(found: re.Match[str]) -> str:
    value = TENS.get(found["tens"] or "", 0) + ONES.get(found["one"] or found["small"] or "", 0)
    if found["hundred"]:
        value *= 100
    elif found["rest"] is not None:
        return found.group()  # "two and three": two numbers
    value += TENS.get(found["rest"] or "", 0) + ONES.get(found["rest"] or "", 0)
    if found["small"] == "one" and not re.match(rf"[ -]{_UNIT}", found.string[found.end() :]):
        return found.group()  # "the best one you can make"
    return str(value)


def _chinese(word: str) -> float:
    """The value of a Chinese numeral below a hundred million."""
    total = section = digit = 0
    for sign in word:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign == "万":
            total, section, digit = (section + digit or 1) * 10_000, 0, 0
        else:
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[sign]
            digit = 0
    return total + section + digit
