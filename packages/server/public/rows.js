const NUMBERS = new Set(
  [
    "integer",
    "decimal",
    "double",
    "float",
    "int",
    "long",
    "short",
    "byte",
    "nonNegativeInteger",
    "positiveInteger",
  ].map((name) => `http://www.w3.org/2001/XMLSchema#${name}`),
);

/** Rows beyond these are kept, and shown on demand: a table of 100,000 rows would stop the page. */
const PAGE = 500;

/** The table of a result: holds all rows, shows a bounded part. Everything is put in as text. */
export function createRows({ head, body, more, counts }) {
  let variables = [];
  let rows = [];
  let shown = 0;
  let allowed = PAGE;

  const show = () => {
    const fragment = document.createDocumentFragment();
    while (shown < rows.length && shown < allowed) {
      const tr = document.createElement("tr");
      for (const variable of variables) tr.append(cell(rows[shown][variable]));
      fragment.append(tr);
      shown++;
    }
    body.append(fragment);
    more.hidden = shown === rows.length;
    more.textContent = `Show more (${(rows.length - shown).toLocaleString()} not shown)`;
    counts.textContent = rows.length === 1 ? "1 row" : `${rows.length.toLocaleString()} rows`;
  };
  more.addEventListener("click", () => {
    allowed += PAGE;
    show();
  });

  return {
    clear() {
      variables = [];
      rows = [];
      shown = 0;
      allowed = PAGE;
      head.replaceChildren();
      body.replaceChildren();
      counts.textContent = "";
      more.hidden = true;
    },
    columns(names) {
      if (variables.length > 0 || names.length === 0) return;
      variables = names;
      head.replaceChildren(
        ...names.map((name) => {
          const th = document.createElement("th");
          th.scope = "col";
          th.textContent = name;
          return th;
        }),
      );
    },
    add(added) {
      for (const row of added) rows.push(row);
      show();
    },
  };
}

function cell(term) {
  const td = document.createElement("td");
  if (term === undefined) return td;
  if (term.type === "uri") {
    td.append(iri(term.value));
  } else if (term.type === "literal") {
    td.textContent = term.value;
    if (NUMBERS.has(term.datatype)) td.className = "number";
    const language = term["xml:lang"];
    if (language) {
      const tag = document.createElement("small");
      tag.textContent = ` @${language}`;
      td.append(tag);
    }
  } else if (term.type === "triple") {
    td.textContent = `<< ${["subject", "predicate", "object"].map((part) => term.value[part].value).join(" ")} >>`;
  } else {
    td.textContent = `_:${term.value}`;
  }
  return td;
}

/** A link where it leads somewhere; its last part as text, the whole as its title. */
function iri(value) {
  const element = document.createElement(/^https?:\/\//.test(value) ? "a" : "span");
  element.textContent = value.match(/[^/#]+[/#]?$/)?.[0] ?? value;
  element.title = value;
  if (element.localName === "a") {
    element.href = value;
    element.rel = "noreferrer noopener";
    element.target = "_blank";
  }
  return element;
}
