import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { LONGEST_NAME } from "./types";

const here = readdirSync("src/api")
  .filter((name) => /^(\w+\.)?types\.ts$/.test(name))
  .map((name) => readFileSync(resolve("src/api", name), "utf8"))
  .join("\n");
const folder = resolve("../hub/api/types");
const hub = readdirSync(folder)
  .filter((name) => name.endsWith(".py"))
  .map((name) => readFileSync(resolve(folder, name), "utf8").replaceAll(/"""[^]*?"""/g, ""))
  .join("\n\n");

/** Names and fields of the hub's types. */
function hubTypes(): Map<string, string[]> {
  const types = new Map<string, string[]>();
  for (const [, name = "", body = ""] of hub.matchAll(/^class (\w+)\([^)]*\):\n((?: {4}.*\n|\n)*)/gm))
    types.set(
      name,
      [...body.matchAll(/^ {4}(\w+): /gm)].map(([, field = ""]) => field),
    );
  return types;
}

const ours = [...here.matchAll(/^export interface (\w+)(?: extends \w+)? \{\n([^}]*)\}/gm)].map(
  ([, name = "", body = ""]) => [name, [...body.matchAll(/^ {2}(\w+)\??: /gm)].map(([, field = ""]) => field)] as const,
);

it.each(ours)("%s has the fields that the hub sends", (name, fields) => {
  const known = hubTypes().get(name);
  expect(known, `hub/api/types has no ${name}`).toBeDefined();
  // A request may leave out what the app does not change; of an answer every field is named.
  if (name.endsWith("Request")) expect(known).toEqual(expect.arrayContaining([...fields]));
  else expect([...fields].sort()).toEqual([...(known ?? [])].sort());
});

it("knows how long a name may be", () => {
  expect(/^Name = .*max_length=(\d+)/m.exec(hub)?.[1]).toBe(String(LONGEST_NAME));
});

it("compares something", () => {
  expect(ours.length).toBeGreaterThan(15);
});
