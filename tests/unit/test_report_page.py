"""The report in a browser: it needs no network, fits the window, sorts, searches and enlarges."""

import shutil

import pytest
from report_samples import make_content

from ssc.report.page import render

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(make_content()), "utf-8")
    return path


@pytest.fixture
def open_page(browser, file):
    contexts = []

    def open_page(width=1400, scheme="light"):
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme))
        page = contexts[-1].new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        # Charts are drawn when they come near the window.
        for chart in page.locator("[data-chart]").all():
            chart.scroll_into_view_if_needed()
        page.wait_for_function(
            "document.querySelectorAll('[data-chart]').length"
            " === document.querySelectorAll('[data-chart] canvas').length"
        )
        assert said == []
        assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [file.as_uri()]
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400, 1920])
def test_nothing_is_wider_than_the_window(open_page, width, scheme):
    page = open_page(width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def names(page):
    return page.locator(".images tbody tr:visible td.text[data-value]").evaluate_all(
        "cells => cells.map(cell => cell.dataset.value)"
    )


def test_the_table_sorts_and_searches(open_page):
    page = open_page()
    worst = ["Ure_0002", "Ure_0003", "Wye_0001", "Ure_0001", "Wye_0002"]
    assert names(page) == worst
    page.click("th button:text-is('Confidence')")
    assert names(page) == ["Ure_0003", "Wye_0001", "Wye_0002", "Ure_0002", "Ure_0001"]
    page.click("th button:text-is('Confidence')")
    assert names(page)[0] == "Ure_0001"
    page.click("th button:text('F1, final')")
    # Images without labels are last, whatever the order.
    assert names(page)[:3] == ["Ure_0002", "Wye_0001", "Wye_0002"]
    page.fill("#search", "wye warn")
    assert names(page) == ["Wye_0002"]


def test_figures_open_large_with_their_layers(open_page):
    page = open_page()
    page.click("button[title='Enlarge Ure_0003']")
    assert page.inner_text("dialog h2") == "Ure_0003"
    layers = page.locator("#layers button").all_inner_texts()
    assert layers == [
        *("Image", "CNN map", "Final map", "Changed by phase 2"),
        *("Confidence", "Labels", "Right and wrong"),
    ]
    sources = set()
    for layer in layers[1:]:
        page.click(f"#layers button:text-is('{layer}')")
        sources.add(page.locator(".stack img").nth(1).get_attribute("src"))
    assert len(sources) >= 5
    page.click("#after")
    assert page.inner_text("dialog h2") == "Wye_0001"
    page.click("#close")
    assert not page.is_visible("dialog")


def test_the_confusion_matrix_of_the_cnn_is_a_click_away(open_page):
    page = open_page()
    assert page.is_visible("[data-of=MLP]") and not page.is_visible("[data-of=CNN]")
    page.click("[data-stage=CNN]")
    assert page.is_visible("[data-of=CNN]") and not page.is_visible("[data-of=MLP]")
