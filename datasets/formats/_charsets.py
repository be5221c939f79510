"""Which of a short list of encodings text that is not Unicode is in, by how well its letters fit together.

Every sign that is not ASCII gets a weight from 0 to 1: how usual it is in text of that encoding, given its neighbours.
An encoding's score is the mean over the bytes of those signs; lines that it cannot decode count as 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

LINES = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_LONGEST = 2048  # of a line that is looked at
# Frequent in running text, in names of people and of places; in both ways of writing Chinese, and in Japanese.
_HAN = frozenset(
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着著下自之年过過发發后後作里裡"
    "用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實"
    "日军軍者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外将將两兩高间間由问問很最重并物手应應战戰向头頭文体體"
    "政美相见見被利什二等产產或新己制身果加西斯月话話合回特代内內信表化老给給世位次度门門任常先海通教儿兒原东東声聲提立及比员員解水名"
    "真论論处處走义義各入几幾口认認条條平系气氣题題活尔爾更别別打女变變四神总總何电電数數安少报報才结結反受目太量再感建务務做接必场場"
    "件计計管期市直德资資命山金指克许許统統区區保至队隊形社便空决決治展马馬科司五基眼书書非则則听聽白却界达達光放强強即像难難且权權思"
    "王象完设設式色路记記南品住告类類求据據程北边邊死张張该該交规規万萬取拉格望觉覺术術领領共确確传傳师師观觀清今切院让讓识識候带帶导"
    "導争爭运運笔筆京城州省县縣村镇鎮李刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫胡朱林郭梁宋郑鄭谢謝韩韓唐冯馮董萧蕭曹袁邓鄧傅沈曾彭吕呂苏蘇卢盧"
    "蒋蔣蔡贾賈丁魏薛叶葉阎閻余潘杜戴夏钟鍾汪田姜范石姚谭譚廖邹鄒熊陆陸郝孔崔康毛邱秦江史顾顧侯邵孟龙龍段雷钱錢汤湯尹黎易武乔喬贺賀赖賴"
    "龚龔湖广廣深圳杭津川香港台臺湾灣姓编編号號码碼价價额額单單位客户戶性别年龄齡男女是否日期时间状態态东京都府県区町村大阪市田中山本"
    "佐藤鈴木高橋渡辺伊小林加吉松井斎清水阿部森池石前川後岡野原島青福岩千葉横浜神戸名古屋札幌仙広氏株式会社商品売上数量価格円店"
)
_LATIN_USUAL = frozenset("éèêëàâäáãåæçîïíìñôöòóõøùûüúÿßœÉÈÊÀÂÄÁÅÆÇÍÎÑÖÓØÜÚŒ")
_LATIN_SIGNS = frozenset("’‘“”„–—…•€£¥§°²³½¼µ«»¿¡©®™±×·ºª\xa0")
_CYRILLIC = (
    dict.fromkeys("оеаинтсрвлкмдпуяыьгзбчйхжшюё", 1.0) | dict.fromkeys("цщэфъ", 0.8) | dict.fromkeys("іїєґ", 0.6)
)
_CYRILLIC_SIGNS = frozenset("«»–—…№“”„’\xa0")
_CYRILLIC_LETTER = re.compile("[А-яЁё]")
_WIDE = re.compile(r"[\u3000-\u3002\u3008-\u3011\u2018-\u201d\u2026\u2014\uff00-\uff5e\u30fb\u30fc\u3005\u00b7]")


def score(encoding: str, lines: Iterable[bytes]) -> float:
    """How well the lines, each with a byte that is not ASCII, read in the encoding: from 0 to 1."""
    weigh = _WEIGH[encoding]
    total = weight = 0.0
    for line in lines:
        high = sum(byte >= 0x80 for byte in line)
        total += high
        try:
            text = line[:_LONGEST].decode(
                _PYTHON.get(encoding, encoding), "strict" if len(line) <= _LONGEST else "ignore"
            )
        except UnicodeDecodeError:
            continue
        signs = [weigh(f" {text} ", i) for i, sign in enumerate(text, start=1) if sign > "\x7f"]
        weight += high * sum(signs) / len(signs) if signs else 0
    return weight / total if total else 0.0


def _latin(text: str, i: int) -> float:
    sign = text[i]
    if sign in _LATIN_SIGNS:
        return 0.7 if sign in "’\xa0" or not _inside(text, i) else 0.1
    if not sign.isalpha():
        return 0.05
    before, after = text[i - 1], text[i + 1]
    if sign.isupper() and (before.islower() or (before.isalpha() and after.islower())):
        return 0.1
    if sign.islower() and before.isupper() and after.isupper():
        return 0.2
    company = sum(each > "\x7f" and each.isalpha() for each in (before, after))
    return (1.0, 0.4, 0.1)[company] if sign in _LATIN_USUAL else 0.2


def _inside(text: str, i: int) -> bool:
    """Answer whether a sign stands between two letters."""
    return text[i - 1].isalpha() and text[i + 1].isalpha()


def _cyrillic(text: str, i: int) -> float:
    sign = text[i]
    if sign in _CYRILLIC_SIGNS:
        # Quotes and dashes are the same bytes in Western text, which then has no Cyrillic letter.
        return 0.1 if _inside(text, i) or not _CYRILLIC_LETTER.search(text) else 0.7
    usual = _CYRILLIC.get(sign.lower(), 0.0)
    if not usual:
        return 0.1
    before, after = text[i - 1], text[i + 1]
    if any(each.isascii() and each.isalpha() for each in (before, after)):
        return 0.1
    if sign.isupper() and before.islower():
        return 0.05
    if sign.isupper() and before.isupper() and after.islower():
        return 0.3
    alone = not before.isalpha() and not after.isalpha()
    return 0.6 * usual if alone else usual


def _han(level_one: Callable[[str], bool]) -> Callable[[str, int], float]:
    def weigh(text: str, i: int) -> float:
        sign = text[i]
        around = (text[i - 1], text[i + 1])
        if any(each.isascii() and each.isalpha() for each in around) and all(each.isascii() for each in around):
            return 0.1  # half of it may be the letter of a Western word
        if sign in _HAN:
            return 1.0
        if "\u4e00" <= sign <= "\u9fff":
            return 0.75 if level_one(sign) else 0.15
        return 0.9 if _WIDE.match(sign) else 0.05

    return weigh


def _japanese(text: str, i: int) -> float:
    sign = text[i]
    if "\u3041" <= sign <= "\u30ff":
        return 1.0
    if "\uff61" <= sign <= "\uff9f":  # half as wide, in runs
        around = ["\uff61" <= each <= "\uff9f" for each in (text[i - 1], text[i + 1])]
        return (
            0.7 if any(around) and not any(each.isalnum() for each in text[i - 1 : i + 2] if each < "\uff61") else 0.05
        )
    return _shift_jis(text, i)


@lru_cache(maxsize=8192)
def _in_gb2312_one(sign: str) -> bool:
    return b"\xb0" <= sign.encode("gb18030")[:1] <= b"\xd7" and sign.encode("gb18030")[1] >= 0xA1


@lru_cache(maxsize=8192)
def _in_big5_one(sign: str) -> bool:
    return b"\xa4\x40" <= sign.encode("cp950", "replace") <= b"\xc6\x7e"


@lru_cache(maxsize=8192)
def _in_jis_one(sign: str) -> bool:
    return b"\x88\x9f" <= sign.encode("cp932", "replace") <= b"\x98\x72"


_shift_jis = _han(_in_jis_one)
# Names for people, and the variant of each that programs in fact write.
_PYTHON = {"big5": "cp950", "shift-jis": "cp932"}
_WEIGH: dict[str, Callable[[str, int], float]] = {
    "gb18030": _han(_in_gb2312_one),
    "big5": _han(_in_big5_one),
    "shift-jis": _japanese,
    "windows-1251": _cyrillic,
    "windows-1252": _latin,
}
LEGACY: tuple[str, ...] = tuple(_WEIGH)


def codec(encoding: str) -> str:
    """Python's name for an encoding."""
    return _PYTHON.get(encoding, encoding)


def plausible(text: str) -> bool:
    """Answer whether decoded text is made of signs that texts are made of."""
    odd = sum(unicodedata.category(sign) in ("Cn", "Co", "Cs", "Cc") and sign not in "\t\r\n" for sign in text)
    return odd <= 0.01 * len(text)
