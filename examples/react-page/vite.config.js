// Everything but the page itself is the server's.
const server = process.env.SPARQL_LIVE_SERVER ?? "http://127.0.0.1:8000";

export default {
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic" } },
  server: { host: "127.0.0.1", proxy: { "/api": { target: server, ws: true } } },
};
