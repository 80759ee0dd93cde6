// What users bring themselves; shown where the server takes documents.

import { button, call, day, hear, make, query, Refused } from "./dom.js";
import { title } from "./status.js";

const KINDS = ".pdf,.docx,.md,.txt,.html,.htm";

export async function openDocuments(view) {
  const said = make("p", "said");
  said.setAttribute("role", "status");
  const list = make("ul", "documents");
  const pick = make("input", "unseen");
  Object.assign(pick, { type: "file", accept: KINDS, multiple: true, id: "pick" });
  pick.setAttribute("aria-label", "Choose documents");
  pick.addEventListener("change", () => add([...pick.files]));
  const choose = button("strong", { text: "Add a document", click: () => pick.click() });
  pick.tabIndex = -1;
  view.replaceChildren(
    title("My documents"),
    make("p", "what", "Your CV, a job notice, a contract: what you add is read together with the guidance, for you only, until you delete it. PDF, Word, Markdown, HTML or text."),
    choose, pick, said, list,
  );
  view.ondragover = (event) => event.preventDefault();
  view.ondrop = (event) => (event.preventDefault(), add([...event.dataTransfer.files]));
  await show();

  async function show() {
    await tried(async () => {
      const { documents } = await call("/api/documents");
      list.replaceChildren(...documents.map(row));
      if (!documents.length) list.append(make("li", "none", "None yet"));
    });
  }

  function row(document) {
    const item = make("li");
    const about = make("div");
    const facts = [`${document.words} words`, document.pages ? `${document.pages} pages` : "", document.added ? `added ${day(document.added)}` : ""];
    about.append(make("strong", "", document.title || document.name), make("p", "", [document.name, ...facts].filter(Boolean).join(" · ")));
    item.append(about, button("act", { sign: "remove", label: `Delete ${document.name}`, click: () => remove(document) }));
    return item;
  }

  async function add(files) {
    const lines = [];
    for (const file of files) {
      said.textContent = [...lines, `Reading ${file.name}…`].join("\n");
      const kept = await tried(() => call(`/api/documents?name=${encodeURIComponent(file.name)}`, "POST", file));
      lines.push(kept ? `${file.name} is added.` : `${file.name} is not added. ${said.textContent}`);
      said.textContent = lines.join("\n");
    }
    pick.value = "";
    await show();
  }

  async function remove(document) {
    if (!(await query({ title: `Delete “${document.name}”?`, line: "Its words are deleted for good.", yes: "Delete", danger: true }))) return;
    await tried(() => call(`/api/documents/${encodeURIComponent(document.id)}`, "DELETE"));
    hear("Deleted");
    await show();
    choose.focus();
  }

  async function tried(work) {
    try {
      return await work();
    } catch (fault) {
      if (!(fault instanceof Refused)) throw fault;
      said.textContent = fault.message;
      return null;
    }
  }
}
