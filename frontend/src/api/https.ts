// How this browser and the hub talk: over HTTP or HTTPS, and whether the hub's certificate is trusted here.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useHub } from "../app/hub";
import type { ApiClient } from "./client";

export const CERTIFICATES = ["certificates"];

/** `port` null: HTTPS is off. `own`: the certificate is not the hub's making, there is nothing to install. */
export interface HttpsAccess {
  secure: boolean;
  port: number | null;
  only: boolean;
  own: boolean;
  address: string | null;
  install: string | null;
  authority: string | null;
}

/**
 * asking: not known yet; off: there is no HTTPS; open: over HTTP, the certificate is not trusted here; ready: over HTTP,
 * and HTTPS would work; warned: over HTTPS, past the browser's warning; secure: over HTTPS as it should be.
 */
export type Trust = "asking" | "off" | "open" | "ready" | "warned" | "secure";

const ASK_EVERY_MS = 3_000;

/** What is so now; `again`: ask until HTTPS works. */
export function useTrust(client: ApiClient, again: boolean): { access: HttpsAccess | null; trust: Trust } {
  const [access, setAccess] = useState<HttpsAccess | null>(null);
  const [trust, setTrust] = useState<Trust>("asking");
  useEffect(() => {
    const left = new AbortController();
    client.get<HttpsAccess>("/certificates/access", left.signal).then(setAccess, () => undefined);
    return () => left.abort();
  }, [client]);
  useEffect(() => {
    if (!access) return;
    let left = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const found = await look(access);
      if (left) return;
      setTrust(found);
      if (again && (found === "open" || found === "warned")) timer = setTimeout(() => void ask(), ASK_EVERY_MS);
    };
    void ask();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [access, again]);
  return { access, trust };
}

async function look(access: HttpsAccess): Promise<Trust> {
  if (access.secure) return (await isTrusted()) ? "secure" : "warned";
  if (access.port === null || access.address === null) return "off";
  return (await answers(access.address)) ? "ready" : "open";
}

async function answers(address: string): Promise<boolean> {
  try {
    await fetch(`${address}/api/v1/certificates/trusted`, { credentials: "omit", cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}

/** A page cannot see that somebody clicked a warning away, but then browsers load no worker for it. */
export async function isTrusted(): Promise<boolean> {
  if (!("serviceWorker" in navigator)) return true; // not to be known
  try {
    const worker = await navigator.serviceWorker.register("/trust-check.js", { scope: "/trust-check/" });
    await worker.unregister();
    return true;
  } catch (error) {
    return !(error instanceof DOMException && error.name === "SecurityError");
  }
}

export interface CertificateView {
  fingerprint: string;
  names: string[];
  begins: number;
  ends: number;
}

export interface ServerCertificates {
  own: boolean;
  authority: CertificateView | null;
  certificate: CertificateView | null;
}

export interface Certificates {
  web: ServerCertificates | null;
  mqtt: ServerCertificates | null;
}

/** For admins: what HTTPS and MQTT use. */
export function useCertificates(enabled: boolean) {
  const { client } = useHub();
  return useQuery<Certificates>({
    queryKey: CERTIFICATES,
    enabled,
    queryFn: ({ signal }) => client.get<Certificates>("/certificates", signal),
  });
}
