// The plug, drawn; the ring around it says how far it is.
interface PlugRingProps {
  share: number;
  tone: "use" | "danger" | "ok";
  size?: number;
}

const ROUND = 2 * Math.PI * 92;

export function PlugRing({ share, tone, size = 190 }: PlugRingProps) {
  return (
    <svg className={`plug-ring ${tone}`} width={size} height={size} viewBox="-1 -1 192 192" aria-hidden="true">
      <circle className="way" cx="95" cy="95" r="92" />
      <circle
        className="gone"
        cx="95"
        cy="95"
        r="92"
        strokeDasharray={`${share * ROUND} ${ROUND}`}
        transform="rotate(-90 95 95)"
      />
      <circle cx="95" cy="95" r="78" fill="var(--sheet)" />
      <circle cx="95" cy="95" r="56" fill="var(--sunk)" />
      <circle cx="95" cy="95" r="48" fill="var(--ground)" />
      <circle cx="73" cy="95" r="6.5" fill="var(--ink)" />
      <circle cx="117" cy="95" r="6.5" fill="var(--ink)" />
      <rect x="90" y="45" width="10" height="9" rx="2" fill="var(--edge)" />
      <rect x="90" y="136" width="10" height="9" rx="2" fill="var(--edge)" />
    </svg>
  );
}
