// Fails when the first load grows beyond its budget, or when what belongs to one page got into it.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const ROOT = join(import.meta.dirname, "../../hub/api/static");
const BUDGET = 200 * 1024;

const html = await readFile(join(ROOT, "index.html"), "utf8");
const first = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, name]) => name);
const sizes = new Map();
for (const name of (await readdir(join(ROOT, "assets"))).filter((name) => name.endsWith(".js")))
  sizes.set(`assets/${name}`, gzipSync(await readFile(join(ROOT, "assets", name))).length);

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const total = first.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
for (const [name, size] of [...sizes].sort((a, b) => b[1] - a[1]))
  console.log(`${first.includes(name) ? "first load" : "          "}  ${kib(size).padStart(10)}  ${name}`);
console.log(`first load: ${kib(total)} of ${kib(BUDGET)} (gzip)`);

const errors = [];
if (first.length === 0) errors.push("index.html loads no script");
if (total > BUDGET) errors.push(`the first load is ${kib(total)}: over its budget of ${kib(BUDGET)}`);
for (const name of first)
  if (name.startsWith("assets/") && /uPlot/.test(await readFile(join(ROOT, name), "utf8")))
    errors.push(`${name} holds uPlot, which only the Plug page needs`);
if (/<script(?![^>]*\ssrc=)|<style|\sstyle=/.test(html))
  errors.push("index.html has inline code, which the policy forbids");
for (const error of errors) console.error(error);
process.exitCode = errors.length ? 1 : 0;
