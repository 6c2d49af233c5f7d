"""The page of `dlmath serve`, made with Gradio: images in, decisions and heat maps out."""

from collections.abc import AsyncIterator, Sequence
from html import escape
from typing import Any

import gradio as gr
from fastapi import FastAPI

from dlmath.serving.limits import MEBIBYTE
from dlmath.serving.page_answers import answer_images
from dlmath.serving.page_asked import MOST_IMAGES, Asked, read_images, read_number
from dlmath.serving.page_examples import draw_examples, example_button
from dlmath.serving.page_model import model_section, stamp
from dlmath.serving.page_routes import OnlyThePage
from dlmath.serving.page_script import LOAD_SCRIPT, ask_script
from dlmath.serving.page_style import STYLE, theme
from dlmath.serving.service import Service

_WELCOME = "Choose an image, or an example: the answer stands here."


def mount_page(app: FastAPI, service: Service) -> None:
    """Put the page at the root of a server, after all other routes.

    Gradio's own addresses stay closed but for those that the page uses, and nothing is sent to or
    fetched from any other host.
    """
    gr.mount_gradio_app(
        app,
        build_page(service),
        "/",
        theme=theme(),
        css=STYLE,
        js=LOAD_SCRIPT,
        footer_links=[],
        run_history=False,  # the browser would keep the images
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
    )
    app.add_middleware(OnlyThePage)


def build_page(service: Service) -> gr.Blocks:
    """Return the page of a model; `mount_page` gives it its looks."""
    page = _Page(service)
    # Gradio counts its users at gradio.app unless it is told not to.
    with (
        gr.Blocks(title=f"dlmath: {service.name}", analytics_enabled=False) as blocks,
        gr.Column(elem_id="dl-page"),
    ):
        gr.HTML(_heading(service))
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                ask = gr.HTML(page.ask_part, js_on_load=ask_script(service.limits))
            with gr.Column(scale=5, min_width=300):
                gr.HTML("<h2>Answers</h2>", elem_id="dl-answers")
                status = gr.HTML(_paragraph(_WELCOME), elem_id="dl-status")
                # Always there: a card that appears and changes at once would miss the change.
                with gr.Column(elem_id="dl-cards"):
                    cards = [gr.HTML() for _ in range(MOST_IMAGES)]
        gr.HTML(f'<section class="dl-model">{model_section(service)}</section>')
        outputs = [status, *cards]
        for event, answer in ((ask.upload, page.answer_sent), (ask.select, page.answer_example)):
            event(
                answer,
                outputs=outputs,
                queue=True,
                api_visibility="private",
                show_progress="hidden",
                # The later of two requests wins: see `_Page.answer`.
                trigger_mode="multiple",
                concurrency_limit=None,  # the service has its own bounds
            )
        blocks.unload(page.forget)
    return blocks


class _Page:
    """What visitors may ask, and which request of each of them is the last.

    Args:
        service: Answers.
    """

    def __init__(self, service: Service):
        self.service = service
        self.examples = draw_examples(service.name)
        self._last: dict[str, int] = {}  # by visitor

    @property
    def ask_part(self) -> str:
        limits = self.service.limits
        buttons = "".join(example_button(one, n) for n, one in enumerate(self.examples))
        examples = (
            '<h2 class="dl-second">Or an example</h2>'
            '<p class="dl-faint">Drawn by a program, not taken of anyone.</p>'
            f'<ul class="dl-examples">{buttons}</ul>'
        )
        return (
            '<h2>Images</h2><div class="dl-drop">'
            '<input id="dl-files" type="file" multiple accept="image/png,image/jpeg,.dcm" '
            'aria-describedby="dl-limits"><label class="dl-choose" for="dl-files">Choose images'
            '</label><button type="button" class="dl-paste" hidden>Paste an image</button>'
            "<p>or drop them here</p>"
            f'<p class="dl-faint" id="dl-limits">PNG or JPEG, up to {MOST_IMAGES} at a time, '
            f"{limits.image_bytes // MEBIBYTE} MiB each. They stay in memory until they are "
            'answered and are kept nowhere.</p><div role="alert"></div></div>'
            f"{examples if buttons else ''}"
        )

    async def answer_sent(
        self, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        """Answer the images of a visitor."""
        async for update in self.answer(read_images(event._data), request.session_hash):
            yield update

    async def answer_example(
        self, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        """Answer an example that a visitor chose."""
        number = read_number(event._data, len(self.examples))
        asked = [] if number is None else [self.examples[number].asked]
        async for update in self.answer(asked, request.session_hash):
            yield update

    async def answer(self, asked: Sequence[Asked], visitor: str | None) -> AsyncIterator[list[Any]]:
        """Yield updates of the status and all cards, until the visitor asks for something else."""
        turn = self._next_turn(visitor)
        if not asked:
            return
        rest: dict[int, str] = dict.fromkeys(range(len(asked), MOST_IMAGES), "")
        async for shown in answer_images(self.service, asked):
            if self._last.get(visitor or "") != turn:
                break
            status = gr.skip() if shown.status is None else _paragraph(shown.status)
            changed, rest = {**rest, **shown.cards}, {}
            yield [status, *(changed.get(n, gr.skip()) for n in range(MOST_IMAGES))]
        # Gradio sends the last update a second time, which must not undo a later request.
        yield [gr.skip()] * (1 + MOST_IMAGES)

    def forget(self, request: gr.Request) -> None:
        """Forget a visitor who left."""
        self._last.pop(request.session_hash or "", None)

    def _next_turn(self, visitor: str | None) -> int:
        turn = self._last.get(visitor or "", 0) + 1
        self._last[visitor or ""] = turn
        return turn


def _heading(service: Service) -> str:
    return (
        f"<h1>dlmath: {escape(service.name)}</h1>"
        f'<div class="dl-notice" role="note">{stamp(service)}</div>'
    )


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
