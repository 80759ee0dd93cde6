// What is indexed, who answers, which version this is.

import { button, call, day, hear, LOST, make, query, readStatus, Refused } from "./dom.js";

export async function openStatus(view) {
  view.replaceChildren(title("Status"), make("p", "what", "Reading…"));
  const status = await readStatus();
  if (!status) return view.replaceChildren(title("Status"), make("p", "what", "The advisor cannot be reached."));
  const rows = [
    ["State", status.ready ? "Ready" : "Getting ready"],
    ["Answers are", status.model ? `written by ${status.model}, each sentence checked` : "quoted word for word from the guidance, without a model"],
    ["Guidance", `${status.guides} guides, ${status.passages} passages`],
    ["Indexed", status.indexed ? day(status.indexed) : "Date not recorded"],
    ["Embedding model", status.embedding_model],
    ["Version", status.version],
  ];
  const table = make("dl", "facts");
  for (const [name, value] of rows) {
    const row = make("div");
    row.append(make("dt", "", name), make("dd", "", String(value)));
    table.append(row);
  }
  const signed = status.access === "sign-in" || status.access === "proxy";
  const opens = signed ? "only you can open them, wherever you sign in" : "only this browser can open them";
  const yours = make("section", "yours");
  yours.append(
    make("h2", "", "Your conversations"),
    make("p", "", `They are kept on the machine that runs the advisor, and ${opens}.`),
    button("danger", { text: "Delete all my conversations", click: removeAll }),
  );
  if (status.access === "sign-in") yours.append(button("plain", { text: "Sign out", click: signOut }));
  view.replaceChildren(title("Status"), table, yours);
}

async function removeAll() {
  const line = "All your questions and answers are deleted for good. Documents that you have added stay until you delete them.";
  if (!(await query({ title: "Delete all your conversations?", line, yes: "Delete all", danger: true }))) return;
  try {
    const { deleted } = await call("/api/conversations", "DELETE");
    hear(`${deleted} deleted`);
    history.replaceState(null, "", "/"); // what is open in the page is gone too
    location.reload();
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    await query({ title: "That did not work", line: fault.message, yes: "Close" });
  }
}

async function signOut() {
  const sent = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } };
  const reply = await fetch("/logout", sent).catch(() => null);
  if (!reply?.ok) return void (await query({ title: "That did not work", line: LOST, yes: "Close" }));
  location.assign("/login");
}

export function title(text) {
  const made = make("h1", "", text);
  made.tabIndex = -1;
  return made;
}
