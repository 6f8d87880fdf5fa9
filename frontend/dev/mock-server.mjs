// A hub without a hub, for work on the web app: REST, WebSocket and the built files, with plugs that move.
//   node dev/mock-server.mjs [--port 8123] [--setup done|open|code] [--plugs 5|0] [--offline KEY] [--slow MS]
// A command to the coffee machine is refused ("overload"), one to the lamp is never confirmed.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const { values: args } = parseArgs({
  options: {
    port: { type: "string", default: "8123" },
    setup: { type: "string", default: "done" },
    plugs: { type: "string", default: "7" },
    offline: { type: "string", default: "" },
    slow: { type: "string", default: "0" },
    now: { type: "string", default: "" },
  },
});
const STATIC = join(import.meta.dirname, "../../hub/api/static");
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const MINUTE = 60_000, HOUR = 60 * MINUTE; // prettier-ignore
const shift = args.now ? Date.parse(args.now) - Date.now() : 0;
const now = () => Date.now() + shift;

const home = { id: "h1", name: "Our home", time_zone: "Europe/Berlin", currency: "EUR" };
let user = { id: "u1", name: "Ada", email: "ada@example.org", language: "en", role: "admin" };
let setup = args.setup;
let signedIn = false;

// Each plug's watts at a moment: the same moment gives the same watts.
const noise = (t, seed) => {
  const x = Math.sin(Math.floor(t / 1000) * 12.9898 + seed * 78.233) * 43758.5453;
  return x - Math.floor(x);
};
const hourOf = (t) => ((((t + HOUR) / HOUR) % 24) + 24) % 24;
const PROFILES = {
  wash(t) {
    const since = ((t - 25 * MINUTE) % (4.5 * HOUR)) / MINUTE;
    if (since > 66) return 1 + noise(t, 1) * 0.4;
    if (since < 8) return 60 + noise(t, 1) * 90;
    if (since < 24) return 2040 + (Math.floor(t / 16_000) % 2) * 190 + noise(t, 1) * 30;
    return Math.floor(t / 21_000) % 2 ? 195 + noise(t, 1) * 60 : 8 + noise(t, 1) * 6;
  },
  tv: (t) => (hourOf(t) > 11.5 && hourOf(t) < 23 ? 196 + noise(Math.floor(t / 4000) * 1000, 2) * 14 : 0.6),
  freezer: (t) => ((t / MINUTE) % 55 < 24 ? 152 + 90 * Math.exp(-((t / 1000) % 3300) / 30) + noise(t, 3) * 4 : 0.8),
  desk: (t) => (hourOf(t) > 7 ? 88 + noise(t, 4) * 9 : 3),
  coffee: (t) => (Math.floor(t / 1000) % 97 < 9 ? 880 : 2.1 + noise(t, 5)),
  fridge: (t) => ((t / MINUTE) % 52 < 18 ? 96 + noise(t, 6) * 5 : 0),
  lamp: () => 0,
};
const plug = (key, name, room, icon, color, more = {}) => ({
  id: `d-${key}`, hardware_id: `demo-${key}`, key, name, room, icon, color, driver: "smartplug", model: "SP-1", firmware: "1.2.0",
  rssi: -58, online: true, online_since: now() - 5 * HOUR, interval_ms: 1000, always_on: false, private: false, right: "manage",
  on: true, command: null, max_power_w: 2500, ...more,
}); // prettier-ignore
const plugs = [
  plug("wash", "Washing machine", "Laundry", "wash-machine", 1),
  plug("tv", "TV", "Living room", "device-tv", 2),
  plug("freezer", "Freezer", "Laundry", "snowflake", 3, { always_on: true }),
  plug("desk", "Desk", "Office", "device-desktop", 4, { rssi: -79 }),
  plug("coffee", "Coffee machine", "Kitchen", "coffee", 5),
  plug("fridge", "Fridge", "Kitchen", "fridge", 6, { always_on: true }),
  plug("lamp", "Floor lamp", "Living room", "lamp", 0, { on: false }),
].slice(0, Number(args.plugs));
for (const device of plugs)
  if (device.key === args.offline) Object.assign(device, { online: false, online_since: now() - 2.2 * HOUR });
let found = plugs.length
  ? [{ hardware_id: "sp-7f3a", name: "Smart plug 7F3A", model: "SP-1", address: "192.168.1.77" }]
  : [];

const watts = (device, t) => {
  if (t > now() || (!device.online && t > device.online_since) || !device.on) return null;
  return PROFILES[device.key]?.(t) ?? 0;
};
const gapsOf = (device) => {
  const day = Math.floor((now() + HOUR) / (24 * HOUR)) * 24 * HOUR - HOUR;
  const gap = (id, from, to, cause, energy_kwh) => ({
    id: `${device.id}-${id}`, device: device.id, channel: 0, start: day + from * HOUR, end: day + to * HOUR, cause, energy_kwh,
    estimated: energy_kwh !== null,
  }); // prettier-ignore
  return device.key === "wash" || device.key === "freezer"
    ? [
        gap("a", 3.17, 3.87, "power_lost", null),
        gap("b", 7.4, 8.2, "memory", device.key === "wash" ? 0.28 : 0.031),
      ].filter((g) => g.end < now())
    : [];
};
const inGap = (device, t) => gapsOf(device).find((gap) => t >= gap.start && t < gap.end);

function series(device, from, to, bucket, source) {
  const columns = { at: [], mean: [], min: [], max: [], energy_kwh: [], estimated: [] };
  let total = 0, estimatedTotal = 0; // prettier-ignore
  const steps = Math.min(60, Math.max(8, bucket / MINUTE));
  for (let at = from; at < Math.min(to, now()); at += bucket) {
    const seen = [];
    let energy = 0, guessed = false; // prettier-ignore
    for (let index = 0; index < steps; index += 1) {
      const t = at + ((index + 0.5) * bucket) / steps;
      const gap = inGap(device, t);
      const value = gap ? null : watts(device, t);
      if (value !== null) seen.push(value);
      if (gap?.energy_kwh) ((energy += (gap.energy_kwh * bucket) / steps / (gap.end - gap.start)), (guessed = true));
      else energy += ((value ?? 0) * bucket) / steps / HOUR / 1000;
    }
    if (!seen.length && !guessed) continue;
    columns.at.push(at);
    columns.mean.push(seen.length ? seen.reduce((a, b) => a + b) / seen.length : null);
    columns.min.push(seen.length ? Math.min(...seen) : null);
    columns.max.push(seen.length ? Math.max(...seen) : null);
    columns.energy_kwh.push(energy);
    columns.estimated.push(guessed);
    total += energy;
    if (guessed) estimatedTotal += energy;
  }
  return {
    device: device.id,
    channel: 0,
    source,
    bucket_ms: bucket,
    ...columns,
    total_kwh: total,
    estimated_kwh: estimatedTotal,
  };
}
const midnight = () => Math.floor((now() + HOUR) / (24 * HOUR)) * 24 * HOUR - HOUR;
const view = ({ on, command, max_power_w, ...device }) => {
  const at = device.online ? now() : device.online_since;
  const power = watts({ on, ...device }, at) ?? 0;
  const live = {
    at,
    power,
    voltage: 230.8,
    current: power / 228,
    power_factor: 0.98,
    apparent: false,
    energy_today_kwh: series({ on, ...device }, midnight(), now(), 15 * MINUTE, "15m").total_kwh,
  };
  return { ...device, channels: [{ channel: 0, name: null, on, live, max_power_w, command, idle_below_w: 1.2 }] };
};
const session = () => ({ access_token: "mock", expires_in: 1800, user, home, refresh_token: null });

const sockets = new Map();
const tell = (socket, frame) => socket.send(JSON.stringify("seq" in frame ? { ...frame, seq: sockets.set(socket, sockets.get(socket) + 1).get(socket) } : frame)); // prettier-ignore
const tellAll = (frame) => [...sockets.keys()].forEach((socket) => socket.following && tell(socket, frame));
setInterval(() => {
  const t = now();
  const items = plugs.filter((device) => device.online).map((device) => {
    const power = Math.round((watts(device, t) ?? 0) * 10) / 10;
    return [device.id, 0, t, power, 230.8 + noise(t, 9), power / 228, device.on, null];
  }); // prettier-ignore
  if (items.length) tellAll({ type: "samples", seq: 0, items });
}, 1000);

const problem = (status, code, detail, field) => [status, { title: code, status, code, detail, field }];
const routes = [
  ["GET", /^\/system\/info$/, () => [200, { name: "Smart Plug AI", version: "0.1.0", setup, setup_closes: setup === "open" ? now() + 26 * MINUTE : null, demo: true }]],
  ["GET", /^\/system\/problems$/, () => [200, { items: [], next: null }]],
  ["POST", /^\/setup$/, (_, body) => {
    setup = "done";
    signedIn = true;
    user = { ...user, name: body.name, email: body.email, language: body.language };
    Object.assign(home, { name: body.home_name, time_zone: body.time_zone, currency: body.currency });
    return [200, session()];
  }],
  ["POST", /^\/auth\/login$/, (_, body) => {
    if (body.password === "wrong") return problem(401, "login-wrong", "E-mail or password is wrong.");
    signedIn = true;
    return [200, session()];
  }],
  ["POST", /^\/auth\/refresh$/, () => (signedIn ? [200, session()] : problem(401, "token-missing", "You are not signed in."))],
  ["POST", /^\/auth\/logout$/, () => { signedIn = false; return [204]; }],
  ["GET", /^\/devices\/found$/, () => [200, { items: found }]],
  ["GET", /^\/devices$/, () => [200, { items: plugs.map(view), next: null }]],
  ["POST", /^\/devices$/, (_, body) => {
    const device = plug(body.name.toLowerCase().replaceAll(" ", "-"), body.name, body.room, "plug", 0, { hardware_id: body.hardware_id, online: false, on: null });
    plugs.push(device);
    found = [];
    return [201, { device: view(device), secret: "5f".repeat(32) }];
  }],
  ["PATCH", /^\/devices\/(?<id>[^/]+)$/, ({ id }, body) => {
    const device = plugs.find((candidate) => candidate.id === id);
    Object.assign(device, body);
    tellAll({ type: "device", seq: 0, device: view(device) });
    return [200, view(device)];
  }],
  ["POST", /^\/devices\/(?<id>[^/]+)\/command$/, async ({ id }, body) => {
    const device = plugs.find((candidate) => candidate.id === id);
    const wait = device.key === "lamp" ? 5000 : Number(args.slow) || 700;
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (device.key === "lamp") return problem(504, "unconfirmed", "The plug did not answer.");
    if (device.key === "coffee") {
      device.on = false;
      return [200, { id: "c-1", state: "refused", on: false, error: "overload" }];
    }
    device.on = body.command === "relay_on";
    tellAll({ type: "device", seq: 0, device: view(device) });
    return [200, { id: "c-1", state: "confirmed", on: device.on, error: null }];
  }],
  ["GET", /^\/telemetry\/live$/, (_, __, query) => {
    const device = plugs.find((candidate) => query.get("device").startsWith(candidate.id));
    return [200, { ...series(device, Math.floor(now() / 1000) * 1000 - 10 * MINUTE, now(), 1000, "raw"), bucket_ms: 0 }];
  }],
  ["GET", /^\/telemetry$/, (_, __, query) => {
    const [start, end] = [Number(query.get("from")), Number(query.get("to"))];
    const sizes = { "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "1d": 24 * HOUR };
    const bucket = sizes[query.get("bucket")] ?? (end - start <= HOUR ? 4000 : end - start <= 25 * HOUR ? 2 * MINUTE : 15 * MINUTE);
    const asked = query.getAll("device").map((name) => plugs.find((device) => name.startsWith(device.id))).filter(Boolean);
    return [200, {
      start, end, series: asked.map((device) => series(device, start, end, bucket, "1m")),
      gaps: asked.flatMap(gapsOf).filter((gap) => gap.end > start && gap.start < end),
    }];
  }],
]; // prettier-ignore

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  response.setHeader("Content-Security-Policy", POLICY);
  response.setHeader("Date", new Date(now()).toUTCString());
  if (url.pathname.startsWith("/api/v1")) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : null;
    const path = url.pathname.slice("/api/v1".length);
    const route = routes.find(([method, pattern]) => method === request.method && pattern.test(path));
    const [status, answer] = route
      ? await route[2](route[1].exec(path).groups, body, url.searchParams)
      : problem(404, "path-unknown", "There is nothing at this address.");
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(answer && JSON.stringify(answer));
    return;
  }
  const name = normalize(url.pathname).replace(/^\/+/, "") || "index.html";
  const file = extname(name) ? name : "index.html";
  try {
    const content = await readFile(join(STATIC, file));
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
});
new WebSocketServer({ server, path: "/api/v1/ws" }).on("connection", (socket) => {
  sockets.set(socket, 0);
  socket.on("close", () => sockets.delete(socket));
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    if (message.type === "auth") tell(socket, { type: "ready", session: "mock", seq: 0 });
    if (message.type === "ping") tell(socket, { type: "pong" });
    if (message.type === "subscribe") {
      socket.following = true;
      tell(socket, { type: "subscribed", rooms: message.rooms, seq: 0 });
    }
  });
});
server.listen(Number(args.port), "127.0.0.1", () => console.log(`mock hub on http://127.0.0.1:${args.port}`));
