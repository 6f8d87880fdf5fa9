// What a plug's label says: its hardware id and its code, as typed or as its QR code holds them.
const ALPHABET = /^[0-9A-HJKMNP-TV-Z]{16,32}$/;
const QR = /^PLUGHUB:1:([A-Za-z0-9_-]{3,64}):(.+)$/;
export const HARDWARE_ID = /^[A-Za-z0-9_-]{3,64}$/;

/** The code without blanks and dashes, I and L read as 1, O as 0; null: no label has such a code. */
export function readCode(text: string): string | null {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll(/[IL]/g, "1").replaceAll("O", "0");
  return ALPHABET.test(code) ? code : null;
}

export interface Label {
  hardwareId: string;
  code: string;
}

/** The text of a QR code; null: it is none of a plug. */
export function readQr(text: string): Label | null {
  const [, hardwareId, rest] = QR.exec(text.trim()) ?? [];
  const code = rest === undefined ? null : readCode(rest);
  return hardwareId === undefined || code === null ? null : { hardwareId, code };
}

/** In groups of four, as on a label. */
export const shownCode = (code: string): string => code.match(/.{1,4}/g)?.join("-") ?? "";
