import * as chrono from "chrono-node/en";
import type { Token } from "./tokens.js";

/** A span of time as ISO dates: `from` inclusive, `until` exclusive. */
export interface DateSpan {
  readonly from: string;
  readonly until: string;
  /** Token after the date. */
  readonly to: number;
}

/** Reads a year, decade, century or calendar date that begins at a token. `null` where none does. */
export function readDate(question: string, tokens: readonly Token[], from: number): DateSpan | null {
  const first = tokens[from];
  if (first === undefined || first.kind === "quoted") return null;
  const century = /^(\d{1,2})(?:st|nd|rd|th)$/.exec(first.folded);
  if (century !== null && tokens[from + 1]?.lemma === "century") {
    const number = Number(century[1]);
    return years((number - 1) * 100 + 1, number * 100 + 1, from + 2);
  }
  const decade = /^([12]\d{2}0)s$/.exec(first.folded);
  if (decade !== null) return years(Number(decade[1]), Number(decade[1]) + 10, from + 1);
  const iso = /^([12]\d{3})-(\d{2})-(\d{2})$/.exec(first.text);
  if (iso !== null) return day(first.text, from + 1);
  const calendar = readCalendarDate(question, tokens, from);
  if (calendar !== null) return calendar;
  if (first.kind === "number" && /^[12]\d{3}$/.test(first.text)) {
    return years(Number(first.text), Number(first.text) + 1, from + 1);
  }
  return null;
}

function years(from: number, until: number, to: number): DateSpan {
  return {
    from: `${String(from).padStart(4, "0")}-01-01`,
    until: `${String(until).padStart(4, "0")}-01-01`,
    to,
  };
}

function day(iso: string, to: number): DateSpan | null {
  const start = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(start.getTime())) return null;
  const next = new Date(start.getTime() + 86_400_000);
  return { from: iso, until: next.toISOString().slice(0, 10), to };
}

/** Only dates that name a month and a year: what is relative to today would make the same question mean other things. */
function readCalendarDate(question: string, tokens: readonly Token[], from: number): DateSpan | null {
  const first = tokens[from];
  const rest = tokens.slice(from, from + 5);
  if (first === undefined || !rest.some((token) => /^[12]\d{3}$/.test(token.folded))) return null;
  if (!rest.some((token) => /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/.test(token.folded)))
    return null;
  const text = question.slice(first.start, rest.at(-1)?.end);
  const [found] = chrono.strict.parse(text, new Date(0));
  if (found === undefined || found.index !== 0) return null;
  const { start } = found;
  if (!start.isCertain("year") || !start.isCertain("month")) return null;
  const end = first.start + found.text.length;
  const to = from + rest.filter((token) => token.start < end).length;
  const year = String(start.get("year")).padStart(4, "0");
  const month = start.get("month") ?? 1;
  const monthText = String(month).padStart(2, "0");
  if (start.isCertain("day"))
    return day(`${year}-${monthText}-${String(start.get("day")).padStart(2, "0")}`, to);
  const until =
    month === 12 ? `${Number(year) + 1}-01-01` : `${year}-${String(month + 1).padStart(2, "0")}-01`;
  return { from: `${year}-${monthText}-01`, until, to };
}
