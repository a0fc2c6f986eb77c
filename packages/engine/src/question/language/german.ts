import { ENGLISH } from "./english.js";
import { type Gradable, type Language, pairs, phrases, table } from "./language.js";

function gradables(text: string): ReadonlyMap<string, Gradable> {
  const entries = new Map<string, Gradable>();
  for (const [key, properties] of table(text)) {
    const direction = key.startsWith("-") ? "less" : "more";
    const base = key.replace("-", "");
    for (const form of [base, `${base}e`, `${base}en`, `${base}er`, `${base}es`])
      entries.set(form, { properties, direction });
  }
  return entries;
}

/** German over the same grammar: what it does not name is as in English (units, numbers in digits). */
export const GERMAN: Language = {
  ...ENGLISH,
  tag: "de",
  functionWords: phrases(
    "der|die|das|den|dem|des|ein|eine|einen|einem|einer|eines|und|oder|aber|von|vom|in|im|an|am|auf|aus|bei|mit|nach|zu|zum|zur|fur|durch|uber|unter|vor|um|als|wie|was|wer|wen|wem|wo|wann|welche|welcher|welches|welchen|welchem|ist|sind|war|waren|wird|werden|wurde|wurden|hat|haben|hatte|hatten|es|er|sie|ihr|ihre|ihren|sein|seine|seinen|dass|die|alle|allen|aller|jede|jeder|jedes|gibt|dort|da|auch|nur|nicht|kein|keine|keinen|ohne|pro|je|mehr|weniger|viele|viel|mir|mich|uns|bitte|man|kann|konnen|liegen|liegt|dessen|deren",
  ),
  auxiliaries: phrases("ist|sind|war|waren|wird|werden|wurde|wurden|hat|haben|kann|und|oder|es"),
  beforeCount: phrases("die|der|wie|ist|zeige|nenne|und|mit|nach|gib|mir"),
  weakRelations: phrases(
    "liegen|liegt|gehoren|gehort|verbunden|zusammenhangen|verknupft|befinden|befindet|vorkommen|vorhanden|enthalten|enthalt|stehen|steht|bezug|zusammenhang|assoziiert|heissen|heisst|namens|genannt|existieren|existiert|sich|einander",
  ),
  requests: phrases(
    "zeige|zeig|nenne|nenn|liste|finde|suche|gib|gebe|sag|sage|mir|uns|bitte|auf|zahle|welche",
  ),
  whWords: new Map([
    ["wer", "person"],
    ["wen", "person"],
    ["wo", "place"],
    ["wann", "time"],
    ["was", "thing"],
    ["welche", "thing"],
    ["welcher", "thing"],
    ["welches", "thing"],
    ["welchen", "thing"],
    ["welchem", "thing"],
    ["wie viele", "quantity"],
    ["wieviele", "quantity"],
  ]),
  askOpeners: phrases("ist|sind|war|waren|hat|haben|gibt es|liegt|liegen|wird|wurde"),
  count: [
    "wie viele verschiedene",
    "wie viele",
    "wieviele",
    "die anzahl der",
    "die anzahl von",
    "anzahl der",
    "anzahl von",
    "anzahl",
  ],
  comparisons: new Map([
    ...ENGLISH.comparisons,
    ["mindestens", ">="],
    ["hochstens", "<="],
    ["maximal", "<="],
    ["mehr als", ">"],
    ["grosser als", ">"],
    ["weniger als", "<"],
    ["kleiner als", "<"],
    ["uber", ">"],
    ["unter", "<"],
    ["genau", "="],
  ]),
  between: phrases("zwischen|von"),
  and: phrases("und|bis"),
  or: phrases("oder"),
  than: phrases("als"),
  negation: phrases("ohne|nicht|kein|keine|keinen|keiner"),
  extremes: new Map([
    ["die meisten", "more"],
    ["den meisten", "more"],
    ["meisten", "more"],
    ["die wenigsten", "less"],
    ["den wenigsten", "less"],
    ["wenigsten", "less"],
  ]),
  ordinalLimits: phrases("top|ersten|die ersten|limit"),
  grouping: phrases("pro|je|fur jedes|fur jede|fur jeden|in jedem|in jeder"),
  ordering: phrases("sortiert nach|geordnet nach|nach"),
  descending: phrases("absteigend"),
  ascending: phrases("aufsteigend|alphabetisch"),
  aggregates: new Map([
    ["durchschnittliche", "avg"],
    ["durchschnittlicher", "avg"],
    ["mittlere", "avg"],
    ["gesamte", "sum"],
    ["summe der", "sum"],
  ]),
  dateComparisons: new Map([
    ["vor", "<"],
    ["vor dem jahr", "<"],
    ["nach", ">"],
    ["nach dem jahr", ">"],
    ["seit", ">="],
    ["bis", "<="],
    ["im jahr", "in"],
    ["im jahre", "in"],
    ["im", "in"],
    ["in", "in"],
    ["von", "in"],
  ]),
  possessives: phrases("ihre|ihren|deren|dessen|seine|seinen"),
  genitives: phrases("von|der|des|vom"),
  agents: phrases("von|durch"),
  nameWords: phrases("name|namen|titel"),
  numbers: new Map(
    "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf"
      .split(" ")
      .map((word, value): [string, number] => [word, value]),
  ),
  scales: new Map([
    ["hundert", 1e2],
    ["tausend", 1e3],
    ["million", 1e6],
    ["millionen", 1e6],
    ["mio", 1e6],
    ["milliarde", 1e9],
    ["milliarden", 1e9],
    ["mrd", 1e9],
  ]),
  gradables: gradables(
    "hoch/hoh/hoech: elevation, height, hohe, altitude|lang: length, lange, duration|-kurz: length, lange|schwer: mass, weight, masse, gewicht|-leicht: mass, weight, masse, gewicht|gross/gross: area, flache, size, population|-klein: area, flache, size, population|tief: depth, tiefe|breit: width, breite|-alt: birth date, date, founded, year, geburtsdatum|neu/jung: date, birth date, year|teuer: price, preis|-billig: price, preis|schnell: speed, geschwindigkeit|bevolkerungsreich: population, bevolkerung, einwohner",
  ),
  comparativeEndings: ["er", "ere", "eren", "erer"],
  superlativeEndings: ["ste", "sten", "ster", "te", "ten", "este", "esten"],
  irregularAdjectives: new Map([
    ["hochste", { base: "hoch", degree: "superlative" }],
    ["hochsten", { base: "hoch", degree: "superlative" }],
    ["hochster", { base: "hoch", degree: "superlative" }],
    ["hoher", { base: "hoch", degree: "comparative" }],
    ["langste", { base: "lang", degree: "superlative" }],
    ["langsten", { base: "lang", degree: "superlative" }],
    ["langer", { base: "lang", degree: "comparative" }],
    ["grosste", { base: "gross", degree: "superlative" }],
    ["grossten", { base: "gross", degree: "superlative" }],
    ["altester", { base: "alt", degree: "superlative" }],
    ["alteste", { base: "alt", degree: "superlative" }],
    ["altesten", { base: "alt", degree: "superlative" }],
    ["alter", { base: "alt", degree: "comparative" }],
  ]),
  countedNouns: table(
    "einwohner/mensch/menschen: population, inhabitants, bevolkerung, einwohner|seite/seiten: pages, page count|mitarbeiter: employees, number of employees",
  ),
  synonyms: table(
    "fluss/flusse: river|land/lander: country|stadt/stadte: city|berg/berge: mountain|see/seen: lake|hauptstadt: capital|sprache/sprachen: language|wahrung: currency|einwohner/bevolkerung: population|flache: area|lange: length|hohe: elevation, height|gemalde/bild/bilder: painting|maler/malerin: painter, artist, creator|gemalt: creator, artist, painter|kunstler: artist, creator|werk/werke: artwork, work|buch/bucher: book|autor/autoren: author|geschrieben/schrieb: author|verlag: publisher|erschienen: published, publication date|geboren: birth date, birth place, born|gestorben: death date, death place, died|kontinent/erdteil: continent|nachbarland/nachbarlander/nachbar/grenzen/grenzt: borders, shares border with, neighbour|protein/proteine: protein|medikament/medikamente/wirkstoff: drug|krankheit/krankheiten: disease|mensch: human|gewebe: tissue|masse/gewicht: mass, weight|museum/museen: museum|gesprochen: language, spoken in|mitarbeiter/angestellte: employee|firma/unternehmen: company|abteilung/abteilungen: department|gehalt: salary",
  ),
  demonyms: pairs(
    "deutsch/deutsche/deutschen/deutscher: deutschland|franzosisch/franzosische/franzosischen: frankreich|italienisch/italienische/italienischen: italien|spanisch/spanische/spanischen: spanien|europaisch/europaische/europaischen: europa|afrikanisch/afrikanische/afrikanischen: afrika|asiatisch/asiatische/asiatischen: asien|englisch/englische/englischen: england|niederlandisch/niederlandische/niederlandischen: niederlande|osterreichisch/osterreichische/osterreichischen: osterreich|schweizer: schweiz|menschliche/menschlichen/menschlicher: mensch",
  ),
};
