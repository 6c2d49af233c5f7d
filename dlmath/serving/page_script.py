"""The page's script: hands chosen, dropped and pasted images, and examples, to the server.

It refuses here what the server would refuse for its size, so that the other files of the same
choice are answered all the same. It numbers the choices, and shows only what belongs to the last
of them: from the moment of a choice on, no older answer can be taken for that of the new image.
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
  const taken = [], sentences = [], beyond = [];
  let together = 0;
  for (const file of files) {
    if (taken.length === bounds.most) {
      beyond.push(file.name);
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
  if (beyond.length) {
    const names = beyond.length > 3 ? `${beyond.length} more files` : beyond.join(', ');
    sentences.push(`${names}: left out, since ${bounds.most} images are answered at a time.`);
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

const say = (text) => {
  const place = document.getElementById('dl-sending');
  if (place && place.textContent !== text) place.textContent = text;
};

const isSending = () => document.getElementById('dl-sending')?.textContent.startsWith('Sending');

let choices = 0, begun = 0, arrived = Infinity, sent = null;
const showLast = () => {
  for (const part of document.querySelectorAll('[data-choice]')) {
    part.hidden = Number(part.dataset.choice) !== choices;
  }
  const isKnown = document.querySelector(`#dl-status [data-choice="${choices}"]`);
  if (isKnown && isSending()) say('');
};
new MutationObserver(showLast).observe(document.body, {childList: true, subtree: true});

const begin = (count) => {
  choices += 1;
  begun = performance.now();
  sent = null;
  say(count === 1 ? 'Sending 1 image …' : `Sending ${count} images …`);
  showLast();
  showAnswers();
  return choices;
};

const send = (event, data, times = 0) => {
  sent = {event, data, times};
  arrived = Infinity;
  trigger(event, {...data, choice: choices});
};

// A refusal of the whole request; old browsers report no status.
new PerformanceObserver((list) => {
  for (const {name, startTime, responseStatus, responseEnd} of list.getEntries()) {
    if (!name.includes('/queue/join') || startTime < begun) continue;
    arrived = responseEnd;
    if (responseStatus >= 400 && isSending()) {
      say('Not sent: the server refused. Load the page again.');
    }
  }
}).observe({type: 'resource'});

// Gradio loses a request that arrives while it closes the stream of the answers before it (its
// client takes the stream for open still). The server acknowledges a choice at once, so that
// one which has arrived and is not acknowledged is lost: it is sent again, as a new choice.
const sendAgainIfLost = () => {
  if (!sent || sent.times === 3 || performance.now() - arrived < 4000 * 2 ** sent.times) return;
  choices += 1;
  begun = performance.now();
  send(sent.event, sent.data, sent.times + 1);
};

// A server that has gone says nothing by itself, and what is awaited would be awaited for ever.
setInterval(() => {
  const choice = choices;
  if (!isSending() && !document.querySelector('[data-choice]:not([hidden]) .dl-pending')) return;
  fetch('healthz', {cache: 'no-store'}).then(() => {
    if (choice === choices && isSending()) sendAgainIfLost();
  }, () => {
    if (choice === choices) say('The server does not answer. Load the page again later.');
  });
}, 2000);

const ask = async (files) => {
  const taken = choose(files);
  if (!taken.length) return;
  const choice = begin(taken.length);
  const images = await Promise.all(taken.map(read));
  // An earlier choice, of larger files, may be read later than one that came after it.
  if (choice === choices) send('upload', {images});
};

const filesIn = async (entry) => {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const found = [], reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;  // a folder comes in parts
    for (const one of some) found.push(...await filesIn(one));
  }
};

// Of a folder only images are taken, by their first bytes, as their names may have no ending.
const signatures = [
  [0, '\x89PNG\r\n'], [0, '\xff\xd8\xff'], [128, 'DICM'], [0, '\x08\0'], [0, 'II*\0'], [0, 'MM\0*'],
  [0, 'GIF8'], [0, 'BM'], [8, 'WEBP'], [4, 'ftyp']];
const isImage = async (file) => {
  if (/^\./.test(file.name) || /^dicomdir$/i.test(file.name)) return false;
  if (/\.(png|jpe?g|jpe|jfif|tiff?|bmp|webp|gif|hei[cf]|dcm|dicom)$/i.test(file.name)) return true;
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 132).arrayBuffer()));
  return signatures.some(([at, mark]) => head.startsWith(mark, at));
};

const drop = async (transfer) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) { ask([...transfer.files]); return; }
  const before = choices;
  const all = (await Promise.all(entries.map(filesIn))).flat();
  const are = await Promise.all(all.map(isImage));
  const images = all.filter((_, place) => are[place]);
  if (choices !== before) return;
  if (images.length) ask(images.sort((a, b) => a.name.localeCompare(b.name)));
  else refuse(['There is no image in this folder.']);
};

input.addEventListener('change', () => { ask([...input.files]); input.value = ''; });
for (const kind of ['dragenter', 'dragover']) place.addEventListener(kind, (event) => {
  event.preventDefault();
  place.classList.add('dl-over');
});
for (const kind of ['dragleave', 'drop']) place.addEventListener(kind, (event) => {
  event.preventDefault();
  place.classList.remove('dl-over');
  if (kind === 'drop') drop(event.dataTransfer);
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
  begin(1);
  send('select', {number: Number(example.dataset.number)});
});
"""
