// Adds a plug by the code on its label, or puts a new one in the place of a dead one: which, its steps, its name.
import { IconChevronLeft, IconX } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { useDevices, useFound } from "../api/queries";
import type { AddDeviceRequest } from "../api/devices.types";
import type { Pairing, ReplaceDeviceRequest } from "../api/pairing.types";
import { LONGEST_NAME } from "../api/types";
import { useHub, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { useI18n } from "../i18n/i18n";
import { useTitle } from "../ui/hooks";
import { SkeletonRows } from "../ui/States";
import { AddByHand } from "./AddByHand";
import type { Label } from "./pair/label";
import { Start } from "./pair/Start";
import { Working } from "./pair/Working";
import { MissingPlug } from "./plug-form";
import "./edit.css";
import "./pair.css";

const HERE = "/plugs/add";

export default function AddPlug() {
  const { t } = useI18n();
  const { user } = useSession();
  const [search] = useSearchParams();
  const replace = search.get("replace");
  const byHand = search.get("by") === "hand";
  const title = t(replace === null ? "add.title" : "replace.title");
  useTitle(title);
  const close = replace === null ? "/plugs" : `/plugs/${replace}/edit`;
  return (
    <div className="pair">
      <header className="row apart pair-head">
        <Link href={byHand ? HERE : close} className="icon-btn" aria-label={t(byHand ? "plug.back" : "pair.close")}>
          {byHand ? (
            <IconChevronLeft className="icon" aria-hidden="true" />
          ) : (
            <IconX className="icon" aria-hidden="true" />
          )}
        </Link>
        <span className="meta strong">{title}</span>
        <span className="icon-btn" />
      </header>
      <OfflineStrip />
      {user.role === "guest" ? (
        <p className="note">{t("add.notAllowed")}</p>
      ) : byHand ? (
        <AddByHand hardwareId={search.get("hardware") ?? ""} />
      ) : (
        <Flow replace={replace} close={close} />
      )}
    </div>
  );
}

/** Which screen it is stands in the address: a reload, or the way back, loses nothing. */
function Flow({ replace, close }: { replace: string | null; close: string }) {
  const { client } = useHub();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [search, setSearch] = useSearchParams();
  const devices = useDevices().data;
  const found = useFound(true).data ?? [];
  const hardwareId = search.get("hardware") ?? "";
  const pairing = search.get("pairing");
  // A code is kept nowhere but here, for another try.
  const codes = useRef(new Map<string, string>());
  const replacing = replace === null ? undefined : devices?.find(({ key }) => key === replace);

  const go = (to: Record<string, string>): void =>
    setSearch(new URLSearchParams({ ...(replace === null ? {} : { replace }), ...to }));

  const open = async ({ hardwareId: plug, code }: Label): Promise<void> => {
    const name = (found.find((one) => one.hardware_id === plug)?.name || plug).slice(0, LONGEST_NAME);
    const added: AddDeviceRequest = { hardware_id: plug, name, pairing_code: code };
    const put: ReplaceDeviceRequest = { hardware_id: plug, pairing_code: code };
    const window = replacing
      ? await client.request<Pairing>("POST", `/devices/${replacing.id}/replace`, put)
      : await client.request<Pairing>("POST", "/devices", added);
    codes.current.set(plug, code);
    // A step may have come by the socket before this answer.
    queries.setQueryData<Pairing>(["pairing", window.id], (known) => known ?? window);
    go({ pairing: window.id });
  };

  const again = (plug: string): void => {
    const code = codes.current.get(plug);
    if (code === undefined) go({ hardware: plug });
    else open({ hardwareId: plug, code }).catch(() => go({ hardware: plug })); // its form says what is wrong
  };

  if (pairing !== null)
    return <Working id={pairing} ways={{ again, code: (plug) => go({ hardware: plug }), begin: () => go({}) }} />;
  if (replace !== null && !replacing) return devices ? <MissingPlug /> : <SkeletonRows rows={3} />;
  return (
    <Start
      hardwareId={hardwareId}
      replacing={replacing}
      open={open}
      byHand={`${HERE}?by=hand${hardwareId ? `&hardware=${encodeURIComponent(hardwareId)}` : ""}`}
      close={() => navigate(close)}
      choose={(plug) => go({ hardware: plug })}
      resume={(id) => go({ pairing: id })}
    />
  );
}
