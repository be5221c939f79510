"""Telling encodings apart: real names, places and sentences, in files from one line to many."""

from __future__ import annotations

import gettext
from pathlib import Path

import django
import pytest

from datasets.errors import UnreadableFile
from datasets.formats import _encoding
from tests.datasets.uploads import read

SIMPLIFIED = """王伟|北京市朝阳区建国路八十八号
李娜|上海市浦东新区世纪大道
张敏|广州市天河区体育西路
刘洋|成都市武侯区科华北路
陈静|哈尔滨市南岗区红军街
欧阳峰|乌鲁木齐市天山区
客户已于三月五日付款|合同尚未签订
产品质量合格|退货原因是包装破损
信用评分|逾期天数
糖尿病患者|血压偏高需要复查
机器学习模型|训练数据与测试数据
今天天气很好我们去公园散步|他说明天会下雨
诸葛亮|重庆市渝中区解放碑
女|已婚
男|未婚
部门|财务部
冰箱|洗衣机
苹果|葡萄
张三|北京
赵六|深圳"""
TRADITIONAL = """王小明|臺北市信義區松仁路
李淑芬|高雄市前鎮區中山三路
張志豪|臺中市西屯區臺灣大道
陳怡君|臺南市東區大學路
林俊傑|新北市板橋區文化路
黃美玲|桃園市中壢區中央西路
客戶已於三月五日付款|合約尚未簽訂
產品品質合格|退貨原因是包裝破損
信用評分|逾期天數
糖尿病患者|血壓偏高需要複查
機器學習模型|訓練資料與測試資料
今天天氣很好我們去公園散步|他說明天會下雨
諸葛亮|香港九龍尖沙咀
女|已婚
部門|財務部
冰箱|洗衣機
蘋果|葡萄
鄭成功|澎湖縣馬公市
蔡依林|新竹市
劉德華|香港"""
JAPANESE = """佐藤健|東京都千代田区丸の内
鈴木花子|大阪府大阪市北区梅田
高橋一郎|愛知県名古屋市中区栄
田中美咲|北海道札幌市中央区
渡辺誠|福岡県福岡市博多区
伊藤さくら|神奈川県横浜市西区みなとみらい
お客様は三月五日に支払いました|契約はまだです
品質に問題はありません|返品の理由は破損です
信用スコア|延滞日数
糖尿病の患者|血圧が高い
機械学習モデル|トレーニングデータ
今日は天気がいいので散歩に行きましょう|明日は雨です
ｶﾌﾞｼｷｶﾞｲｼｬ|ﾄｳｷｮｳﾄ
女性|既婚
部署|経理部
りんご|ぶどう
冷蔵庫|洗濯機
テレビ|カメラ
山田太郎|京都
中村|神戸"""
RUSSIAN = """Иванов Иван|Москва, улица Тверская
Петрова Анна|Санкт-Петербург, Невский проспект
Сидоров Пётр|Новосибирск
Кузнецова Мария|Екатеринбург
ООО «Ромашка»|НИЖНИЙ НОВГОРОД
Клиент оплатил счёт пятого марта|договор ещё не подписан
Качество товара хорошее|причина возврата – повреждение упаковки
Кредитный рейтинг|Дней просрочки
Больной диабетом|давление повышено
Модель машинного обучения|обучающая выборка
Сегодня хорошая погода|завтра будет дождь
Щербаков|Хабаровск
ЖЕНЩИНА|замужем
муж|не женат
Отдел|Бухгалтерия
Яблоко|Виноград
Казань|Да
Юлия|Нет
Эдуард|Сочи
Холодильник|Стиральная машина"""
GERMAN = """Jürgen Müller|München, Schillerstraße 5
Käthe Groß|Köln
Jörg Weiß|Düsseldorf
Zürich|Genève
Der Kunde hat am 5. März gezahlt|Vertrag noch nicht unterschrieben, daher ungültig
Größe|Stück
Kühlschrank|Waschmaschine für Küche
Geschäftsführer|ÖSTERREICH
Äpfel|Öl
früher|später
Bäcker|Übung"""
FRENCH = """François Lefèvre|Orléans
Hélène Bérénger|Besançon
Noël Château|Nîmes
Le client a payé le 5 mars|le contrat n’est pas encore signé
Qualité vérifiée|retour : emballage abîmé à l’arrivée
Prénom|Âge
été|forêt
créée à Paris|déjà reçue
L’œuvre coûte 12 €|« très cher »
garçon|où"""
SPANISH = """José Núñez|Málaga
María Peña|A Coruña
Año|Teléfono
El cliente pagó el 5 de marzo|¿está firmado el contrato?
São Paulo|Maringá
João Gonçalves|Conceição
señal|corazón
Håkon Sørensen|Tromsø
Åsa Öberg|Malmö"""
CASES = {
    ("simplified", "gb18030"): SIMPLIFIED,
    ("traditional", "big5"): TRADITIONAL,
    ("traditional in GBK", "gb18030"): TRADITIONAL,
    ("japanese", "shift-jis"): JAPANESE,
    ("russian", "windows-1251"): RUSSIAN,
    ("german", "windows-1252"): GERMAN,
    ("french", "windows-1252"): FRENCH,
    ("spanish and others", "windows-1252"): SPANISH,
}
PYTHON = {"big5": "cp950", "shift-jis": "cp932"}


def files(text: str, size: int) -> list[str]:
    """Tables of `size` rows each, cut from the text; the whole text where it has fewer."""
    rows = text.splitlines()
    parts = (rows[start : start + size] for start in range(0, len(rows), size))
    return ["name|note|n\n" + "".join(f"{row}|{i}\n" for i, row in enumerate(part)) for part in parts]


def guess(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    try:
        return _encoding.detect(path, content[:4096])
    except UnreadableFile as refused:
        return refused.code


def wrong(tmp_path: Path, size: int) -> tuple[int, list[tuple[str, str, str]]]:
    """How many files of so many rows there are, and those whose encoding is not told."""
    count, missed = 0, []
    for (language, encoding), text in CASES.items():
        for table in files(text, size):
            for real in (encoding, "utf-8", "utf-16-le", "utf-16-be"):
                count += 1
                found = guess(tmp_path / "t", table.encode(PYTHON.get(real, real)))
                if found != real:
                    missed.append((language, found, table))
    return count, missed


@pytest.mark.parametrize(("size", "accuracy"), [(1, 0.995), (2, 1.0), (3, 1.0), (5, 1.0), (1000, 1.0)])
def test_encodings_are_told_apart(tmp_path: Path, size: int, accuracy: float) -> None:
    count, missed = wrong(tmp_path, size)
    assert 1 - len(missed) / count >= accuracy, missed


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_the_first_odd_byte_may_come_late(tmp_path: Path, language: str, encoding: str) -> None:
    late = CASES[language, encoding].splitlines()[0]
    content = "name|note|n\n" + "plain|words|1\n" * 20_000 + late + "|2\n"
    report, rows, _ = read(tmp_path, content.encode(PYTHON.get(encoding, encoding)))
    assert report.options["encoding"] == encoding and f"{rows[-1]['name']}|{rows[-1]['note']}" == late


def test_one_bad_line_does_not_spoil_the_rest(tmp_path: Path) -> None:
    content = (RUSSIAN + "\n").encode() + b"caf\xe9|x\n"
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, b"a|b\n" + content)
    assert refused.value.code == "wrong_encoding" and "utf-8, but line 22" in refused.value.detail
    content = GERMAN.encode("windows-1252") + b"\n\x81|y\n"
    assert read(tmp_path, b"a|b\n" + content)[0].options["encoding"] == "latin-1"


def test_the_encoding_can_be_given(tmp_path: Path) -> None:
    content = "name,n\nМосква,1\n".encode("windows-1251")
    assert read(tmp_path, content, encoding="windows-1251")[1][0]["name"] == "Москва"
    assert read(tmp_path, content, encoding="latin-1")[1][0]["name"] == "Ìîñêâà"
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, content, encoding="shift-jis")
    assert refused.value.code == "wrong_encoding"


LOCALES = {
    "zh_Hans": "gb18030", "zh_Hant": "big5", "ja": "shift-jis", "ru": "windows-1251", "uk": "windows-1251",
    "de": "windows-1252", "fr": "windows-1252", "es": "windows-1252", "pt_BR": "windows-1252", "sv": "windows-1252",
}  # fmt: skip


@pytest.mark.parametrize(("size", "accuracy"), [(5, 0.99), (20, 1.0)])
def test_many_sentences_in_many_encodings(tmp_path: Path, size: int, accuracy: float) -> None:
    """The translations that come with Django, a few at a time."""
    count, missed = 0, []
    for locale, encoding in LOCALES.items():
        texts = [text for text in translations(locale) if can_be_written(text, encoding)]
        for start in range(0, len(texts) - size, size):
            content = "".join(f"{text},1\n" for text in texts[start : start + size])
            found = guess(tmp_path / "t", content.encode(PYTHON.get(encoding, encoding)))
            count += 1
            if found != encoding:
                missed.append((locale, found, content))
    assert count > 300 and 1 - len(missed) / count >= accuracy, missed


def translations(locale: str) -> list[str]:
    found = []
    for path in sorted(Path(django.__file__).parent.glob(f"**/locale/{locale}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            catalog = vars(gettext.GNUTranslations(file))["_catalog"]
        found += [text.replace("\n", " ") for key, text in catalog.items() if key and not text.isascii()]
    return found


def can_be_written(text: str, encoding: str) -> bool:
    try:
        text.encode(PYTHON.get(encoding, encoding))
    except UnicodeEncodeError:
        return False
    return True
