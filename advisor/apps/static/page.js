// The page: which view is shown, and what keys and clicks mean. Each part is a module of its own:
// talk.js and turn.js the conversation, sources.js the panel, chats.js the bar, guidance.js and status.js the rest.

import { box, hear, make, ready, readStatus, rest, unsent, write } from "./dom.js";
import { headed, keyedSide, makeHead, makeSide, mark, offerDocuments, refresh } from "./chats.js";
import { openDocuments } from "./documents.js";
import { openGuidance } from "./guidance.js";
import { closeSources, keyedSources, makeSources, openSources } from "./sources.js";
import { openStatus } from "./status.js";
import { ask, current, makeTalks, openKept, openNew, sourcesOf, stop, turnsHere } from "./talk.js";
import { chip } from "./turn.js";

const TITLE = "CMO Advisor";
const VIEWS = { guidance: ["Guidance", openGuidance], documents: ["My documents", openDocuments], status: ["Status", openStatus] };
let root;
const part = (selector) => root.querySelector(selector);

/** Called by the Gradio component once it is in the page. */
export function open(element, props, watch) {
  root = element;
  makeSources(sourcesOf);
  makeSide();
  makeHead(root);
  makeTalks(root, changed);
  root.addEventListener("click", clicked);
  document.addEventListener("keydown", keyed, true); // before Gradio's own box and button
  document.addEventListener("click", (event) => event.target.closest("#ask .submit-button") && submit(event), true);
  window.addEventListener("hashchange", () => go(true));
  window.addEventListener("beforeprint", () => printing(true));
  window.addEventListener("afterprint", () => printing(false));
  const show = () => props.value && receive(JSON.parse(props.value));
  watch("value", show);
  show();
  go(false);
  ready().then(() => {
    const question = unsent();
    if (question) write(question);
  });
  readStatus().then((status) => status?.documents && offerDocuments());
}

// ---- views: #/ a new conversation, #/c/ID a kept one, #/guidance[/GUIDE], #/documents, #/status

function decoded(hash) {
  try {
    return decodeURIComponent(hash);
  } catch {
    return ""; // a link that somebody cut
  }
}

async function go(moved) {
  const [name, ...rest_] = decoded(location.hash).replace(/^#\/?/, "").split("/");
  const view = VIEWS[name] ? name : "chat";
  if (moved) closeSources();
  document.body.dataset.view = view;
  for (const one of root.querySelectorAll(".view")) one.hidden = one.id !== `view-${view}`;
  if (view !== "chat") {
    const [title, opened] = VIEWS[view];
    document.title = `${title} · ${TITLE}`;
    mark(view);
    await opened(part(`#view-${view}`), rest_, { ask: askFromElsewhere });
    window.scrollTo(0, 0);
    if (moved) part(`#view-${view} h1`)?.focus({ preventScroll: true });
    return;
  }
  if (name === "c" && rest_[0]) await openKept(rest_[0]);
  else openNew();
  if (moved || document.activeElement === document.body) rest();
}

function changed(talk, kind) {
  if (talk !== current()) return refresh();
  headed(talk);
  document.title = talk.turns.size ? `${talk.title} · ${TITLE}` : TITLE;
  if (kind === "began") history.replaceState(null, "", `#/c/${talk.id}`);
  if (kind === "opened") mark("chat");
  else refresh();
}

/** A question asked in another view; `send` false leaves it in the box. */
async function askFromElsewhere(question, send = true) {
  openNew();
  history.pushState(null, "", "#/");
  await go(true);
  box().value = question;
  box().dispatchEvent(new Event("input", { bubbles: true }));
  if (send) ask(question);
  else box().focus();
}

// ---- the welcome

function receive(event) {
  const waiting = part(".waiting");
  waiting.hidden = Boolean(event.starters);
  waiting.classList.toggle("fault", Boolean(event.fault));
  if (event.waiting) waiting.textContent = event.waiting;
  if (event.starters) begin(event);
  if (document.activeElement === document.body && document.body.dataset.view === "chat") rest();
}

function begin({ starters, stages }) {
  const offered = [{ name: "Anyone", questions: starters }, ...(stages || [])];
  const choose = (pressed, questions) => {
    for (const one of part(".stages").children) one.setAttribute("aria-pressed", String(one === pressed));
    part(".starters").replaceChildren(...questions.map(chip));
  };
  part(".starters").replaceChildren(...starters.map(chip));
  if (offered.length < 2) return;
  part(".stages").replaceChildren(
    ...offered.map(({ name, questions }, place) => {
      const made = make("button", "stage", name);
      made.type = "button";
      made.setAttribute("aria-pressed", String(place === 0));
      made.addEventListener("click", () => (choose(made, questions), hear(`${questions.length} questions`)));
      return made;
    }),
  );
}

// ---- clicks and keys

function submit(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(box().value);
}

function clicked(event) {
  const cited = event.target.closest("a.cite");
  if (event.ctrlKey || event.metaKey || event.shiftKey) {
    if (!cited) return;
    event.preventDefault(); // in another tab the mark's own address would lead nowhere
    window.open(`/#/c/${current().id}`, "_blank", "noopener");
    return;
  }
  const more = event.target.closest("button.show-sources");
  const question = event.target.closest(".view button.chip");
  if (cited) {
    event.preventDefault();
    openSources(cited, cited);
  } else if (more) {
    openSources(more.closest(".turn").querySelector("a.cite"), more);
  } else if (question && document.body.dataset.view === "chat") {
    ask(question.textContent);
    rest();
  } else if (question) askFromElsewhere(question.textContent);
}

function keyed(event) {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === box()) submit(event);
  else if (event.key === " " && event.target.matches?.("a.cite")) {
    event.preventDefault();
    openSources(event.target, event.target);
  } else if (keyedSide(event) || keyedSources(event)) return;
  else if (event.key === "Escape" && document.body.dataset.view === "chat" && current().abort) stop();
}

// On paper an answer without its sources would be half of it.
function printing(on) {
  document.querySelectorAll(".printed").forEach((one) => one.remove());
  if (!on) return;
  for (const { article, event } of turnsHere()) {
    if (!event.sources) continue;
    const held = make("div", "printed");
    held.innerHTML = event.sources;
    for (const one of held.querySelectorAll("[id]")) one.removeAttribute("id");
    article.append(held);
  }
}
