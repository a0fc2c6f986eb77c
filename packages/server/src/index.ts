export { type SparqlLiveOptions, sparqlLive } from "./http/plugin.js";
export { createServer, type Server, type ServerSettings } from "./http/server.js";
export type { Live } from "./live.js";
export { createLog } from "./log.js";
export { readSettings, type SettingSources, SettingsError } from "./settings/read.js";
export {
  envOf,
  flagOf,
  SETTING_NAMES,
  SETTINGS,
  type SettingDefinition,
  type SettingName,
  type Settings,
} from "./settings/table.js";
