"""Draw docs/report-desk.png and docs/report-phone.png: the report of a run on drawn images.

    uv run --with PyQt6-WebEngine --with pymupdf docs/make_report_pictures.py RUN

RUN is a finished and evaluated run on drawn images, since real ones have licences of their own.
Chromium lays the page out at the width of a desk and of a phone.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QTWEBENGINE_CHROMIUM_FLAGS", "--no-sandbox --disable-gpu")

import pymupdf
from PyQt6.QtCore import QMarginsF, QSizeF, QUrl
from PyQt6.QtGui import QPageLayout, QPageSize
from PyQt6.QtWebEngineCore import QWebEnginePage
from PyQt6.QtWidgets import QApplication

DOCS = Path(__file__).parent
MILLIMETRES = 25.4 / 96  # of a CSS pixel
SIZES = {"desk": (1000, 2700), "phone": (400, 2700)}  # CSS pixels


def main() -> None:
    """Print the report as PDF at each width, and keep the first page as a picture."""
    report = Path(sys.argv[1]) / "report" / "index.html"
    application = QApplication(sys.argv[:1])
    page = QWebEnginePage()
    todo = list(SIZES)

    def print_next(_done: object = None) -> None:
        if not todo:
            application.quit()
            return
        name = todo.pop()
        page.printToPdf(str(folder / f"{name}.pdf"), layout(*SIZES[name]))

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        page.loadFinished.connect(print_next)
        page.pdfPrintingFinished.connect(print_next)
        page.load(QUrl.fromLocalFile(str(report.resolve())))
        application.exec()
        for name in SIZES:
            picture = pymupdf.open(folder / f"{name}.pdf")[0].get_pixmap(dpi=72)
            picture.save(DOCS / f"report-{name}.png")


def layout(width: int, height: int) -> QPageLayout:
    """Return a page of so many CSS pixels, without margins."""
    size = QPageSize(QSizeF(width * MILLIMETRES, height * MILLIMETRES), QPageSize.Unit.Millimeter)
    return QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0))


if __name__ == "__main__":
    main()
