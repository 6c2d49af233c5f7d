"""The page of `dlmath serve`, made with Gradio: images in, decisions and heat maps out."""

from collections.abc import AsyncIterator, Sequence
from html import escape
from typing import Any

import gradio as gr
from fastapi import FastAPI

from dlmath.data.image_formats import readable_formats
from dlmath.serving.limits import MEBIBYTE
from dlmath.serving.page_answers import answer_images
from dlmath.serving.page_asked import (
    MOST_IMAGES,
    Asked,
    read_choice,
    read_images,
    read_number,
)
from dlmath.serving.page_examples import draw_examples, example_button
from dlmath.serving.page_model import model_section, stamp
from dlmath.serving.page_room import Room, check_fetched
from dlmath.serving.page_routes import OnlyThePage
from dlmath.serving.page_script import LOAD_SCRIPT, ask_script
from dlmath.serving.page_style import STYLE, theme
from dlmath.serving.page_turns import Turns
from dlmath.serving.refusal import Refusal
from dlmath.serving.service import Service

_WELCOME = "Choose an image, or an example: the answer stands here."
# The script says there what is being sent; no answer of the server replaces it.
_ANSWERS = '<h2>Answers</h2><p id="dl-sending" role="status"></p>'


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
            with gr.Column(scale=5, min_width=300, elem_id="dl-right"):
                gr.HTML(_ANSWERS, elem_id="dl-answers")
                status = gr.HTML(_of_choice(0, f"<p>{_WELCOME}</p>"), elem_id="dl-status")
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
                # The later of two choices wins: see `page_turns`.
                trigger_mode="multiple",
                concurrency_limit=None,  # the service has its own bounds
            )
        page.blocks = blocks
        blocks.unload(page.forget)
    return blocks


class _Page:
    """What visitors may ask.

    Args:
        service: Answers.
    """

    def __init__(self, service: Service):
        self.service = service
        self.examples = draw_examples(service.name)
        self.turns = Turns()
        self.room = Room(service.limits)
        self.blocks: gr.Blocks | None = None  # whose part this is

    @property
    def ask_part(self) -> str:
        limits = self.service.limits
        kinds = ", ".join(readable_formats())
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
            f'<p class="dl-faint" id="dl-limits">{kinds}, up to {MOST_IMAGES} at a time, '
            f"{limits.image_bytes // MEBIBYTE} MiB each. They stay in memory until they are "
            'answered and are kept nowhere.</p><div role="alert"></div></div>'
            f"{examples if buttons else ''}"
        )

    async def answer_sent(
        self, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        """Answer the images of a visitor."""
        asked = read_images(event._data)
        async for update in self.answer(asked, request.session_hash, read_choice(event._data)):
            yield update

    async def answer_example(
        self, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[list[Any]]:
        """Answer an example that a visitor chose."""
        number = read_number(event._data, len(self.examples))
        asked = [] if number is None else [self.examples[number].asked]
        async for update in self.answer(asked, request.session_hash, read_choice(event._data)):
            yield update

    async def answer(
        self, asked: Sequence[Asked], session: str | None, choice: int
    ) -> AsyncIterator[list[Any]]:
        """Yield updates of the status and all cards, until the visitor chooses something else."""
        visitor = session or ""
        if self.turns.begin(visitor, choice):
            try:
                if self.blocks is not None:
                    check_fetched(self.blocks, visitor)
                with self.room.hold(asked):
                    async for update in self._updates(asked, visitor, choice):
                        yield update
            except Refusal as refusal:
                yield [_paragraph(refusal.reason, choice), *[""] * MOST_IMAGES]
        # Gradio sends the last update a second time, which must not undo a later choice; without
        # any update it would empty all cards.
        yield [gr.skip()] * (1 + MOST_IMAGES)

    async def _updates(
        self, asked: Sequence[Asked], visitor: str, choice: int
    ) -> AsyncIterator[list[Any]]:
        rest: dict[int, str] = dict.fromkeys(range(len(asked), MOST_IMAGES), "")
        async for shown in answer_images(self.service, asked):
            status = gr.skip() if shown.status is None else _paragraph(shown.status, choice)
            cards = {number: _of_choice(choice, card) for number, card in shown.cards.items()}
            changed, rest = {**rest, **cards}, {}
            async with self.turns.update(visitor, choice) as is_last:
                if not is_last:
                    break
                yield [status, *(changed.get(n, gr.skip()) for n in range(MOST_IMAGES))]

    def forget(self, request: gr.Request) -> None:
        """Forget a visitor who left."""
        self.turns.forget(request.session_hash or "")


def _heading(service: Service) -> str:
    return (
        f"<h1>dlmath: {escape(service.name)}</h1>"
        f'<div class="dl-notice" role="note">{stamp(service)}</div>'
    )


def _paragraph(text: str, choice: int) -> str:
    return _of_choice(choice, f"<p>{escape(text)}</p>")


def _of_choice(choice: int, html: str) -> str:
    """Mark a part with the choice that it answers: the script shows only the last one's."""
    return f'<div data-choice="{choice}">{html}</div>'
