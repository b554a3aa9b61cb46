"""Headings in one spelling: signs, ages of people, units in brackets, and cut names."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_IGNORED = re.compile(r"[\s_\ufeff\u200b]+")
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}|【([^【】]*)】|〔([^〔〕]*)〕")
_DASH = re.compile(r"(?<=\d)岁?[-‐‑‒–—―−~〜∼至到]+(?=\d)")
_NUMERALS = {"三": "3", "六十": "60", "六十五": "65", "七十": "70", "八十": "80"}
_NUMERAL = re.compile(rf"(?<![〇零一二三四五六七八九十百])({'|'.join(_NUMERALS)})(?=岁)")
_TOTAL = re.compile(r"(?<=.)(总数|合计|总计|数量|数)$")
_PART = re.compile(r"^其中[:,]?(?=.)")
_FLAG = re.compile(r"^(是否属于|是否为|是否是|是否|有无)(?=.)")
_ANOTHER = re.compile("^原|曾用|旧|变更前|规划|拟[建设]|备注|说明|英文|日期|时间")
_NO_FLAG = re.compile("编号|证号|代码|名称|数|星级|级别|^[家个处张床户人年次名所]$")
#: Words for people after an age.
PEOPLE = ("人口", "老年人口", "老年人", "老人", "常住人口", "常住老年人口", "婴幼儿", "儿童")
# Traditional characters of headings, as in files in Big5, and their simplified ones.
_TRADITIONAL = str.maketrans(
    "編號區縣鄉鎮稱類戶數總經緯標歲嬰兒養機構託護認證員設積樓層時間開關屬業職醫療級務對無與園學實備選點價費單齡殘處場萬畝頃佔廠運營質寬長過橋內專體獨慮遠貼",
    "编号区县乡镇称类户数总经纬标岁婴儿养机构托护认证员设积楼层时间开关属业职医疗级务对无与园学实备选点价费单龄残处场万亩顷占厂运营质宽长过桥内专体独虑远贴",
)
#: People of an age, as bureaus write it: "其中：60岁（含）以上常住老年人口数".
_AGE = re.compile(
    r"(?:其中[:,]?)?(?P<before>常住|户籍)?(?:人口)?[:,]?"
    r"(?:(?P<over>\d+)(?:岁(?:及|\(含\)|含)?以上(?:\(含(?:\d+岁?)?\))?|岁?\+岁?)"
    r"|[≥>]=?(?P<least>\d+)岁?"
    r"|(?P<low>\d+)-(?P<high>\d+)(?P<month>岁|个月|月龄)(?:\(含(?:\d+岁?)?\))?"
    r"|(?P<under>\d+)岁(?P<too>及|\(含\)|含)?(?:以下|以内)(?:\((?P<with>不?含)(?:\d+岁?)?\))?"
    r"|(?:不满|未满|<)(?P<below>\d+)岁"
    r"|(?P<months>36)(?:个月|月龄)(?:以下|以内))"
    r"(?:的)?(?P<after>常住|户籍)?(?:的)?(?:高龄)?"
    r"(?:老年人口|老年人|老龄人口|老人|人口|居民|婴幼儿人口|婴幼儿|婴儿|幼儿|儿童人口|儿童|人)?(?:总数|人数|数量|数)?"
)


def normalized(name: object) -> str:
    """Return *name* for comparison: NFKC, no case, blanks or underscores, simplified, one sign for "to": "0-3岁"."""
    text, before = str(name).translate(_TRADITIONAL), ""
    while text != before:
        before = text
        text = _IGNORED.sub("", unicodedata.normalize("NFKC", text).casefold()).replace("周岁", "岁")
        text = _DASH.sub("-", _NUMERAL.sub(lambda match: _NUMERALS[match.group()], text))
    return text


@cache
def simplified(name: str, kind: str) -> str:
    """Return the heading of a column of type *kind* with only its age, or without words for number and whether."""
    text = normalized(name)
    if kind in ("count", "number"):
        return ages(text) or _TOTAL.sub("", _PART.sub("", text))
    return _FLAG.sub("", text) if kind == "flag" else text


@cache
def ages(name: str) -> str:
    """Return the age in a heading of people, or "": "60岁以上" with those of 60, "3岁以下" under 3, "0-3岁" with 3."""
    age = _AGE.fullmatch(normalized(name))
    if age is None:
        return ""
    who = "户籍" if "户籍" in (age["before"], age["after"]) else ""
    if over := age["over"] or age["least"]:
        return f"{who}{over}岁以上"
    if age["months"] or (age["low"] == "0" and (age["high"], age["month"]) in (("2", "岁"), ("36", "个月"))):
        return f"{who}3岁以下"
    if age["low"]:
        return f"{who}{age['low']}-{age['high']}{'岁' if age['month'] == '岁' else '个月'}"
    if age["under"] and (age["too"] or age["with"] == "含"):
        return f"{who}0-{age['under']}岁"
    return f"{who}{age['under'] or age['below']}岁以下"


def split_brackets(name: object) -> tuple[str, tuple[str, ...]]:
    """Split *name* into the compared part and its brackets: "人口（人）" into "人口" and "人"."""
    text = normalized(name)
    notes = (next(filter(None, match.groups()), "") for match in _BRACKETS.finditer(text))
    return _BRACKETS.sub("", text), tuple(filter(None, notes))


def names_another(note: str, kind: str) -> bool:
    """Whether brackets give a text or flag another meaning: past, planned, or a number."""
    return _ANOTHER.search(note) is not None or (kind == "flag" and _NO_FLAG.search(note) is not None)


def split_unit(name: object) -> tuple[str, tuple[str, ...]]:
    """Split the heading of a number as `split_brackets` does; a unit may also follow a slash or colon."""
    text, held = split_brackets(name)
    words, _, unit = text.replace(":", "/").rpartition("/")
    return (words, (*held, unit)) if words and unit else (text, held)


#: Bytes of a name in the table of a Shapefile.
NAME_BYTES = 10


def cut_name(name: object) -> str:
    """Return the beginning of *name* if a Shapefile may have cut it at 10 bytes or inside a character, else ""."""
    left = str(name).rstrip("\ufffd?")
    utf8, gbk = (len(left.encode(encoding, "replace")) for encoding in ("utf-8", "gb18030"))
    full = NAME_BYTES in (utf8, gbk) or (not left.isascii() and (utf8 in (8, 9) or gbk == NAME_BYTES - 1))
    return left if len(left) > 1 and (full or left != str(name)) else ""
