// Draws the conversation into the Gradio component that loads this page's log, and the source panel beside it.
// The server sends one event at a time, each the whole state of one turn. Questions and chips arrive as text and
// stay text (textContent); the answer's and the sources' HTML is escaped and made by advisor/render.py.
"use strict";

(() => {
  const PATIENCE = 4000; // milliseconds between two looks whether a silent server is still there
  const LONG = 30000; // milliseconds after which a server that is there should have taken a question up
  const LOST = "The advisor cannot be reached. See that it is still running (advisor web), then ask again.";
  const BUSY = "The advisor did not take the question up. Please ask again.";
  const LABELS = { declined: "Not answered", failed: "That did not work" };
  const turns = new Map(); // turn id -> { article, sources }
  const wide = window.matchMedia("(min-width: 64rem)");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let root, send, panel, backdrop, opener, sent = null, next = false;

  const make = (tag, className = "", text = "") => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };
  const box = () => document.querySelector("#ask textarea");
  const part = (selector) => root.querySelector(selector);
  const scroll = (element, block) => element.scrollIntoView({ block, behavior: calm.matches ? "auto" : "smooth" });

  // Called by the Gradio component once it is in the page.
  window.advisorPage = (element, props, trigger, watch) => {
    root = element;
    send = (question) => trigger("submit", { ask: question });
    makePanel();
    root.addEventListener("click", clicked);
    document.addEventListener("keydown", keyed, true); // before Gradio's own box and button
    document.addEventListener("click", (event) => event.target.closest("#ask .submit-button") && submit(event), true);
    wide.addEventListener("change", () => panel.hidden || modal(!wide.matches));
    const show = () => props.value && receive(JSON.parse(props.value));
    watch("value", show);
    show();
    setInterval(look, PATIENCE);
  };

  function receive(event) {
    if (event.turn) return showTurn(event);
    const waiting = part(".waiting");
    waiting.hidden = Boolean(event.starters);
    waiting.classList.toggle("fault", Boolean(event.fault));
    if (event.waiting) waiting.textContent = event.waiting;
    if (event.starters) part(".starters").replaceChildren(...event.starters.map(chip));
    if (document.activeElement === document.body) rest();
  }

  // The box is where one goes on; on a phone that would call up the keyboard.
  const rest = () => wide.matches && box()?.focus({ preventScroll: true });

  function chip(question) {
    const item = make("li");
    const button = make("button", "chip", question);
    button.type = "button";
    item.append(button);
    return item;
  }

  // ---- the conversation

  function showTurn(event) {
    sent = null;
    const known = turns.get(event.turn);
    const turn = known || { article: make("article", "turn"), sources: "" };
    if (!known) {
      turns.set(event.turn, turn);
      begin(turn.article, event.question);
    }
    turn.sources = event.sources || "";
    const done = event.state !== "working";
    turn.article.dataset.state = event.state;
    turn.article.setAttribute("aria-busy", String(!done));
    turn.article.querySelector(".reply").replaceChildren(...reply(event));
    if (!known) scroll(turn.article, "start");
    if (done) finish(turn.article, event);
    else part(".heard").textContent = event.progress || "";
  }

  function begin(article, question) {
    part(".welcome").hidden = true;
    part(".anew").hidden = false;
    const said = make("div", "question");
    said.append(make("h2", "unseen", "You asked"), make("p", "", question));
    article.append(said, make("div", "reply"));
    part(".log").append(article);
  }

  function reply(event) {
    const made = [make("h2", "unseen", "The advisor")];
    if (event.read_as) made.push(make("p", "read-as", `Read as: ${event.read_as}`));
    if (LABELS[event.state]) made.push(make("p", "label", LABELS[event.state]));
    if (event.html) {
      const text = make("div", "text");
      text.innerHTML = event.html;
      made.push(text);
    }
    if (event.line) made.push(make("p", "text", event.line));
    if (event.state === "working") made.push(make("p", "progress", event.progress));
    if (event.sources) {
      const foot = make("button", "show-sources", event.count);
      foot.type = "button";
      foot.setAttribute("aria-label", `Show the sources: ${event.count}`);
      made.push(foot);
    }
    if (event.chips && event.chips.length) {
      const lead = event.state === "declined" ? "The nearest questions it can answer" : "You could ask";
      const chips = make("ul", "chips");
      chips.setAttribute("aria-label", lead);
      chips.append(...event.chips.map(chip));
      made.push(make("p", "lead", lead), chips);
    }
    return made;
  }

  function finish(article, event) {
    const text = article.querySelector(".text");
    const words = text ? text.textContent.replace(/\s*\[\d+\]/g, "") : "";
    const label = LABELS[event.state] ? `${LABELS[event.state]}. ` : "";
    part(".heard").textContent = `${label}${words} ${event.count || ""}`.trim();
    scroll(article, "start");
    if (next) ask(box().value);
  }

  // ---- asking: one question is answered at a time; one that is sent meanwhile stays in the box and goes next

  const working = () => [...turns.values()].some((turn) => turn.article.dataset.state === "working");

  function submit(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(box().value);
  }

  function ask(question) {
    next = Boolean(sent || working());
    if (next) write(question);
    if (next || !question.trim()) return;
    write("");
    sent = { question, at: Date.now() };
    knock(sent);
  }

  // Gradio takes no question while it ends the one before, so this knocks until it does.
  function knock(one) {
    if (sent !== one) return;
    send(one.question);
    setTimeout(knock, 1000, one);
  }

  function write(text) {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  }

  function clicked(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const mark = event.target.closest("a.cite");
    const more = event.target.closest("button.show-sources");
    const question = event.target.closest("button.chip");
    if (mark) {
      event.preventDefault();
      open(mark, mark);
    } else if (more) {
      open(more.closest(".turn").querySelector("a.cite"), more);
    } else if (question) {
      ask(question.textContent);
      rest();
    }
  }

  function keyed(event) {
    if (event.key === "Escape" && !panel.hidden) close();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === box()) submit(event);
    if (event.key === "Tab" && panel.getAttribute("aria-modal") === "true") stay(event);
  }

  // ---- the source panel

  function makePanel() {
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
    shut.addEventListener("click", close);
    head.append(title, shut);
    panel.append(head, make("div", "cards"));
    panel.addEventListener("click", (event) => {
      const back = event.target.closest("a.back");
      if (!back) return;
      event.preventDefault();
      opener = document.getElementById(back.getAttribute("href").slice(1)) || opener;
      close();
    });
    backdrop = make("div", "backdrop");
    backdrop.hidden = true;
    backdrop.addEventListener("click", close);
    document.body.append(backdrop, panel);
  }

  function open(mark, from) {
    const article = mark.closest(".turn");
    const [id, turn] = [...turns].find(([, known]) => known.article === article) || [];
    if (!turn || !turn.sources) return;
    const number = mark.hash.split("-").pop();
    const cards = panel.querySelector(".cards");
    if (panel.dataset.turn !== id) cards.innerHTML = turn.sources;
    panel.dataset.turn = id;
    panel.hidden = false;
    document.body.classList.add("with-sources");
    modal(!wide.matches);
    current(mark);
    opener = from;
    const quotes = [...cards.querySelectorAll("mark")];
    quotes.forEach((quote) => quote.classList.toggle("current", quote.dataset.n.split(" ").includes(number)));
    const quote = quotes.find((one) => one.classList.contains("current"));
    const card = quote.closest(".source");
    cards.querySelectorAll(".source").forEach((one) => one.classList.toggle("current", one === card));
    card.focus({ preventScroll: true });
    // From the card's title on where that shows the quoted words too, else from a little above them.
    const within = (one) => one.getBoundingClientRect().top - cards.getBoundingClientRect().top + cards.scrollTop;
    const deep = within(quote) + quote.offsetHeight - within(card) > cards.clientHeight;
    const top = deep ? within(quote) - cards.clientHeight / 3 : within(card) - 12;
    cards.scrollTo({ top, behavior: calm.matches ? "auto" : "smooth" });
    if (wide.matches) mark.scrollIntoView({ block: "nearest" });
  }

  function close() {
    panel.hidden = true;
    document.body.classList.remove("with-sources");
    modal(false);
    current(null);
    if (opener) opener.focus();
  }

  function current(mark) {
    document.querySelectorAll("a.cite.current").forEach((one) => one.classList.remove("current"));
    if (mark) mark.classList.add("current");
  }

  // On a phone the sheet covers the page, so the page behind it rests.
  function modal(on) {
    panel.setAttribute("aria-modal", String(on));
    backdrop.hidden = !on;
    for (const one of document.body.children) if (one !== panel && one !== backdrop) one.inert = on;
  }

  function stay(event) {
    const stops = [...panel.querySelectorAll("a[href], button")];
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  }

  // ---- a server that has gone

  async function look() {
    const silence = sent ? Date.now() - sent.at : 0;
    if (!working() && silence < PATIENCE) return;
    const there = await fetch("/healthz", { cache: "no-store" }).then((reply) => reply.ok, () => false);
    if (sent && silence > (there ? LONG : PATIENCE)) {
      const { question, at } = sent;
      showTurn({ turn: `lost-${at}`, question, state: "failed", line: there ? BUSY : LOST });
      if (!box().value) write(question);
    }
    if (there) return;
    for (const [id, turn] of turns) if (turn.article.dataset.state === "working") showTurn({ turn: id, state: "failed", line: LOST });
  }
})();
