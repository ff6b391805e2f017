"""From the form to the answer, as a land officer does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import MAPS_DRAWN, PHONE, Watched
from tests.support.town import affected_parcel

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OpenPage = Callable[..., Watched]
QUESTIONS = "[data-procedure=land_use_change]"
PARCEL = affected_parcel()
AFFECTED = f"/check?commune=25747@2025&sheet=45&parcel={PARCEL}&procedure=land_use_change"


def answered(page: Any) -> Any:
    page.wait_for_selector("#candidates input:checked", state="attached")
    page.select_option(f"{QUESTIONS} [data-input=target_use]", "ODT")
    page.fill(f"{QUESTIONS} [data-input=target_area_m2]", "120,5")
    page.fill("#dossier", "H29.19-260715-0012")
    page.click("#run")
    page.wait_for_url("**/checks/*")
    return page


def test_a_check_ends_in_office_words_with_its_legal_basis(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = answered(watched.open(AFFECTED))
    assert page.locator("h1").inner_text().startswith(f"Thửa đất số {PARCEL}, tờ bản đồ số 45")
    assert page.locator(".verdict .word").inner_text() == "Không đạt (có vướng mắc)"
    finding = page.locator("#affected [data-check=water_corridor]")
    assert "Bị ảnh hưởng" in finding.inner_text()
    assert "Căn cứ pháp lý" in finding.inner_text()
    assert "22/QĐ-UBND" in finding.inner_text()
    assert "120,5\u00a0m²" in page.locator(".paper-head").inner_text().replace(" m²", "\u00a0m²")
    watched.until(MAPS_DRAWN)
    watched.keep("answer-vi-desktop")
    page.emulate_media(media="print")
    watched.keep("answer-print")
    page.emulate_media(media="screen")
    page.set_viewport_size(PHONE)
    watched.until(MAPS_DRAWN)
    watched.keep("answer-vi-phone")
    english = watched.open(page.url.removeprefix(watched.address) + "?lang=en")
    assert english.locator(".verdict .word").inner_text() == "Fail (obstacle found)"


def test_the_map_of_an_answer_marks_the_parcel_and_what_affects_it(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = answered(watched.open(AFFECTED))
    drawn = "document.getElementById('answer-map').map"
    watched.until(f"{drawn}?.loaded() && {drawn}.getLayer('water_corridor:hit')")
    watched.until(f"{drawn}.queryRenderedFeatures({{layers: ['water_corridor:hit']}}).length > 0")
    assert page.evaluate(f"{drawn}.queryRenderedFeatures({{layers: ['marked:fill']}}).length") > 0


def test_the_text_for_the_appraisal_note_is_copied(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    watched.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = answered(watched.open(AFFECTED))
    page.click("#copy")
    watched.until("document.getElementById('copy-status').textContent !== ''")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"Thửa đất số {PARCEL}")
    assert "Căn cứ pháp lý" in copied


def test_missing_answers_are_told_at_their_fields(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.open(AFFECTED)
    page.wait_for_selector("#candidates input:checked", state="attached")
    page.click("#run")
    field = page.locator(f"{QUESTIONS} [data-input=target_use]")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.evaluate("field => field === document.activeElement")
    page.fill("#on-date", "hôm qua")
    page.select_option(f"{QUESTIONS} [data-input=target_use]", "ODT")
    page.fill(f"{QUESTIONS} [data-input=target_area_m2]", "100")
    page.click("#run")
    assert page.locator("#on-date-problem").inner_text() == "Ngày cần viết dạng dd/mm/yyyy."


def test_what_the_service_refuses_is_told_at_the_field_it_names(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.open(AFFECTED)
    page.wait_for_selector("#candidates input:checked", state="attached")
    page.select_option(f"{QUESTIONS} [data-input=target_use]", "ODT")
    page.fill(f"{QUESTIONS} [data-input=target_area_m2]", "0")
    page.click("#run")
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.locator(f"{QUESTIONS} [data-input=target_area_m2]").get_attribute("aria-invalid") == "true"
    watched.keep("check-refused")
    assert all("Failed to load resource" in trouble for trouble in watched.troubles)  # the 422 itself
    watched.troubles.clear()


def test_of_two_namesakes_one_must_be_chosen(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.open("/check?commune=25747@2025&sheet=46&parcel=7")
    page.wait_for_selector("#candidates label")
    assert page.locator("#candidates label").count() == 2
    assert page.locator("#candidates input:checked").count() == 0
    assert "2" in page.locator("#parcel-status").inner_text()
    watched.keep("check-candidates")
    page.locator("#candidates label").nth(1).click()
    watched.until("document.getElementById('preview-text').textContent.includes('Thửa')")


def test_a_parcel_that_is_not_there_is_told_with_the_next_step(open_page: OpenPage) -> None:
    watched = open_page()
    watched.open("/check?commune=25747@2025&sheet=45&parcel=99999")
    watched.until("document.getElementById('parcel-status').textContent.startsWith('Không tìm thấy')")
