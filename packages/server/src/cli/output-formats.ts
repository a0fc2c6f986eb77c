export const OUTPUT_FORMATS = ["table", "json", "csv", "tsv"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];
