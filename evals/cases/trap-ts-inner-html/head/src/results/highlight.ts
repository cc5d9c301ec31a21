import { escapeHtml } from "./escape";

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** HTML of the text with each match of the term in <mark>; text and term are escaped. */
export function highlight(text: string, term: string): string {
  const wanted = term.trim();
  if (wanted === "") {
    return escapeHtml(text);
  }
  const parts = text.split(new RegExp(`(${escapeRegExp(wanted)})`, "gi"));
  return parts
    .map((part, index) => (index % 2 === 1 ? `<mark>${escapeHtml(part)}</mark>` : escapeHtml(part)))
    .join("");
}
