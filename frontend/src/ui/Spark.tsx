// The last day of one plug in a row, without an axis: it says only "when", the words beside it say the rest.
interface SparkProps {
  /** Watts by bucket; null where nothing was measured. */
  values: (number | null)[];
  width?: number;
  height?: number;
  offline?: boolean;
}

export function Spark({ values, width = 120, height = 28, offline = false }: SparkProps) {
  const color = offline ? "var(--d0)" : "var(--use)";
  const max = Math.max(10, ...values.map((value) => value ?? 0));
  const x = (index: number): string => ((index / Math.max(values.length - 1, 1)) * width).toFixed(1);
  const y = (value: number): string => (height - 1.5 - ((height - 4) * Math.max(value, 0)) / max).toFixed(1);
  const runs: number[][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const run = runs.at(-1);
    if (run && run.at(-1) === index - 1) run.push(index);
    else runs.push([index]);
  });
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {runs.map((run) => {
        const line = run.map((index) => `${x(index)} ${y(values[index] ?? 0)}`).join("L");
        const [first = 0, last = 0] = [run[0], run.at(-1)];
        return (
          <g key={first}>
            <path d={`M${x(first)} ${height}L${line}L${x(last)} ${height}Z`} fill={color} opacity="0.16" />
            <path
              d={`M${line}`}
              fill="none"
              stroke={color}
              strokeWidth="1.5"
              strokeLinejoin="round"
              strokeLinecap="round"
            />
          </g>
        );
      })}
    </svg>
  );
}
