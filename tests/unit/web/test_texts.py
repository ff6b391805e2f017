"""Words of the interface: the same keys in both languages, none missing, none left over."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from ogc.web import pages

TEMPLATES = sorted((pages.ROOM / "templates").rglob("*.html"))
SCRIPTS = sorted((pages.ROOM / "static" / "js").glob("*.mjs"))


def test_both_languages_have_the_same_keys_and_places() -> None:
    vi, en = pages.texts("vi"), pages.texts("en")
    assert vi.keys() == en.keys()
    for key in vi:
        assert sorted(re.findall(r"{\w+}", vi[key])) == sorted(re.findall(r"{\w+}", en[key])), key


def test_every_text_a_template_or_a_script_asks_for_exists() -> None:
    known = pages.texts("vi")
    asked = {key for page in TEMPLATES for key in re.findall(r'\bt\(["\']([\w.]+)["\'][,)]', page.read_text())}
    asked |= {f"script.{key}" for script in SCRIPTS for key in re.findall(r'\bt\("(\w+)"', script.read_text())}
    assert sorted(asked - known.keys()) == []


def test_no_text_is_left_over() -> None:
    """Keys put together in a template (`"sharing." ~ …`) count by their beginning."""
    sources = [path.read_text() for path in (*TEMPLATES, *Path(pages.ROOM).glob("*.py"))]
    scripts = "".join(script.read_text() for script in SCRIPTS)
    beginnings = {key for source in sources for key in re.findall(r'["\']([\w.]+[._])["\'] ~', source)}

    def is_used(key: str) -> bool:
        if key.startswith("script."):
            return f't("{key.removeprefix("script.")}"' in scripts
        whole = any(f'"{key}"' in source or f"'{key}'" in source for source in sources)
        return whole or any(key.startswith(beginning) for beginning in beginnings)

    assert [key for key in pages.texts("vi") if not is_used(key)] == []


def test_texts_are_nfc_and_buttons_have_no_full_stop() -> None:
    for language in pages.LANGUAGES:
        for key, text in pages.texts(language).items():
            assert unicodedata.is_normalized("NFC", text), key
    for key in ("check.run", "check.find", "answer.copy", "answer.print", "landing.check"):
        assert not pages.texts("vi")[key].endswith(".")


def test_words_of_approval_do_not_occur() -> None:
    """The service reports; a person decides (domain reference 9)."""
    for text in pages.texts("vi").values():
        assert "phê duyệt" not in text.lower()
        assert "đủ điều kiện" not in text.lower()


def test_templates_have_no_inline_script_or_style() -> None:
    for page in TEMPLATES:
        text = page.read_text()
        assert not re.search(r"\sstyle=|\son\w+=|<style", text), page
        assert all(re.search(r"src=|application/(ld\+)?json", tag) for tag in re.findall(r"<script[^>]*>", text)), page


def test_nothing_of_ours_names_another_host() -> None:
    ours = [
        *TEMPLATES,
        *SCRIPTS,
        *(pages.ROOM / "static" / "css").glob("*.css"),
        *(pages.ROOM / "static" / "img").iterdir(),
    ]
    for path in ours:
        found = re.findall(r"https?://[^\s\"')]+", path.read_text())
        assert [host for host in found if host != "http://www.w3.org/2000/svg"] == [], path
