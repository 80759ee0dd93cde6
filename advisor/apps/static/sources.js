// The source panel beside the conversation (a sheet on a phone), and a preview of what a mark cites.
// The cards come as HTML that advisor/render.py escaped and made.

import { calm, cover, make, stay, wide } from "./dom.js";

let panel, preview, opener, shown = "", timer;
let sourcesOf = () => "";

/** Makes the panel; `find(mark)` gives the HTML of the sources of the answer that a mark stands in. */
export function makeSources(find) {
  sourcesOf = find;
  panel = make("aside", "panel");
  panel.id = "sources";
  panel.hidden = true;
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-labelledby", "sources-title");
  const head = make("div", "panel-head");
  const title = make("h2", "", "Sources");
  title.id = "sources-title";
  const shut = make("button", "shut", "Close");
  shut.type = "button";
  shut.addEventListener("click", closeSources);
  head.append(title, shut);
  panel.append(head, make("div", "cards"));
  panel.addEventListener("click", (event) => {
    const back = event.target.closest("a.back");
    if (!back) return;
    event.preventDefault();
    opener = document.getElementById(back.getAttribute("href").slice(1)) || opener;
    closeSources();
  });
  preview = make("div", "preview");
  preview.id = "preview";
  preview.hidden = true;
  preview.setAttribute("role", "tooltip");
  document.body.append(panel, preview);
  wide.addEventListener("change", () => panel.hidden || modal(!wide.matches));
  for (const [event, look] of [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]]) {
    document.addEventListener(event, (happened) => hovered(happened, look));
  }
}

const numberOf = (mark) => mark.hash.split("-").pop();
const cites = (quote, number) => quote.dataset.n.split(" ").includes(number);

/** Opens the panel at what a mark cites; closing it comes back to `from`. */
export function openSources(mark, from) {
  const html = sourcesOf(mark);
  if (!html) return;
  hide();
  const cards = panel.querySelector(".cards");
  if (shown !== html) cards.innerHTML = shown = html;
  panel.hidden = false;
  document.body.classList.add("with-sources");
  modal(!wide.matches);
  current(mark);
  opener = from;
  const quotes = [...cards.querySelectorAll("mark")];
  quotes.forEach((quote) => quote.classList.toggle("current", cites(quote, numberOf(mark))));
  const quote = quotes.find((one) => one.classList.contains("current"));
  const card = quote.closest(".source");
  cards.querySelectorAll(".source").forEach((one) => one.classList.toggle("current", one === card));
  card.focus({ preventScroll: true });
  // From the card's title on where that shows the quoted words too, else from a little above them.
  const within = (one) => one.getBoundingClientRect().top - cards.getBoundingClientRect().top + cards.scrollTop;
  const deep = within(quote) + quote.offsetHeight - within(card) > cards.clientHeight;
  cards.scrollTo({ top: deep ? within(quote) - cards.clientHeight / 3 : within(card) - 12, behavior: calm.matches ? "auto" : "smooth" });
  if (wide.matches) mark.scrollIntoView({ block: "nearest" });
}

export function closeSources() {
  if (panel.hidden) return;
  panel.hidden = true;
  document.body.classList.remove("with-sources");
  modal(false);
  current(null);
  opener?.focus();
  hide(); // who has just read the source needs no preview of it, and a second Escape is meant for the answer
}

/** What Escape and Tab do where the panel or a preview is open; says whether that was all. */
export function keyedSources(event) {
  if (event.key === "Escape" && !preview.hidden) hide();
  else if (event.key === "Escape" && !panel.hidden) closeSources();
  else if (event.key === "Tab" && panel.getAttribute("aria-modal") === "true" && !panel.hidden) return stay(panel, event);
  else return false;
  return true;
}

function current(mark) {
  document.querySelectorAll("a.cite.current").forEach((one) => one.classList.remove("current"));
  if (mark) mark.classList.add("current");
}

// On a phone the sheet covers the page, so the page behind it rests.
function modal(on) {
  panel.setAttribute("aria-modal", String(on));
  cover(panel, on);
}

// ---- the preview: shown while a mark is pointed at or has the keyboard, and while it is pointed at itself

function hovered(event, look) {
  const mark = event.target.closest?.("a.cite");
  const kept = event.target.closest?.(".preview");
  if (!mark && !kept) return;
  clearTimeout(timer);
  if (!look) timer = setTimeout(hide, 180);
  else if (mark && (event.type === "focusin" ? mark.matches(":focus-visible") : window.matchMedia("(hover: hover)").matches)) {
    timer = setTimeout(peek, event.type === "focusin" ? 0 : 160, mark);
  }
}

function peek(mark) {
  const html = mark.isConnected && !mark.classList.contains("current") && sourcesOf(mark);
  if (!html) return;
  const held = new DOMParser().parseFromString(html, "text/html"); // nothing in it is loaded or run
  const quotes = [...held.querySelectorAll("mark")].filter((quote) => cites(quote, numberOf(mark)));
  if (!quotes.length) return;
  const card = quotes[0].closest(".source");
  const words = (selector) => card.querySelector(selector)?.textContent || "";
  const quote = quotes.map((one) => one.textContent).join("");
  const place = [words("h3"), words(".section")].filter(Boolean).join(" › ");
  preview.replaceChildren(
    make("p", "quote", quote.length > 280 ? `${quote.slice(0, 279).replace(/\s+\S*$/, "")}…` : quote),
    make("p", "place", place),
    make("p", "how", words(".how")),
  );
  mark.setAttribute("aria-describedby", preview.id);
  preview.hidden = false;
  const at = mark.getBoundingClientRect(), size = preview.getBoundingClientRect();
  const below = at.bottom + 8 + size.height < window.innerHeight;
  preview.style.left = `${Math.max(8, Math.min(at.left - 24, document.documentElement.clientWidth - size.width - 8))}px`;
  preview.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - size.height - 8)}px`;
}

function hide() {
  clearTimeout(timer);
  preview.hidden = true;
  document.querySelectorAll("a.cite[aria-describedby]").forEach((mark) => mark.removeAttribute("aria-describedby"));
}
