// The bar beside the page: views, conversations, search; and what can be done with the conversation that is open.

import { button, call, copy, cover, day, hear, icon, link, make, query, ready, Refused, stay, wide } from "./dom.js";
import { closeSources } from "./sources.js";
import { current, forget } from "./talk.js";

const FORMS = [["md", "Markdown"], ["html", "Web page"], ["json", "JSON"]];
let side, list, more, search, menu, head, next = null, opened = false, timer;

export function makeSide() {
  side = make("nav", "side");
  side.id = "side";
  side.setAttribute("aria-label", "Views and conversations");
  const name = link("name", "#/", "CMO Advisor");
  const sign = make("img");
  Object.assign(sign, { src: "/page/icon.svg", alt: "", width: 28, height: 28 });
  name.prepend(sign);
  const views = make("ul", "views");
  for (const [view, text, drawn] of [["guidance", "Guidance", "book"], ["documents", "My documents", "file"], ["status", "Status", "info"]]) {
    const item = make("li");
    item.dataset.view = view;
    item.hidden = view === "documents";
    item.append(link("", `#/${view}`, text, drawn));
    views.append(item);
  }
  search = make("input", "search");
  Object.assign(search, { type: "search", placeholder: "Search conversations", maxLength: 200 });
  search.setAttribute("aria-label", "Search conversations");
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 200);
  });
  list = make("ul", "chats");
  list.setAttribute("aria-label", "Conversations");
  more = button("plain more", { text: "Show more", click: () => load(next) });
  const title = make("h2", "", "Conversations");
  side.append(name, link("new", "#/", "New conversation", "plus"), views, title, search, list, more);
  side.addEventListener("click", (event) => event.target.closest("a") && drawer(false));

  const top = make("header", "top");
  menu = button("menu", { sign: "menu", label: "Menu", click: () => drawer(true) });
  menu.setAttribute("aria-expanded", "false");
  menu.setAttribute("aria-controls", "side");
  const home = link("name", "#/", "CMO Advisor");
  top.append(menu, home, link("anew", "#/", "New", "plus"));
  const backdrop = make("div", "backdrop");
  backdrop.hidden = true;
  backdrop.addEventListener("click", () => (drawer(false), closeSources()));
  const skip = link("skip", "#ask", "Skip to the question box");
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    document.querySelector("#ask textarea").focus();
  });
  document.body.prepend(skip, top, side, backdrop);
  wide.addEventListener("change", () => drawer(false));
  ready().then(() => ((opened = true), refresh()));
}

/** Opens or closes the bar where it covers the page. */
export function drawer(open) {
  const was = side.classList.contains("open");
  if (open === was) return;
  side.classList.toggle("open", open);
  menu.setAttribute("aria-expanded", String(open));
  cover(side, open);
  if (open) side.querySelector("a").focus();
  else menu.focus();
}

export function keyedSide(event) {
  if (!side.classList.contains("open")) return false;
  if (event.key === "Escape") drawer(false);
  else if (event.key === "Tab") stay(side, event);
  return event.key === "Escape";
}

export const offerDocuments = () => (side.querySelector("[data-view=documents]").hidden = false);

/** Marks where one is. */
export function mark(view) {
  for (const item of side.querySelectorAll(".views li")) {
    item.firstChild.toggleAttribute("aria-current", item.dataset.view === view);
    if (item.dataset.view === view) item.firstChild.setAttribute("aria-current", "page");
  }
  for (const one of list.querySelectorAll("a")) {
    if (view === "chat" && one.hash === `#/c/${current().id}`) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
}

/** Reads the list anew. */
export async function refresh() {
  await load(null);
}

async function load(after) {
  if (!opened) return;
  const asked = new URLSearchParams({ limit: 30, search: search.value.trim() });
  if (after) asked.set("before", after);
  const found = await call(`/api/conversations?${asked}`).catch(() => null);
  if (!found) return; // it is read again with the next answer
  next = found.next;
  more.hidden = !next;
  const items = found.conversations.map((chat) => {
    const item = make("li");
    const to = link("", `#/c/${chat.id}`, chat.title);
    to.title = `${chat.title}\n${day(chat.updated)}`;
    item.append(to);
    return item;
  });
  if (after) list.append(...items);
  else list.replaceChildren(...items);
  if (!list.children.length) list.append(make("li", "none", search.value.trim() ? "None found" : "None yet"));
  mark(document.body.dataset.view);
  const here = found.conversations.find((chat) => chat.id === current().id);
  if (here) {
    current().title = here.title;
    headed(current());
  }
}

// ---- the conversation that is open

export function makeHead(element) {
  head = element.querySelector(".chat-head");
  const exports = make("details", "menu-of");
  const summary = make("summary", "act");
  summary.append(icon("export"));
  summary.title = "Export";
  summary.setAttribute("aria-label", "Export");
  const choices = make("div", "choices");
  for (const [form, text] of FORMS) {
    const to = link("", "", text);
    to.dataset.form = form;
    to.setAttribute("download", "");
    choices.append(to);
  }
  choices.append(button("", { text: "Print", click: () => window.print() }));
  choices.addEventListener("click", () => (exports.open = false));
  exports.append(summary, choices);
  document.addEventListener("click", (event) => exports.contains(event.target) || (exports.open = false));
  exports.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !exports.open) return;
    exports.open = false;
    summary.focus();
  });
  head.querySelector(".tools").append(
    button("act", { sign: "edit", label: "Rename", click: rename }),
    button("act", { sign: "link", label: "Copy link", click: address }),
    exports,
    button("act", { sign: "remove", label: "Delete", click: remove }),
  );
}

/** Shows the title and the tools of a conversation that has begun. */
export function headed(talk) {
  head.hidden = !talk.turns.size;
  head.querySelector("h1").textContent = talk.title;
  for (const to of head.querySelectorAll("[data-form]")) to.href = `/api/conversations/${talk.id}/export?form=${to.dataset.form}`;
}

async function rename() {
  const talk = current();
  const title = await query({ title: "Rename this conversation", field: talk.title, yes: "Rename" });
  if (!title?.trim()) return;
  await tried(async () => {
    talk.title = (await call(`/api/conversations/${talk.id}`, "PATCH", { title })).title;
    headed(talk);
    hear("Renamed");
    await refresh();
  });
}

async function remove() {
  const talk = current();
  const line = "Its questions and answers are deleted for good.";
  if (!(await query({ title: `Delete “${talk.title}”?`, line, yes: "Delete", danger: true }))) return;
  await tried(async () => {
    talk.abort?.abort();
    await call(`/api/conversations/${talk.id}`, "DELETE");
    forget(talk.id);
    location.hash = "#/";
    hear("Deleted");
    await refresh();
  });
}

async function address(happened) {
  const pressed = happened.currentTarget;
  await copy(`${location.origin}/#/c/${current().id}`);
  hear("The link is copied. It opens for you only.");
  pressed.classList.add("done");
  setTimeout(() => pressed.classList.remove("done"), 1500);
}

async function tried(work) {
  try {
    await work();
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    await query({ title: "That did not work", line: fault.message, yes: "Close" });
  }
}
