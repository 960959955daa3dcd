"""Invented people: names, ID cards with a right check digit, addresses that do not exist."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from pypinyin import Style, lazy_pinyin
from stdnum.cn import ric

_REGION = "429902"
"""No county of GB/T 2260 has it."""
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘蒋蔡余"
    "于杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯"
    "龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_GIVEN = (
    "桂芳", "秀英", "建国", "丽华", "志强", "玉兰", "海燕", "晓东", "文博",
    "思远", "静怡", "立衡", "婉清", "明远", "书瑶", "国庆", "春梅", "德胜",
    "雪梅", "永福", "小燕", "俊杰", "翠花", "长生", "玉珍", "家豪", "梓涵",
    "雨桐", "浩然", "欣怡", "敏", "伟", "芳", "军", "杰", "娟",
)  # fmt: skip
_VILLAGES = ("柳溪村", "白石村", "云台村", "古渡村", "双桥社区", "沙河社区", "望江村", "竹山村")
_MARITAL = ("10", "20", "20", "20", "30", "40")
_OLDEST = date(1932, 1, 1)
_DAYS = 33_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist; ``marital`` is a code of GB/T 2261.2."""

    number: int
    name: str
    is_male: bool
    born: date
    id_card: str
    phone: str
    address: str
    marital: str

    @property
    def gender_code(self) -> str:
        """The code of GB/T 2261.1."""
        return "1" if self.is_male else "2"

    @property
    def gender(self) -> str:
        """The code of FHIR's administrative gender."""
        return "male" if self.is_male else "female"

    @property
    def pinyin(self) -> str:
        """The name as older systems print it, in capital letters."""
        first, *rest = lazy_pinyin(self.name, style=Style.NORMAL)
        return f"{first} {''.join(rest)}".upper()


def people(count: int, random: Random) -> Iterator[Person]:
    """Invent people, no two with one ID card."""
    known: set[str] = set()
    for number in range(count):
        born = _OLDEST + timedelta(days=random.randrange(_DAYS))
        is_male = random.random() < 0.49
        while (id_card := _id_card(number, born, is_male=is_male)) in known:
            born += timedelta(days=1)
        known.add(id_card)
        yield Person(
            number,
            random.choice(_SURNAMES) + random.choice(_GIVEN),
            is_male,
            born,
            id_card,
            f"139{number:08d}",
            f"沙溪县沙溪镇{random.choice(_VILLAGES)}{random.randrange(1, 99)}号",
            random.choice(_MARITAL),
        )


def _id_card(number: int, born: date, *, is_male: bool) -> str:
    """Make an ID number whose order number keeps people of one birthday apart (GB 11643)."""
    order = number % 499 * 2 + (1 if is_male else 0)
    begun = f"{_REGION}{born:%Y%m%d}{order:03d}"
    digit: str = ric.calc_check_digit(f"{begun}0")
    return begun + digit
