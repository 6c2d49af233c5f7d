"""How the page looks: Gradio's theme without any font from elsewhere, and the style sheet.

Light and dark; every pair of ink and ground has a contrast of at least 4.5, every border and mark
that means something 3 (WCAG 2.2, level AA). `dlmath.explain.overlay.VIRIDIS` colours the maps.
"""

import gradio as gr

_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
_MONOSPACED = ["ui-monospace", "Consolas", "monospace"]


def theme() -> gr.themes.Base:
    """Return a theme that asks for nothing but what the browser has."""
    return gr.themes.Base(
        font=[gr.themes.Font(name) for name in _FONTS],
        font_mono=[gr.themes.Font(name) for name in _MONOSPACED],
    ).set(
        body_background_fill="#ffffff",
        body_background_fill_dark="#15181b",
        body_text_color="#1c1f23",
        body_text_color_dark="#e6e8ea",
    )


STYLE = """
:root { --dl-ink: #1c1f23; --dl-faint: #56606b; --dl-line: #d8dde3; --dl-edge: #7b858f;
  --dl-card: #f6f8fa; --dl-blue: #0064a5; --dl-red: #a63a00; --dl-doubt: #fff3d6;
  --dl-doubt-edge: #8a5a00; --dl-track: #dfe4e9; --dl-button: #ffffff;
  --dl-paper: #ffffff; color-scheme: light; }
.dark { --dl-ink: #e6e8ea; --dl-faint: #a5adb5; --dl-line: #363c43; --dl-edge: #87919b;
  --dl-card: #1d2125; --dl-blue: #6cbcf0; --dl-red: #ffa070; --dl-doubt: #3a2f12;
  --dl-doubt-edge: #f0b94a; --dl-track: #363c43; --dl-button: #262b30;
  --dl-paper: #15181b; color-scheme: dark; }
.gradio-container .fillable.app { max-width: 78rem !important; padding: 0 !important; }
.gradio-container .prose, .gradio-container .prose * { color: inherit; }
#dl-page { color: var(--dl-ink); padding: 1rem 1rem 3rem; }
#dl-page .html-container { padding: 0; }
#dl-cards { gap: 0 !important; } #dl-right { gap: .25rem !important; }
#dl-status { margin: -.75rem 0 .4rem; }
#dl-page h1 { font-size: 1.6rem; margin: 0; } #dl-page h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
#dl-page h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
#dl-page p { margin: .35rem 0; line-height: 1.5; overflow-wrap: anywhere; }
#dl-page .prose { font-size: 1rem; max-width: none; }
#dl-page .faint, #dl-page .dl-faint, #dl-page figcaption { color: var(--dl-faint);
  font-size: .875rem; }
#dl-page .warning { border-left: .25rem solid var(--dl-doubt-edge); padding-left: .75rem; }
#dl-page :focus-visible, #dl-page input:focus-visible + label, #dl-page summary:focus-visible {
  outline: .2rem solid var(--dl-blue); outline-offset: .15rem; }
.dl-notice { background: var(--dl-doubt); border: 1px solid var(--dl-doubt-edge);
  border-radius: .4rem; padding: .5rem .9rem; margin-top: .6rem; }
#dl-page .dl-summary ul { margin: .2rem 0; padding-left: 1.2rem; list-style: disc; }
#dl-page .dl-summary a { color: var(--dl-blue); text-decoration: underline; padding: 0; margin: 0; }

.dl-drop { border: 2px dashed var(--dl-edge); border-radius: .6rem; padding: 1.1rem;
  text-align: center; background: var(--dl-card); }
.dl-drop.dl-over { border-style: solid; border-color: var(--dl-blue); }
.dl-drop input { position: absolute; width: 1px; height: 1px; opacity: 0; }
.dl-choose, .dl-paste { display: inline-block; font: inherit; font-weight: 600;
  border: 1px solid var(--dl-edge); border-radius: .4rem; padding: .6rem 1rem; margin: .2rem;
  cursor: pointer; color: var(--dl-ink); background: var(--dl-button); }
.dl-choose { color: var(--dl-paper); background: var(--dl-blue); border-color: var(--dl-blue); }
.dl-paste[hidden] { display: none; }
#dl-page .dl-second { margin-top: 1.25rem; }
.dl-examples { list-style: none; padding: 0; margin: .4rem 0 0; display: grid; gap: .5rem;
  grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }
.dl-examples li { margin: 0; } .dl-example { width: 100%; height: 100%; padding: .35rem;
  border: 1px solid var(--dl-edge); border-radius: .4rem; background: var(--dl-button);
  color: var(--dl-ink); font: inherit; font-size: .8125rem; line-height: 1.25; cursor: pointer; }
.dl-example img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #000;
  border-radius: .25rem; display: block; margin: 0 0 .35rem !important; }
.dl-example:hover, .dl-paste:hover { border-color: var(--dl-blue); }

#dl-page [data-choice][hidden], #dl-sending:empty { display: none; }
.dl-card { border: 1px solid var(--dl-line); border-radius: .6rem; background: var(--dl-card);
  padding: .9rem 1rem; margin: 0 0 .9rem !important; display: grid;
  gap: .25rem 1.25rem; grid-template-columns: 1fr; }
@media (min-width: 62rem) { .dl-card { grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr); }
  .dl-card h3, .dl-card.dl-plain .dl-said { grid-column: 1 / -1; } }
.dl-decision { font-size: 1.15rem; } .dl-decision, .dl-refused, .dl-doubt { display: flex;
  gap: .5rem; align-items: flex-start; }
.dl-decision { align-items: center; } .dl-decision.dl-positive { color: var(--dl-red); }
.dl-decision.dl-negative { color: var(--dl-blue); }
.dl-icon { width: 1.5rem; height: 1.5rem; flex: none; fill: none; stroke: currentColor;
  stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.dl-doubt { background: var(--dl-doubt); border: 1px solid var(--dl-doubt-edge);
  border-radius: .4rem; padding: .6rem .75rem; margin: .2rem 0 .6rem; }
#dl-page .dl-doubt ul { margin: .3rem 0 0; padding-left: 1.1rem; }
.dl-probability p { display: flex; justify-content: space-between; gap: 1rem; }
.dl-probability b { font-variant-numeric: tabular-nums; }
.dl-bar { position: relative; height: 1.1rem; background: var(--dl-track); border-radius: .2rem;
  border: 1px solid var(--dl-edge); forced-color-adjust: none; }
.dl-probability { padding-bottom: .4rem; } .dl-probability.dl-marked { padding-bottom: 1.9rem; }
.dl-fill { position: absolute; inset: 0 auto 0 0; background: var(--dl-blue); }
.dl-mark { position: absolute; top: -.35rem; bottom: -.35rem; border-left: 3px solid var(--dl-ink);
  margin-left: -1.5px; }
.dl-mark span { position: absolute; top: 1.75rem; font-size: .8125rem; white-space: nowrap; }
.dl-mark.dl-left span { right: -.2rem; } .dl-mark.dl-right span { left: -.3rem; }
.dl-pictures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .75rem;
  align-items: start; }
#dl-page figure { margin: .35rem 0 0; } .dl-picture { width: 100%; display: block;
  max-height: 26rem; object-fit: contain; border-radius: .3rem; margin: 0 !important; }
.dl-coming { aspect-ratio: 1; border: 1px dashed var(--dl-edge); }
.dl-scale { display: flex; gap: .4rem; align-items: center; font-size: .8125rem;
  color: var(--dl-faint); margin-top: .3rem; } .dl-scale i { flex: 1; height: .5rem;
  border-radius: .2rem; forced-color-adjust: none;
  background: linear-gradient(90deg, #440154, #3b528b, #21918c, #5ec962, #fde725); }

.dl-model { border-top: 1px solid var(--dl-line); padding-top: 1rem; }
.dl-model .scroll { overflow-x: auto; } #dl-page .dl-model :is(table, tr, th, td) { border: 0; }
.dl-model table { border-collapse: collapse; width: auto; }
#dl-page .dl-model tr { border-bottom: 1px solid var(--dl-line); }
.dl-model :is(th, td) { text-align: left; padding: .3rem 1.25rem .3rem 0; vertical-align: top;
  font-size: .9375rem; }
.dl-model .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 34rem) { .dl-model table, .dl-model tbody { display: block; width: 100%; }
  .dl-model tr { display: grid; grid-template-columns: 1fr auto 9rem; }
  .dl-model th:last-child { display: none; }
  .dl-model td:last-child { grid-column: 1 / -1; padding-top: 0; color: var(--dl-faint); } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important;
  transition: none !important; } }
"""
