"""Numbers, areas and dates as an office writes them: 1.234,5 m² and dd/mm/yyyy, in either language."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal, format_percent

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
#: English with day before month, as everywhere in the country
LOCALES = {"vi": "vi_VN", "en": "en_GB"}
NO_BREAK = "\N{NO-BREAK SPACE}"
NONE = "–"


def number(value: float | None, language: str, digits: int = 1) -> str:
    """At most `digits` decimals, trailing zeros left out; a dash for what is not known."""
    if value is None:
        return NONE
    return format_decimal(value, format="#,##0" + ("." + "#" * digits if digits else ""), locale=LOCALES[language])


def fixed(value: float | None, language: str, digits: int = 1) -> str:
    """Exactly `digits` decimals, for columns of figures."""
    if value is None:
        return NONE
    return format_decimal(value, format="#,##0" + ("." + "0" * digits if digits else ""), locale=LOCALES[language])


def area(value_m2: float | None, language: str) -> str:
    """One decimal, as on a certificate."""
    return NONE if value_m2 is None else f"{fixed(value_m2, language, 1)}{NO_BREAK}m²"


def length(value_m: float | None, language: str) -> str:
    """Centimetres below ten metres, decimetres below a kilometre, metres above."""
    if value_m is None:
        return NONE
    digits = 2 if value_m < 10 else 1 if value_m < 1000 else 0
    return f"{number(value_m, language, digits)}{NO_BREAK}m"


def share(value: float | None, language: str) -> str:
    """A share of 1 as a percentage; what is not nothing is never written as 0 %."""
    if value is None:
        return NONE
    if 0 < value < 0.001:
        return f"<{NO_BREAK}{format_percent(0.001, format='0.0 %', locale=LOCALES[language])}"
    return format_percent(value, format="0.# %", locale=LOCALES[language])


def day(value: date | datetime | str | None) -> str:
    """dd/mm/yyyy in the province's time; a text that is no date is given back."""
    moment = _moment(value)
    return NONE if moment is None else moment if isinstance(moment, str) else moment.strftime("%d/%m/%Y")


def moment(value: datetime | str | None) -> str:
    """dd/mm/yyyy HH:MM in the province's time."""
    parsed = _moment(value)
    if isinstance(parsed, datetime):
        return parsed.strftime("%d/%m/%Y %H:%M")
    return day(value)


def _moment(value: date | datetime | str | None) -> date | datetime | str | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(HERE)
    return value
