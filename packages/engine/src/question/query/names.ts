import { foldText } from "../../terms/fold.js";

/** Gives readable, distinct variable names: "located in" → `locatedIn`, then `locatedIn2`. */
export function createNames(): (label: string) => string {
  const taken = new Set<string>();
  return (label) => {
    const base = camelCase(label);
    let name = base;
    for (let number = 2; taken.has(name); number += 1) name = `${base}${number}`;
    taken.add(name);
    return name;
  };
}

function camelCase(label: string): string {
  const words = foldText(label.replace(/\([^)]*\)/g, " "))
    .split(" ")
    .map((word) => word.replace(/[^a-z0-9]/g, ""))
    .filter((word) => word !== "")
    .slice(0, 4);
  const [first, ...rest] = words;
  if (first === undefined || !/^[a-z]/.test(first)) return "item";
  return (first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")).slice(0, 40);
}
