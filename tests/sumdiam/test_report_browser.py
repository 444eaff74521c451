"""The report as a reader opens it: from disk, in a browser that can reach nothing."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sumdiam.export.table_file import csv_bytes
from sumdiam.report.page import write_report
from sumdiam.report.run_tables import RunFacts

from .fake_run import fake_run

pytestmark = pytest.mark.browser

SECTIONS = ("read", "flow", "characteristics", "response", "survival", "factors", "change",
            "course", "lesions", "pictures", "policies", "provenance")  # fmt: skip
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
OF_THE_BROWSER = (
    "https://accounts.google.com/ListAccounts",
    "http://clients2.google.com/time/",
    "http://update.googleapis.com/service/update2/",
    "https://update.googleapis.com/service/update2/",
)
"""What this browser asks its maker for with any page; none of it leaves the machine here."""

MEASURED = """
<script>
const wide = [...document.querySelectorAll("table")].filter((t) => t.rows.length)
  .filter((t) => t.scrollWidth > t.parentElement.clientWidth).map((t) => t.id);
document.body.dataset.wide = wide.join(" ");
document.body.dataset.page = document.documentElement.scrollWidth - innerWidth;
document.body.dataset.images = [...document.images].filter((i) => i.src).length;
</script>
"""


class Dom(HTMLParser):
    """Sections, addresses, rows of every table and what the page measured of itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections, self.addresses, self.body = [], [], {}
        self.rows: dict[str, int] = {}
        self.table, self.in_body = "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.addresses += [
            value for name, value in attrs
            if name in {"src", "href", "xlink:href", "srcset", "poster", "action", "data"} and value
        ]  # fmt: skip
        if tag == "section":
            self.sections.append(found["id"])
        elif tag == "body":
            self.body = found
        elif tag == "table":
            self.table = found.get("id", "")
        elif tag == "tbody":
            self.in_body = True
        elif tag == "tr" and self.in_body:
            self.rows[self.table] = self.rows.get(self.table, 0) + 1

    def handle_endtag(self, tag):
        if tag == "tbody":
            self.in_body = False


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs chromium: apt-get install chromium")
        pytest.skip("no chromium on this machine")
    return found


@pytest.fixture(scope="module")
def run():
    return fake_run(n_subjects=10, n_lesions=3)


@pytest.fixture(scope="module")
def report(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return write_report(
        run.tables, overlays=run.overlays, out=folder / "report.html",
        run_facts=RunFacts(title="Trial", simulated=True), figures=folder / "figures",
    )  # fmt: skip


def opened(chromium: str, page: Path, folder: Path, *flags: str) -> str:
    """Open a page from disk with an empty profile; return what the browser prints."""
    call = [chromium, *QUIET, f"--user-data-dir={folder / 'profile'}", *flags, page.as_uri()]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def measured(chromium: str, report: Path, folder: Path, width: int) -> Dom:
    """Return the page's DOM, with what it measures of itself at a window's width."""
    text = report.read_text(encoding="utf-8")
    probe = folder / "probe.html"
    probe.write_text(text.replace("</body>", MEASURED + "</body>"), encoding="utf-8")
    return Dom(opened(chromium, probe, folder, "--dump-dom", f"--window-size={width},3000"))


@pytest.fixture(scope="module")
def dom(chromium, report, tmp_path_factory):
    return measured(chromium, report, tmp_path_factory.mktemp("browser"), 1400)


def test_the_open_page_asks_for_nothing_from_outside(chromium, report, tmp_path):
    log = tmp_path / "net.json"
    text = opened(chromium, report, tmp_path, "--dump-dom", f"--log-net-log={log}")
    addresses = Dom(text).addresses
    assert addresses
    assert all(one.startswith(("#", "data:image/png;base64,")) for one in addresses)
    assert not re.search(r"url\(\s*['\"]?https?:|@import", text)
    asked = re.findall(r'"url":"([a-z-]+:[^"]*)"', log.read_text(encoding="utf-8"))
    outside = [url for url in asked if not url.startswith(("data:", "file:", "chrome"))]
    assert [url for url in outside if not url.startswith(OF_THE_BROWSER)] == []


def test_pictures_that_stay_beside_the_page_are_seen(chromium, run, tmp_path):
    (tmp_path / "overlays").mkdir()
    paths = {name: f"overlays/{place}.png" for place, name in enumerate(run.overlays)}
    for name, path in paths.items():
        (tmp_path / path).write_bytes(run.overlays[name])
    out = tmp_path / "report.html"
    write_report(
        run.tables, overlays=paths, out=out, run_facts=RunFacts(title="Trial"), embedded_mb=0
    )
    text = out.read_text(encoding="utf-8").replace(' loading="lazy"', "")
    probe = "<script>addEventListener('load', () => document.body.dataset.seen = [...document" \
        ".images].filter(one => one.naturalWidth > 0).length)</script></body>"  # fmt: skip
    out.write_text(text.replace("</body>", probe), encoding="utf-8")
    dom = Dom(opened(chromium, out, tmp_path, "--dump-dom"))
    assert int(dom.body["data-seen"]) == text.count('<img src="overlays/') > 1


def test_every_section_is_there_in_its_order(dom):
    assert tuple(dom.sections) == SECTIONS


def test_tables_have_as_many_rows_as_the_files(run, dom):
    for name, table in (("course", "responses"), ("lesions", "lesions")):
        frame = getattr(run.tables, table)
        lines = csv_bytes(frame).decode("utf-8").splitlines()
        assert dom.rows[f"table-{name}"] == len(frame) == len(lines) - 1
    refused = run.tables.studies["status"].isin(["refused", "failed"]).sum()
    assert dom.rows.get("table-refused", 0) == refused


def test_every_picture_is_shown_once(run, dom):
    assert int(dom.body["data-images"]) == len(set(run.overlays.values()))


@pytest.mark.parametrize("width", [1400, 1000])
def test_the_page_is_not_wider_than_its_window(chromium, report, tmp_path, width):
    found = measured(chromium, report, tmp_path, width)
    assert int(found.body["data-page"]) <= 0
    assert found.body["data-wide"] == ""


def test_it_prints(chromium, report, tmp_path):
    out = tmp_path / "report.pdf"
    opened(chromium, report, tmp_path, f"--print-to-pdf={out}", "--no-pdf-header-footer")
    content = out.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 3
