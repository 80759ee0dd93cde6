// The guides: by stage and setting, searched, read; and a way from each section to a question about it.

import { button, call, link, make, ready, Refused } from "./dom.js";
import { chip } from "./turn.js";
import { title } from "./status.js";

const STAGES = {
  student: "Students", resident: "Residents", attending: "Attending physicians", "medical-director": "Medical directors",
  vpma: "VPMAs and associate CMOs", cmo: "Chief Medical Officers",
};
const SETTINGS = {
  any: "Any setting", hospital: "Hospitals", "health-system": "Health systems", academic: "Teaching hospitals", "medical-group": "Medical groups",
  "community-health": "Community health centers", payer: "Payers", pharma: "Pharma", biotech: "Biotech", "digital-health": "Digital health",
  government: "Government", military: "Military",
};
const chosen = { stage: "", settings: "", words: "" }; // as they were when one comes back from a guide
let guides = null, asked = 0;

export async function openGuidance(view, [...path], { ask }) {
  try {
    await ready();
    if (path[0]) await read(view, path.join("/"), ask);
    else await browse(view);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    const back = link("back-to", "#/guidance", "All guides", "back");
    delete view.dataset.guide;
    view.replaceChildren(back, title("Guidance"), make("p", "what", fault.message));
  }
}

// ---- all guides

async function browse(view) {
  delete view.dataset.guide;
  guides = guides || (await call("/api/guides")).guides;
  const found = make("div", "found");
  const count = make("p", "count");
  count.setAttribute("role", "status");
  const words = make("input", "search");
  Object.assign(words, { type: "search", placeholder: "Search the guidance", value: chosen.words, maxLength: 200 });
  words.setAttribute("aria-label", "Search the guidance");
  let timer;
  words.addEventListener("input", () => {
    chosen.words = words.value;
    clearTimeout(timer);
    timer = setTimeout(list, 250);
  });
  const bar = make("div", "filters");
  bar.append(words);
  for (const [key, label, names] of [["stage", "Stage", STAGES], ["settings", "Setting", SETTINGS]]) {
    const held = Object.keys(names).filter((value) => guides.some((guide) => guide[key].includes(value)));
    if (held.length > 1) bar.append(choice(key, label, held, names));
  }
  view.replaceChildren(
    title("Guidance"), make("p", "what", "What the advisor answers from. Each section names the outside works it rests on."), bar, count, found,
  );
  await list();

  function choice(key, label, held, names) {
    const made = make("label", "choice");
    const select = make("select");
    select.append(new Option("All", ""), ...held.map((value) => new Option(names[value], value)));
    select.value = chosen[key];
    select.addEventListener("change", () => ((chosen[key] = select.value), list()));
    made.append(make("span", "", label), select);
    return made;
  }

  async function list() {
    const mine = ++asked;
    const fit = guides.filter((guide) => ["stage", "settings"].every((key) => !chosen[key] || guide[key].includes(chosen[key])));
    if (chosen.words.trim()) {
      const sent = new URLSearchParams({ q: chosen.words.trim(), limit: 12, stage: chosen.stage, setting: chosen.settings });
      const { passages } = await call(`/api/search?${sent}`).catch(() => ({ passages: [] }));
      if (mine !== asked) return;
      const none = fit.length ? "Nothing found. Try other words." : "No guide is for this stage in this setting.";
      count.textContent = passages.length ? `The ${passages.length > 1 ? `${passages.length} nearest passages` : "nearest passage"}` : none;
      found.replaceChildren(...passages.map(passageCard));
      return;
    }
    count.textContent = `${fit.length} guide${fit.length === 1 ? "" : "s"}`;
    found.replaceChildren(...fit.map(guideCard));
  }
}

const address = (id, section = "") => `#/guidance/${id.split("/").map(encodeURIComponent).join("/")}${section ? `/§${encodeURIComponent(section)}` : ""}`;

function guideCard(guide) {
  const card = make("article", "guide-card");
  const head = make("h2");
  head.append(link("", address(guide.id), guide.title));
  card.append(head);
  if (guide.summary) card.append(make("p", "", guide.summary));
  const minutes = Math.max(1, Math.round(guide.words / 230));
  card.append(make("p", "facts", [...guide.stage.map((value) => STAGES[value] || value), `${minutes} min to read`].join(" · ")));
  return card;
}

function passageCard(passage) {
  const card = make("article", "guide-card");
  const head = make("h2");
  const inside = passage.heading && passage.heading !== passage.document.title;
  head.append(link("", address(passage.document.id, inside ? passage.heading : ""), inside ? passage.heading : passage.document.title));
  const text = passage.text.replace(/\*\*/g, "");
  card.append(head);
  if (inside) card.append(make("p", "facts", passage.document.title));
  card.append(make("p", "", text.length > 320 ? `${text.slice(0, 319).replace(/\s+\S*$/, "")}…` : text));
  return card;
}

// ---- one guide

async function read(view, path, ask) {
  const [id, section] = path.split("/§");
  if (view.dataset.guide === id && !section) return; // it is drawn already, as one left it
  const guide = await call(`/api/page/guides/${id.split("/").map(encodeURIComponent).join("/")}`);
  const head = title(guide.title);
  const about = make("p", "what", guide.summary);
  const parts = guide.sections.map((part, place) => drawn(part, place, guide, ask));
  view.replaceChildren(link("back-to", "#/guidance", "All guides", "back"), head);
  view.dataset.guide = id;
  if (guide.summary) view.append(about);
  if (guide.as_of) view.append(make("p", "facts", `As of ${guide.as_of}`));
  const named = guide.sections.map((part, place) => [part.heading, place]).filter(([heading]) => heading);
  if (named.length > 2) {
    const outline = make("ol", "outline");
    for (const [heading, place] of named) {
      const item = make("li");
      const to = button("jump", { text: heading, click: () => jump(parts[place]) });
      item.append(to);
      outline.append(item);
    }
    const inside = make("nav", "inside");
    inside.setAttribute("aria-label", "In this guide");
    inside.append(outline);
    view.append(inside);
  }
  const body = make("div", "guide");
  body.append(...parts);
  view.append(body);
  document.title = `${guide.title} · CMO Advisor`;
  const wanted = section && guide.sections.findIndex((part) => part.heading === section);
  if (section && wanted >= 0) setTimeout(() => jump(parts[wanted]));
}

function jump(part) {
  part.scrollIntoView({ block: "start" });
  part.querySelector("h2")?.focus({ preventScroll: true });
}

function drawn(part, place, guide, ask) {
  const made = make("section", "part");
  if (part.heading) {
    const head = make("h2", "", part.heading);
    head.tabIndex = -1;
    made.append(head);
  }
  const text = make("div", "text");
  text.innerHTML = part.html; // escaped and made by advisor/apps/guide.py
  made.append(text);
  const tools = make("div", "part-tools");
  const subject = part.heading || guide.title;
  const offered = make("details", "asks");
  const summary = make("summary", "", "Ask about this section");
  summary.setAttribute("aria-label", `Ask about this section: ${subject}`);
  const chips = make("ul", "chips");
  chips.append(...part.asked.map(chip));
  const own = button("plain", { text: "In my own words", click: () => ask(subject.endsWith("?") ? subject : `${subject}: `, false) });
  offered.append(summary, chips, own);
  tools.append(offered);
  if (part.sources.length) {
    const rests = make("details", "rests");
    const works = make("ul", "works");
    rests.append(make("summary", "", `Rests on ${part.sources.length} source${part.sources.length === 1 ? "" : "s"}`), works);
    works.append(...part.sources.map(work));
    tools.append(rests);
  }
  made.append(tools);
  return made;
}

function work(source) {
  const item = make("li");
  if (/^https?:\/\/[^\s"'<>]+$/.test(source.url)) {
    const to = make("a", "", source.title);
    Object.assign(to, { href: source.url, target: "_blank", rel: "noopener noreferrer" });
    item.append(to);
  } else item.append(source.title);
  const more = [source.publisher !== source.title ? source.publisher : "", source.date].filter(Boolean).join(", ");
  if (more) item.append(`, ${more}`);
  return item;
}
