/** Small graphs of different shape and vocabulary. None of them is like another, so no code can lean on one. */

const LIBRARY_SIZE = 30;

/** rdfs:label style with declarations, an inverse pair, value nodes with a class and codes; OWL hierarchy without inference. */
export function libraryGraph(): string {
  const lines = [
    "@prefix : <https://library.test/def#> .",
    "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .",
    "@prefix owl: <http://www.w3.org/2002/07/owl#> .",
    "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .",
    "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .",
    "@base <https://library.test/> .",
    ":Work a owl:Class ; rdfs:label 'creative work'@en .",
    ":Book a owl:Class ; rdfs:subClassOf :Work ; rdfs:label 'book'@en, 'Buch'@de ; rdfs:comment 'A printed work.'@en .",
    ":Novel a owl:Class ; rdfs:subClassOf :Book ; skos:altLabel 'romance'@en .",
    ":author a owl:ObjectProperty ; rdfs:label 'written by'@en ; rdfs:domain :Work ; owl:inverseOf :authorOf .",
    ":Writer a owl:Class .",
  ];
  for (let at = 1; at <= LIBRARY_SIZE; at += 1) {
    lines.push(
      `<book/${at}> a ${at % 3 === 0 ? ":Novel" : ":Book"} ; rdfs:label "${title(at)}"@en ; :author <writer/${(at % 10) + 1}> ; :shelfmark "LB-${1000 + at}" ;`,
      `  :pages ${90 + at} ; :language "${at % 2 === 0 ? "English" : "Old Norse"}" ; :mass <mass/${at}> .`,
      `<mass/${at}> a :Quantity ; :number ${at}.5 ; :unit :gram .`,
      `<writer/${(at % 10) + 1}> :authorOf <book/${at}> .`,
    );
  }
  for (let at = 1; at <= 10; at += 1) {
    lines.push(
      `<writer/${at}> a :Writer ; rdfs:label "${NAMES[at - 1]}"@en ; :born "19${20 + at}-05-01"^^xsd:date ; :knows <writer/${(at % 10) + 1}> .`,
      `<writer/${(at % 10) + 1}> :knows <writer/${at}> .`,
    );
  }
  return lines.join("\n");
}

const NAMES = [
  "Ada Merrow",
  "Björn Håkansson",
  "Clara O'Neill",
  "Dmitri Volkov",
  "Elif Şahin",
  "Farah Quispe",
  "Gustav Mahlberg",
  "Hana Kimura",
  "Ines Duarte",
  "Jonas Weiß",
];

const FIRST = ["Silver", "Hidden", "Northern", "Broken", "Golden", "Quiet"];
const SECOND = ["Harbour", "Orchards", "Lantern", "Rivers", "Crown"];

function title(at: number): string {
  return `The ${FIRST[at % 6]} ${SECOND[at % 5]}`;
}

/** SKOS style: concepts with labels in two languages and notations; no classes but skos:Concept. */
export function thesaurusGraph(): string {
  const lines = [
    "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .",
    "@base <https://thesaurus.test/> .",
  ];
  const concepts = [
    "Apple",
    "Pear",
    "Plum",
    "Cherry",
    "Quince",
    "Medlar",
    "Walnut",
    "Hazel",
    "Almond",
    "Fig",
  ];
  const german = [
    "Apfel",
    "Birne",
    "Pflaume",
    "Kirsche",
    "Quitte",
    "Mispel",
    "Walnuss",
    "Hasel",
    "Mandel",
    "Feige",
  ];
  for (const [at, concept] of concepts.entries()) {
    lines.push(
      `<c/${concept}> a skos:Concept ; skos:prefLabel "${concept.toLowerCase()}"@en, "${german[at]}"@de ; skos:altLabel "${concept.toLowerCase()} tree"@en ;`,
      `  skos:notation "F${100 + at}" ; skos:definition "${"A fruit that grows on trees and is eaten in many places. ".repeat(3)}${at}"@en .`,
    );
    if (at > 0)
      lines.push(`<c/${concept}> skos:broader <c/Apple> . <c/Apple> skos:narrower <c/${concept}> .`);
  }
  return lines.join("\n");
}

/** schema.org style with blank value nodes without a class, a name predicate of its own, and names one node away. */
export function shopGraph(): string {
  const lines = [
    "@prefix s: <https://schema.org/> .",
    "@prefix x: <urn:shop:vocab:> .",
    "@base <https://shop.test/> .",
  ];
  for (let at = 1; at <= 25; at += 1) {
    lines.push(
      `<p/${at}> a s:Product ; s:name "${FIRST[at % 6]} chair ${at}" ; s:sku "SKU${9000 + at}" ; s:weight [ s:value ${at} ; s:unitCode "KGM" ] ;`,
      `  s:brand <brand/${(at % 5) + 1}> ; s:email "shop${at}@shop.test" .`,
      `<brand/${(at % 5) + 1}> a s:Brand ; x:tradeTitle "${SECOND[at % 5]} & Sons" .`,
      `<e/${at}> a x:Enzyme ; x:properName <n/${at}> ; x:actsOn <p/${at}> . <n/${at}> a x:Naming ; x:fullText "catalase variant ${SECOND[at % 5]} ${at}" ; x:shortText "CAT${at}" .`,
    );
  }
  return lines.join("\n");
}
