"""The page's script: hands chosen, dropped and pasted images, and examples, to the server.

It refuses here what the server would refuse for its size, so that the other files of the same
choice are answered all the same.
"""

import json

from dlmath.serving.limits import MEBIBYTE, Limits
from dlmath.serving.page_asked import MOST_IMAGES


def ask_script(limits: Limits) -> str:
    """Return what Gradio runs when the part of the page that asks is there.

    Gradio gives it `element` and `trigger`; the events are upload and select.
    """
    bounds = {
        "most": MOST_IMAGES,
        "bytes": limits.image_bytes,
        # Base64 makes four bytes of three, and the rest of the request needs some room.
        "together": (limits.body_bytes - MEBIBYTE) * 3 // 4,
    }
    return _ASK.replace("BOUNDS", json.dumps(bounds))


# The live region must be there, and known as one, before something is said in it.
LOAD_SCRIPT = """() => {
  const status = document.getElementById('dl-status');
  if (status) { status.setAttribute('role', 'status'); status.setAttribute('aria-live', 'polite'); }
}"""

_ASK = r"""
const bounds = BOUNDS;
const input = element.querySelector('input[type=file]');
const place = element.querySelector('.dl-drop');
const paste = element.querySelector('.dl-paste');
const refusals = element.querySelector('[role=alert]');
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const refuse = (sentences) => refusals.replaceChildren(...sentences.map((sentence) => {
  const line = document.createElement('p');
  line.textContent = sentence;  // never as HTML: it holds the names of files
  return line;
}));

const choose = (files) => {
  const taken = [], sentences = [];
  let together = 0;
  for (const file of files) {
    if (taken.length === bounds.most) {
      sentences.push(`${file.name}: left out, since ${bounds.most} images are answered at a time.`);
    } else if (file.size > bounds.bytes) {
      sentences.push(`${file.name}: left out, since a file may have ${mebibytes(bounds.bytes)}.`);
    } else if (together + file.size > bounds.together) {
      sentences.push(
        `${file.name}: left out, since all files may have ${mebibytes(bounds.together)} together.`);
    } else {
      together += file.size;
      taken.push(file);
    }
  }
  refuse(sentences);
  return taken;
};

const read = (file) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done({name: file.name, data: reader.result.split(',')[1] || ''});
  reader.onerror = () => done({name: file.name, data: ''});
  reader.readAsDataURL(file);
});

// On a phone the answers stand below everything that asks.
const showAnswers = () => document.getElementById('dl-answers')?.scrollIntoView({block: 'nearest'});

let choices = 0;
const ask = async (files) => {
  const taken = choose(files);
  if (!taken.length) return;
  showAnswers();
  const choice = ++choices;
  const images = await Promise.all(taken.map(read));
  // An earlier choice, of larger files, may be read later than one that came after it.
  if (choice === choices) trigger('upload', {images});
};

input.addEventListener('change', () => { ask([...input.files]); input.value = ''; });
for (const kind of ['dragenter', 'dragover']) place.addEventListener(kind, (event) => {
  event.preventDefault();
  place.classList.add('dl-over');
});
for (const kind of ['dragleave', 'drop']) place.addEventListener(kind, (event) => {
  event.preventDefault();
  place.classList.remove('dl-over');
  if (kind === 'drop') ask([...event.dataTransfer.files]);
});
document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) { event.preventDefault(); ask(files); }
});

if (navigator.clipboard?.read) paste.hidden = false;  // not over plain HTTP from another machine
paste.addEventListener('click', async () => {
  try {
    const files = [];
    for (const item of await navigator.clipboard.read()) {
      const kind = item.types.find((type) => type.startsWith('image/'));
      if (kind) files.push(new File([await item.getType(kind)], 'pasted image', {type: kind}));
    }
    if (files.length) await ask(files); else refuse(['There is no image in the clipboard.']);
  } catch { refuse(['The browser does not let this page read the clipboard.']); }
});

element.addEventListener('click', (event) => {
  const example = event.target.closest('[data-number]');
  if (!example) return;
  refuse([]);
  showAnswers();
  choices += 1;
  trigger('select', {number: Number(example.dataset.number)});
});
"""
