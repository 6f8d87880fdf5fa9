// Reads the QR code on a plug's label with the camera, where the browser can.
import { IconBulb, IconX } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useI18n } from "../../i18n/i18n";
import { type Label, readQr } from "./label";

interface Detector {
  detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats: () => Promise<string[]>;
}

const detectorClass = (): DetectorClass | undefined =>
  (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;

/** A camera is given to pages over HTTPS only, and not every browser reads QR codes. */
export const canScan = (): boolean =>
  globalThis.isSecureContext && "mediaDevices" in navigator && detectorClass() !== undefined;

const LOOK_EVERY_MS = 150;

interface ScanProps {
  found: number;
  onLabel: (label: Label) => void;
  onType: () => void;
  onClose: () => void;
  /** The camera is not to be had, or reads no QR codes. */
  onUnavailable: () => void;
}

export function Scan({ found, onLabel, onType, onClose, onUnavailable }: ScanProps) {
  const { t } = useI18n();
  const video = useRef<HTMLVideoElement>(null);
  const [foreign, setForeign] = useState(false);
  const [track, setTrack] = useState<MediaStreamTrack | null>(null);
  const [lit, setLit] = useState(false);
  // They change with every render of the page; the camera must not start anew for that.
  const told = useRef({ onLabel, onUnavailable });
  useEffect(() => {
    told.current = { onLabel, onUnavailable };
  });

  useEffect(() => {
    let stream: MediaStream | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const look = async (detector: Detector, picture: HTMLVideoElement): Promise<void> => {
      const codes = await detector.detect(picture).catch(() => []); // no picture yet
      if (left) return;
      const label = codes.map(({ rawValue }) => readQr(rawValue)).find((read) => read !== null);
      if (label) {
        told.current.onLabel(label);
        return;
      }
      setForeign(codes.length > 0);
      timer = setTimeout(() => void look(detector, picture), LOOK_EVERY_MS);
    };
    const start = async (): Promise<void> => {
      const Detector = detectorClass();
      if (!Detector || !(await Detector.getSupportedFormats()).includes("qr_code")) throw new Error("no QR codes");
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const picture = video.current;
      if (left || !picture) {
        stream.getTracks().forEach((one) => one.stop());
        return;
      }
      picture.srcObject = stream;
      await picture.play();
      const [camera] = stream.getVideoTracks();
      if (camera && "torch" in camera.getCapabilities()) setTrack(camera);
      void look(new Detector({ formats: ["qr_code"] }), picture);
    };
    start().catch(() => !left && told.current.onUnavailable());
    return () => {
      left = true;
      clearTimeout(timer);
      stream?.getTracks().forEach((one) => one.stop());
    };
  }, []);

  const light = (): void => {
    const advanced = [{ torch: !lit } as MediaTrackConstraintSet];
    void track?.applyConstraints({ advanced }).then(() => setLit(!lit));
  };

  return (
    <div className="scan">
      <video ref={video} muted playsInline aria-label={t("pair.camera")} />
      <div className="scan-frame" aria-hidden="true">
        <i />
        <i />
        <i />
        <i />
      </div>
      <header className="row apart">
        <Button className="icon-btn" aria-label={t("pair.close")} onPress={onClose}>
          <IconX className="icon" aria-hidden="true" />
        </Button>
        <span className="strong">{t("add.title")}</span>
        {track ? (
          <Button className="icon-btn" aria-label={t("pair.light")} aria-pressed={lit} onPress={light}>
            <IconBulb className="icon" aria-hidden="true" />
          </Button>
        ) : (
          <span className="icon-btn" />
        )}
      </header>
      <div className="scan-title">
        <h1>{t("pair.scan")}</h1>
        <p role="status">{t(foreign ? "pair.scanOther" : "pair.scanWhere")}</p>
      </div>
      <span className="grow" />
      <div className="col">
        <Button className="btn wide light" onPress={onType}>
          {t("pair.typeInstead")}
        </Button>
        {found > 0 && (
          <Button className="btn wide glass" onPress={onType}>
            {t("pair.nearby")}
            <span className="chip">{found}</span>
          </Button>
        )}
      </div>
    </div>
  );
}
