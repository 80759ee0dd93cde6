// The conversations that are open in this page, and asking: one question of a conversation is answered at a time, one
// that is sent meanwhile stays in the box and goes next. Answers come from /api/page/ask as events.

import { box, button, calm, call, fit, hear, LOST, make, ready, Refused, refusal, rest, write } from "./dom.js";
import { draw, heard, newArticle } from "./turn.js";

const STOPPED = "Stopped before the answer was complete.";
const SETTLING = 400; // milliseconds after which what was stopped is kept
const talks = new Map(); // conversation -> { id, title, log, turns: Map(name -> { article, event }), abort, next }
let here, root, changed, stopping, wanted;

export const current = () => here;
const part = (selector) => root.querySelector(selector);
const scroll = (element, block) => element.scrollIntoView({ block, behavior: calm.matches ? "auto" : "smooth" });
const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Makes the place for conversations; `onChange(talk, kind)` hears of a conversation that began, grew or was opened. */
export function makeTalks(element, onChange) {
  root = element;
  changed = onChange;
  stopping = button("stop", { text: "Stop", sign: "stop", label: "Stop", click: stop });
  stopping.hidden = true;
  place();
  open(begin(fresh()));
  // Gradio draws its box after this, and may draw it anew.
  new MutationObserver(place).observe(root.closest(".gradio-container") || document.body, { childList: true, subtree: true });
}

function place() {
  const ask = document.querySelector("#ask .submit-button");
  if (ask && stopping.nextSibling !== ask) ask.before(stopping);
}

function begin(id) {
  const log = make("div", "log");
  log.setAttribute("role", "log");
  log.setAttribute("aria-live", "off");
  log.setAttribute("aria-label", "Conversation");
  const talk = { id, title: "", log, turns: new Map(), abort: null, next: false };
  talks.set(id, talk);
  return talk;
}

function open(talk) {
  here = wanted = talk;
  part(".talks").replaceChildren(talk.log);
  part(".welcome").hidden = talk.turns.size > 0;
  stopping.hidden = !talk.abort;
  changed(talk, "opened");
}

/** A conversation without questions. */
export function openNew() {
  if (here.turns.size) open(begin(fresh()));
  else open(here);
}

/** A conversation as it is kept; says in its place why it cannot be opened. */
export async function openKept(id) {
  const known = talks.get(id);
  if (known?.turns.size) return open(known);
  const talk = (wanted = known || begin(id));
  part(".welcome").hidden = true;
  try {
    await ready();
    const kept = await call(`/api/page/conversations/${encodeURIComponent(id)}`);
    if (wanted !== talk) return; // somebody has gone on to another one meanwhile
    talk.title = kept.title;
    for (const event of kept.turns) show(talk, event, false);
    open(talk);
    talk.log.lastElementChild?.scrollIntoView({ block: "start" });
    if (kept.turns.at(-1)?.state === "pending") setTimeout(() => again(talk), 2000);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    talks.delete(id);
    if (wanted !== talk) return;
    talk.log.append(make("p", "nothing", `This conversation cannot be opened. ${fault.message}`));
    open(talk);
    part(".welcome").hidden = true;
    hear(talk.log.textContent);
  }
}

/** Forgets a conversation that was deleted. */
export function forget(id) {
  talks.get(id)?.abort?.abort();
  talks.delete(id);
  if (here.id === id) here = begin(fresh());
}

// What was being answered elsewhere when this page was opened.
async function again(talk) {
  const kept = await call(`/api/page/conversations/${talk.id}`).catch(() => null);
  if (!kept || talk.abort) return;
  for (const event of kept.turns) show(talk, event, false);
  if (kept.turns.at(-1).state === "pending") setTimeout(() => again(talk), 2000);
}

// ---- turns

const asking = {
  again: (question) => ask(question),
  edit: (question) => {
    write(question);
    box().focus();
    box().setSelectionRange(question.length, question.length);
  },
};

function show(talk, event, live = true) {
  let turn = talk.turns.get(event.turn);
  const first = !turn;
  if (first) {
    turn = { article: newArticle(event.question) };
    talk.turns.set(event.turn, turn);
    talk.log.append(turn.article);
    if (talk === here) part(".welcome").hidden = true;
  }
  turn.event = event;
  draw(turn.article, event, asking);
  if (!live) return;
  if (first) scroll(turn.article, "start");
  if (talk === here) hear(event.state === "working" ? event.progress || "" : heard(turn.article, event));
}

/** The HTML of the sources that the answer with this mark has. */
export function sourcesOf(mark) {
  const article = mark.closest(".turn");
  for (const turn of here.turns.values()) if (turn.article === article) return turn.event.sources || "";
  return "";
}

export const turnsHere = () => [...here.turns.values()];

// ---- asking

export function ask(question) {
  const talk = here;
  talk.next = Boolean(talk.abort);
  if (talk.next) write(question);
  if (talk.next || !question.trim()) return;
  write("");
  answer(talk, question);
}

async function answer(talk, question) {
  talk.abort = new AbortController();
  stopping.hidden = talk !== here;
  const began = !talk.turns.size;
  talk.title ||= question;
  let last = { turn: `asked-${fresh()}`, question, state: "working", progress: "Searching" };
  const draft = last.turn;
  show(talk, last);
  if (began) changed(talk, "began");
  try {
    for await (const event of events(talk, question)) {
      // The first event has no article of its own: what is drawn already is the place of this turn.
      last = { ...event, name: event.turn, turn: draft };
      if (last.state !== "working") talk.abort = null;
      show(talk, last);
    }
    if (last.state === "working") throw new Refused(LOST);
  } catch (fault) {
    const stopped = talk.abort?.signal.aborted;
    talk.abort = null;
    if (stopped) ended(talk, last);
    else {
      show(talk, { ...last, state: "failed", html: "", sources: "", line: fault instanceof Refused ? fault.message : LOST });
      if (talk === here && !box().value && !(fault instanceof Refused && fault.message !== LOST)) write(question);
    }
  }
  talk.abort = null;
  if (talk === here) stopping.hidden = true;
  setTimeout(fit);
  scroll(talk.turns.get(draft).article, "start");
  changed(talk, "grew");
  if (talk.next && talk === here) ask(box().value);
}

async function* events(talk, question) {
  const sent = { method: "POST", headers: { "content-type": "application/json" }, signal: talk.abort.signal };
  const reply = await fetch("/api/page/ask", { ...sent, body: JSON.stringify({ question, conversation: talk.id }) });
  if (reply.status === 401) write(question); // to go on with it after signing in
  if (!reply.ok) throw new Refused(await refusal(reply));
  let held = "";
  const words = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await words.read();
    if (done) return;
    held += value;
    const lines = held.split("\n\n");
    held = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
  }
}

/** Ends the answer that is being written; what was shown of it stays, and is kept. */
export function stop() {
  here.abort?.abort();
  rest();
}

function ended(talk, last) {
  show(talk, { ...last, state: "stopped", line: STOPPED });
  // With the name it is kept under, it can be copied and judged.
  setTimeout(async () => {
    const kept = await call(`/api/page/conversations/${talk.id}`).catch(() => null);
    const event = kept?.turns.at(-1);
    if (event?.state === "stopped" && event.question === last.question && !talk.abort) show(talk, { ...event, turn: last.turn }, false);
  }, SETTLING);
}
