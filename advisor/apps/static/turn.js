// Draws one turn from an event that holds its whole state. Questions and chips arrive as text and stay text; the
// answer's HTML is escaped and made by advisor/render.py. What is on the page already stays there while an answer grows.

import { button, call, copy, hear, make, Refused } from "./dom.js";

const LABELS = { declined: "Not answered", failed: "That did not work", stopped: "Stopped", pending: "Being answered" };
const INSTEAD = "Quoted from the guidance";

export function newArticle(question) {
  const article = make("article", "turn");
  const said = make("div", "question");
  said.append(make("h2", "unseen", "You asked"), make("p", "", question));
  const reply = make("div", "reply");
  reply.append(make("h2", "unseen", "The advisor"), make("div", "text"));
  article.append(said, reply);
  return article;
}

/** Draws an event into its article; `asking` has `again(question)` and `edit(question)`. */
export function draw(article, event, asking) {
  article.dataset.state = event.state;
  article.toggleAttribute("data-instead", Boolean(event.instead));
  article.setAttribute("aria-busy", String(event.state === "working"));
  const reply = article.querySelector(".reply");
  const text = reply.querySelector(".text");
  for (const one of [...reply.children].slice(1)) if (one !== text) one.remove();
  const before = [], after = [];
  if (event.read_as) before.push(make("p", "read-as", `Read as: ${event.read_as}`));
  const label = event.instead ? INSTEAD : LABELS[event.state];
  if (label) before.push(make("p", "label", label));
  if (event.html) grow(text, event.html);
  text.hidden = !event.html;
  if (event.line) after.push(make("p", "line", event.line));
  if (event.state === "working") after.push(make("p", "progress", event.progress));
  else after.push(...foot(event, asking));
  text.before(...before);
  text.after(...after);
}

/** What a screen reader hears of a finished turn. */
export function heard(article, event) {
  const words = article.querySelector(".text").textContent.replace(/\s*\[\d+\]/g, "");
  const label = LABELS[event.state] ? `${LABELS[event.state]}. ` : "";
  return `${label}${words} ${event.line || ""} ${event.count || ""}`.replace(/\s+/g, " ").trim();
}

export function chip(question) {
  const item = make("li");
  item.append(button("chip", { text: question }));
  return item;
}

function foot(event, asking) {
  const made = [];
  if (event.sources) {
    const sources = button("show-sources", { text: event.count, label: `Show the sources: ${event.count}` });
    made.push(sources);
  }
  made.push(actions(event, asking));
  if (event.chips?.length) {
    const lead = event.state === "declined" ? "The nearest questions it can answer" : "You could ask";
    const chips = make("ul", "chips");
    chips.setAttribute("aria-label", lead);
    chips.append(...event.chips.map(chip));
    made.push(make("p", "lead", lead), chips);
  }
  return made;
}

function actions(event, asking) {
  const row = make("div", "actions");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "This answer");
  const judged = event.copy && !["failed", "chat"].includes(event.state);
  if (judged) row.append(button("act", { sign: "copy", label: "Copy with sources", click: copied }));
  if (judged && event.id) row.append(thumb(1, "up", "Helpful"), thumb(-1, "down", "Not helpful"));
  row.append(
    button("act", { sign: "again", label: "Ask again", click: () => asking.again(event.question) }),
    button("act", { sign: "edit", label: "Edit the question", click: () => asking.edit(event.question) }),
  );
  if (event.thumb) row.append(why(event));
  return row;

  async function copied(happened) {
    const pressed = happened.currentTarget;
    await copy(event.copy);
    hear("Copied");
    pressed.classList.add("done");
    setTimeout(() => pressed.classList.remove("done"), 1500);
  }

  function thumb(value, sign, label) {
    const made = button("act thumb", { sign, label, click: () => think(value === event.thumb ? 0 : value) });
    made.setAttribute("aria-pressed", String(event.thumb === value));
    return made;
  }

  async function think(value, reason = "") {
    try {
      await call(`/api/turns/${event.id}/feedback`, "POST", { thumb: value, reason });
      Object.assign(event, { thumb: value, reason, told: Boolean(reason) });
      hear(reason ? "Thank you. Your words are kept." : value ? "Noted" : "Taken back");
    } catch (fault) {
      if (!(fault instanceof Refused)) throw fault;
      hear(fault.message);
    }
    const focus = document.activeElement?.getAttribute("aria-label");
    const fresh = actions(event, asking);
    row.replaceWith(fresh);
    fresh.querySelector(reason ? `[aria-pressed="true"]` : `[aria-label="${focus}"]`)?.focus();
  }

  function why() {
    const asked = make("div", "why");
    if (event.reason) {
      asked.append(make("p", "", `You said: ${event.reason}`));
      return asked;
    }
    const field = make("input");
    field.type = "text";
    field.maxLength = 2000;
    field.placeholder = event.thumb > 0 ? "What helped? (optional)" : "What was wrong? (optional)";
    field.setAttribute("aria-label", field.placeholder);
    const send = () => field.value.trim() && think(event.thumb, field.value.trim());
    field.addEventListener("keydown", (pressed) => pressed.key === "Enter" && send());
    asked.append(field, button("plain", { text: "Send", click: send }));
    return asked;
  }
}

// ---- growing: what is equal stays, so that marks neither flicker nor lose the keyboard

function grow(into, html) {
  const fresh = make("div");
  fresh.innerHTML = html;
  merge(into, fresh);
}

function merge(into, from) {
  const nodes = [...from.childNodes];
  nodes.forEach((node, place) => {
    const have = into.childNodes[place];
    if (!have) into.append(node);
    else if (have.isEqualNode(node) || sameMark(have, node)) return;
    else if (have.nodeName === node.nodeName && ["P", "UL", "LI"].includes(node.nodeName)) {
      have.className = node.className;
      merge(have, node);
    } else have.replaceWith(node);
  });
  while (into.childNodes.length > nodes.length) into.lastChild.remove();
}

const sameMark = (have, node) => have.nodeName === "A" && node.nodeName === "A" && have.getAttribute("href") === node.getAttribute("href");
