// The promise of the first page, drawn.
import { Dial, Needle } from "../ui/Dial";

/** The promise, drawn: a day of a home, inked up to now. */
export function PromiseArt() {
  const width = 350;
  const base = 150;
  const day = { start: Date.UTC(2024, 0, 1), end: Date.UTC(2024, 0, 2) };
  const now = 54.4 / 96;
  return (
    <svg className="promise-art" viewBox={`0 0 ${width} 180`} aria-hidden="true">
      {EXAMPLE_DAY.map((height, index) => (
        <rect
          key={index}
          x={(index / 96) * width + 0.6}
          width={width / 96 - 1.2}
          y={base - height}
          height={height}
          rx="1"
          fill={index / 96 < now ? "var(--use)" : "var(--usual)"}
        />
      ))}
      <Dial span={day} zone="UTC" x1={width} y={base} />
      <Needle x={now * width} top={12} bottom={base} />
    </svg>
  );
}

// Heights of an invented day in quarters of an hour: a quiet night, breakfast, a wash, dinner.
const EXAMPLE_DAY = [
  14, 21, 20, 13, 16, 20, 17, 21, 18, 19, 13, 19, 12, 0, 0, 8, 25, 16, 14, 15, 24, 19, 15, 13, 21, 20, 19, 22, 28, 55,
  24, 26, 22, 17, 110, 88, 103, 107, 119, 53, 20, 15, 12, 20, 22, 24, 26, 25, 111, 85, 49, 42, 111, 103, 47, 32, 31, 28,
  32, 27, 14, 21, 20, 21, 21, 26, 30, 28, 39, 63, 60, 102, 101, 97, 43, 37, 36, 37, 32, 40, 36, 37, 35, 36, 31, 24, 27,
  32, 36, 24, 31, 31, 26, 27, 30, 25,
];
