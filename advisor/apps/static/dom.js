// What every part of the page needs: elements, the server, dialogs, and a line that screen readers hear.

const ICONS = {
  ask: "M12 19V5M6 11l6-6 6 6",
  copy: "M9 9h10v11H9zM5 15V4h10",
  again: "M4 5v5h5M20 19v-5h-5M5.5 14a7 7 0 0 0 12.6 2M18.5 10A7 7 0 0 0 5.9 8",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  up: "M7 11v9H4v-9zM7 11l4-7c1.6 0 2.4 1 2 3l-.6 3H19c1 0 1.6.8 1.4 1.8l-1.3 6.4c-.2.9-.8 1.4-1.7 1.4H7",
  down: "M17 13V4h3v9zM17 13l-4 7c-1.6 0-2.4-1-2-3l.6-3H5c-1 0-1.6-.8-1.4-1.8l1.3-6.4C5.100 4.500 5.700 4 6.600 4H17",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  export: "M12 4v11M7 10l5 5 5-5M5 20h14",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  menu: "M4 7h16M4 12h16M4 17h16",
  plus: "M12 5v14M5 12h14",
  chat: "M4 5h16v11H9l-5 4z",
  book: "M12 6c-2-1.500-5-2-8-1.500v13c3-.500 6 0 8 1.500 2-1.500 5-2 8-1.500v-13C17 4 14 4.500 12 6zM12 6v13",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  info: "M12 11v6M12 7.500v.1M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18",
  back: "M15 5l-7 7 7 7",
  stop: "M7 7h10v10H7z",
};

export const wide = window.matchMedia("(min-width: 64rem)");
export const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

export function make(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function icon(name) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  drawn.classList.add("icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  drawn.append(path);
  return drawn;
}

/** A button with words, an icon, or both; without words its label is what it is called. */
export function button(className, { text = "", sign = "", label = "", click = null } = {}) {
  const made = make("button", className);
  made.type = "button";
  if (sign) made.append(icon(sign));
  if (text) made.append(make("span", "", text));
  if (label) made.setAttribute("aria-label", label);
  if (label && !text) made.title = label;
  if (click) made.addEventListener("click", click);
  return made;
}

export function link(className, href, text, sign = "") {
  const made = make("a", className);
  made.href = href;
  if (sign) made.append(icon(sign));
  made.append(make("span", "", text));
  return made;
}

export const box = () => document.querySelector("#ask textarea");

export function write(text) {
  box().value = text;
  fit();
}

/** Lets Gradio measure anew how many lines the box needs. */
export function fit() {
  box().style.height = "";
  box().dispatchEvent(new Event("input", { bubbles: true }));
}

/** The box is where one goes on; on a phone that would call up the keyboard. */
export const rest = () => wide.matches && box()?.focus({ preventScroll: true });

export function hear(line) {
  document.querySelector("#conversation .heard").textContent = line;
}

export class Refused extends Error {}
export const LOST = "The advisor cannot be reached. See that it is still running (advisor web), then ask again.";

/** JSON of the server; throws `Refused` with a line to show. */
export async function call(path, method = "GET", body = undefined) {
  const sent = { method, cache: "no-store" };
  if (body instanceof Blob) Object.assign(sent, { body, headers: { "content-type": "application/octet-stream" } });
  else if (body !== undefined) Object.assign(sent, { body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  const reply = await fetch(path, sent).catch(() => null);
  if (!reply) throw new Refused(LOST);
  if (!reply.ok) throw new Refused(await refusal(reply));
  return reply.json();
}

/** What the server says of itself; null where it cannot be asked. */
export const readStatus = () => call("/api/status").catch(() => null);

/** Waits until the advisor is open: before that there is nothing to be had. */
export async function ready() {
  for (let pause = 500; ; pause = Math.min(pause * 1.3, 5000)) {
    const status = await readStatus();
    if (status?.ready) return status;
    await new Promise((done) => setTimeout(done, pause));
  }
}

export async function refusal(reply) {
  const fault = (await reply.json().catch(() => null))?.error;
  if (reply.status === 401) return signIn();
  if (!fault) return "That did not work. Please try again.";
  const remedy = /GET \/|\/docs/.test(fault.remedy) ? "" : fault.remedy; // what is meant for programs
  return `${fault.why} ${remedy}${reply.status === 500 ? ` Error ${fault.id}.` : ""}`.trim();
}

// A session ends: one comes back to where one was, with what one has written.
function signIn() {
  const written = box()?.value;
  if (written) sessionStorage.setItem("unsent", written);
  location.assign(`/login${location.hash}`);
  return "You are no longer signed in.";
}

/** What was in the box when one had to sign in again. */
export function unsent() {
  const written = sessionStorage.getItem("unsent") || "";
  sessionStorage.removeItem("unsent");
  return written;
}

export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const held = make("textarea", "unseen"); // an address without TLS has no clipboard of its own
  held.value = text;
  document.body.append(held);
  held.select();
  document.execCommand("copy");
  held.remove();
}

/** What covers the page makes the rest of it rest. */
export function cover(element, on) {
  document.querySelector(".backdrop").hidden = !on;
  for (const one of document.body.children) {
    if (one !== element && !one.classList.contains("backdrop")) one.inert = on;
  }
}

/** Keeps the Tab key within an element. */
export function stay(element, event) {
  const stops = [...element.querySelectorAll("a[href], button, input, summary")].filter((one) => one.checkVisibility());
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
}

/** Asks something in a dialog: gives the text of its field (or true), or null where it is left. */
export function query({ title, line = "", field = null, yes, danger = false }) {
  return new Promise((done) => {
    const dialog = make("dialog", "query");
    const head = make("h2", "", title);
    head.id = "query-title";
    dialog.setAttribute("aria-labelledby", head.id);
    const input = field === null ? null : make("input");
    const end = (value) => {
      dialog.close();
      dialog.remove();
      done(value);
    };
    const accept = () => end(input ? input.value : true);
    const keys = make("div", "query-keys");
    keys.append(
      button("plain", { text: "Cancel", click: () => end(null) }),
      button(danger ? "danger" : "strong", { text: yes, click: accept }),
    );
    dialog.append(head);
    if (line) dialog.append(make("p", "", line));
    if (input) {
      input.type = "text";
      input.value = field;
      input.maxLength = 200;
      input.setAttribute("aria-label", title);
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault(); // else it would also press the button that the keyboard comes back to
        accept();
      });
      dialog.append(input);
    }
    dialog.append(keys);
    dialog.addEventListener("cancel", (event) => (event.preventDefault(), end(null)));
    document.body.append(dialog);
    dialog.showModal();
    (input || keys.firstChild).focus();
    input?.select();
  });
}

export const day = (moment) => new Date(moment).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
