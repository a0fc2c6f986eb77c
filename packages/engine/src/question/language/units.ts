import type { Unit } from "./language.js";

function units(dimension: string, text: string): [string, Unit][] {
  const entries: [string, Unit][] = [];
  for (const row of text.split("|")) {
    const [names = "", factor = "1"] = row.split(":");
    for (const name of names.split("/")) entries.push([name.trim(), { dimension, factor: Number(factor) }]);
  }
  return entries;
}

/** Units as they are written after a number, folded, with their size in the base unit of the dimension (SI where there is one). */
export const UNITS: ReadonlyMap<string, Unit> = new Map([
  ...units(
    "length",
    "m/metre/meter/metres/meters:1|km/kilometre/kilometer/kilometres/kilometers:1000|cm/centimetre/centimeter/centimetres/centimeters:0.01|mm/millimetre/millimeter/millimetres/millimeters:0.001|mi/mile/miles:1609.344|ft/foot/feet:0.3048|in/inch/inches:0.0254",
  ),
  ...units(
    "area",
    "m2/sq m/square metre/square meter/square metres/square meters:1|km2/sq km/square kilometre/square kilometer/square kilometres/square kilometers:1000000|ha/hectare/hectares:10000|sq mi/square mile/square miles:2589988.11",
  ),
  ...units(
    "mass",
    "kg/kilogram/kilograms/kilo/kilos:1|g/gram/grams:0.001|mg/milligram/milligrams:0.000001|t/ton/tons/tonne/tonnes:1000|lb/pound/pounds:0.45359237",
  ),
  ...units("molecular mass", "da/dalton/daltons:1|kda/kilodalton/kilodaltons:1000"),
  ...units(
    "time",
    "s/sec/second/seconds:1|min/minute/minutes:60|h/hour/hours:3600|day/days:86400|week/weeks:604800|month/months:2629746|year/years:31556952",
  ),
  ...units("volume", "l/liter/litre/liters/litres:1|ml/milliliter/millilitre/milliliters/millilitres:0.001"),
  ...units("speed", "km h/kmh:1|mph:1.609344"),
  ...units("percent", "percent/%:1"),
  ...units("temperature", "c/celsius/degrees celsius:1|k/kelvin:1"),
  ...units("money", "dollar/dollars/usd/euro/euros/eur:1"),
]);
