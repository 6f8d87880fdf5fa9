// Builds the web app into the folder that the hub serves. The page works under a policy without inline code.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Tells the browser of the Latin font file before it has read the style sheet. */
function preloadFont(): Plugin {
  return {
    name: "preload-font",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const font = Object.keys(bundle ?? {}).find((name) => /hanken-grotesk-latin-wght-normal.*\.woff2$/.test(name));
        if (!font) return [];
        const attrs = { rel: "preload", as: "font", type: "font/woff2", href: `/${font}`, crossorigin: "" };
        return [{ tag: "link", attrs, injectTo: "head" }];
      },
    },
  };
}

/** Packed copies beside the files: the hub sends them as they are, a Raspberry Pi need not pack each time. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    async writeBundle({ dir = "" }, bundle) {
      const names = Object.keys(bundle).filter((name) => /\.(js|css|html|svg)$/.test(name));
      await Promise.all(
        names.map(async (name) => {
          const content = await readFile(join(dir, name));
          await writeFile(join(dir, `${name}.gz`), gzipSync(content, { level: 9 }));
        }),
      );
    },
  };
}

/** Swagger UI for the page of the API, beside the web app and not a part of it: nothing of it is in the app's files. */
function apiDocs(): Plugin {
  const source = join(import.meta.dirname, "node_modules/swagger-ui-dist");
  const names = ["swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE"];
  return {
    name: "api-docs",
    apply: "build",
    async generateBundle() {
      for (const name of names) {
        const text = await readFile(join(source, name), "utf8");
        const content = text.replace(/\n\/[/*]# sourceMappingURL=.*$/s, "\n"); // the maps are not shipped
        this.emitFile({ type: "asset", fileName: `api-docs/${name}`, source: content });
      }
    },
  };
}

const hub = process.env.HUB_URL ?? "http://127.0.0.1:8123";

export default defineConfig({
  plugins: [react(), preloadFont(), apiDocs(), packed()],
  build: {
    outDir: "../hub/api/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy allows no data: addresses
    modulePreload: { polyfill: false }, // the polyfill would be inline code
  },
  server: { proxy: { "/api": { target: hub, ws: true } } },
  test: {
    environment: "jsdom",
    pool: "vmThreads", // a page for each test file without a process for each: a third of the time
    setupFiles: ["src/test/setup.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
