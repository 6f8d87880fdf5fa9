import { IntlMessageFormat } from "intl-messageformat";
import { APPLIANCES } from "../ui/icons";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { de } from "./de";
import { en } from "./en";
import { type MessageId, translate } from "./i18n";

describe("a quantity read aloud", () => {
  it.each([
    ["en", "quantity.W", "1", "1 watt"],
    ["en", "quantity.W", "2", "2 watts"],
    ["en", "quantity.W", "1,000", "1,000 watts"],
    ["en", "quantity.kWh", "1", "1 kilowatt hour"],
    ["en", "quantity.kWh", "1.00", "1.00 kilowatt hours"],
    ["de", "quantity.W", "1", "1 Watt"],
    ["de", "quantity.kWh", "1", "1 Kilowattstunde"],
    ["de", "quantity.kWh", "0,5", "0,5 Kilowattstunden"],
  ] as const)("in %s, %s of %s is %s", (language, id, value, text) => {
    expect(translate(language, id, { value })).toBe(text);
  });
});

it.each(["en", "de"] as const)("what goes without the certificate leaves out passkeys, in %s", (language) => {
  expect(translate(language, "secure.without.text")).toMatch(/passkeys/i);
});

it("draws the icons that the hub takes", () => {
  const known = readFileSync("../hub/devices/icons.py", "utf8").split("ICONS = (")[1]?.split("\n)")[0] ?? "";
  const names = [...known.matchAll(/"([a-z0-9-]+)"/g)].map(([, name]) => name);
  expect(names).toEqual(Object.keys(APPLIANCES));
});

const ids = Object.keys(en) as MessageId[];
const sources = (readdirSync("src", { recursive: true }) as string[])
  .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$|^test\/|i18n\/(en|de)\.ts$/.test(name))
  .map((name) => ({ name, text: readFileSync(join("src", name), "utf8") }));

type Part = ReturnType<IntlMessageFormat["getAst"]>[number];
const LITERAL = 0;
const POUND = 7;

/** Values of a part of a sentence, those in its branches too. */
const named = (part: Part): string[] => {
  const { type } = part as { type: number };
  if (type === LITERAL || type === POUND || !("value" in part)) return [];
  const branches = "options" in part ? Object.values(part.options).flatMap(({ value }) => value) : [];
  return [part.value, ...branches.flatMap(named)];
};

/** {count, plural, …} and {name}: the names of the values. */
const values = (text: string): string[] => [...new Set(new IntlMessageFormat(text).getAst().flatMap(named))].sort();

describe("the catalogues", () => {
  it("have the same sentences in both languages", () => {
    expect(Object.keys(de).sort()).toEqual([...ids].sort());
  });

  it.each(ids)("%s takes the same values in both, and renders", (id) => {
    expect(values(de[id])).toEqual(values(en[id]));
    const given = Object.fromEntries(values(en[id]).map((name) => [name, 2]));
    for (const language of ["en", "de"] as const) {
      const text = translate(language, id, given);
      expect(text.trim()).not.toBe("");
      expect(text).not.toMatch(/[{}]/);
    }
  });

  it.each(Object.keys(APPLIANCES))("name the icon %s", (key) => {
    expect(ids).toContain(`icon.${key}`);
  });

  it("know a word in a branch from a value", () => {
    expect(values("{count, plural, =0 {keiner} one {einer in {room}} other {#}}, {when}")).toEqual([
      ...["count", "room", "when"],
    ]);
  });

  it("count properly", () => {
    expect(translate("en", "home.measured", { count: 1 })).toBe("measured by 1 plug");
    expect(translate("de", "home.measured", { count: 5 })).toBe("gemessen von 5 Steckern");
  });

  it("hold no sentence that nothing says", () => {
    const all = sources.map(({ text }) => text).join("\n");
    const prefixes = [...all.matchAll(/`([\w.]+\.)\$\{/g)].map(([, prefix]) => prefix ?? "");
    const unused = ids.filter((id) => !all.includes(`"${id}"`) && !prefixes.some((prefix) => id.startsWith(prefix)));
    expect(unused).toEqual([]);
  });
});

describe("what people read comes from the catalogue", () => {
  const READ_ALOUD = new Set([
    "aria-label",
    "aria-description",
    "title",
    "placeholder",
    "alt",
    "label",
    "hint",
    "text",
  ]);
  const hasWords = (text: string): boolean => /\p{L}{2,}/u.test(text);

  function literals(name: string, text: string): string[] {
    const found: string[] = [];
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
    const visit = (node: ts.Node): void => {
      if (ts.isJsxText(node) && hasWords(node.text)) found.push(node.text.trim());
      if (ts.isJsxAttribute(node) && READ_ALOUD.has(node.name.getText()) && node.initializer) {
        const literal = ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer;
        if (literal && ts.isStringLiteralLike(literal) && hasWords(literal.text)) found.push(literal.text);
      }
      if (
        ts.isJsxExpression(node) &&
        node.expression &&
        (ts.isJsxElement(node.parent) || ts.isJsxFragment(node.parent))
      )
        if (ts.isStringLiteralLike(node.expression) && hasWords(node.expression.text)) found.push(node.expression.text);
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  }

  it.each(sources.filter(({ name }) => name.endsWith(".tsx")))("in $name", ({ name, text }) => {
    expect(literals(name, text)).toEqual([]);
  });

  it("and a sentence beside it would be found", () => {
    expect(literals("x.tsx", '<p aria-label="Read me">Hello there</p>')).toEqual(["Read me", "Hello there"]);
  });
});
