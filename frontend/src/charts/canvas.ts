// Draws a series with uPlot: the mean as a line, and under it lowest to highest as a band. Around it is SVG.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Columns, stretches } from "../model/chart";

export interface Frame {
  width: number;
  height: number;
  start: number;
  end: number;
  top: number;
}

/** Room under zero, so that a line at zero is not cut in half. */
export const BELOW = 2;

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour with transparency that a canvas understands. */
function tint(name: string, share: number): string {
  const color = token(name);
  return `${color}${Math.round(share * 255)
    .toString(16)
    .padStart(2, "0")}`;
}

/** One canvas of one chart. Colours follow the theme. */
export class SeriesCanvas {
  private readonly plot: uPlot;
  private readonly observer: MutationObserver;
  private frame: Frame;
  private data: Columns = { x: [], mean: [], min: [], max: [] };

  constructor(root: HTMLElement, live: boolean, frame: Frame) {
    this.frame = frame;
    const hidden = { show: false };
    this.plot = new uPlot(
      {
        width: frame.width,
        height: frame.height,
        padding: [0, 0, 0, 0],
        legend: hidden,
        cursor: hidden,
        axes: [hidden, hidden],
        scales: {
          x: { time: false, range: () => [this.frame.start, this.frame.end] },
          y: { range: () => [-(BELOW / (this.frame.height - BELOW)) * this.frame.top, this.frame.top] },
        },
        series: [
          {},
          {
            stroke: () => token("--use"),
            width: live ? 2 : 1.6,
            points: hidden,
            ...(live && { fill: () => tint("--use", 0.12) }),
          },
        ],
        hooks: live ? {} : { drawClear: [() => this.drawBand()] },
      },
      [[], []],
      root,
    );
    this.observer = new MutationObserver(() => this.plot.redraw());
    this.observer.observe(document.documentElement, {
      attributes: true,
      attributeFilter: ["data-theme", "data-stale"],
    });
  }

  draw(data: Columns, frame: Frame): void {
    const resized = frame.width !== this.frame.width || frame.height !== this.frame.height;
    this.frame = frame;
    if (resized) this.plot.setSize({ width: frame.width, height: frame.height });
    this.data = data;
    this.plot.setData([data.x, data.mean], true);
  }

  /** Lowest to highest, a shape for each stretch: uPlot's own bands slope into gaps. */
  private drawBand(): void {
    const { ctx, bbox } = this.plot;
    const { x, min, max } = this.data;
    const place = (index: number, watts: number): [number, number] => [
      this.plot.valToPos(x[index] ?? 0, "x", true),
      this.plot.valToPos(watts, "y", true),
    ];
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.beginPath();
    for (const [first, last] of stretches(max)) {
      ctx.moveTo(...place(first, max[first] ?? 0));
      for (let index = first + 1; index <= last; index += 1) ctx.lineTo(...place(index, max[index] ?? 0));
      for (let index = last; index >= first; index -= 1) ctx.lineTo(...place(index, min[index] ?? 0));
      ctx.closePath();
    }
    ctx.fillStyle = tint("--use", 0.22);
    ctx.fill();
    ctx.restore();
  }

  destroy(): void {
    this.observer.disconnect();
    this.plot.destroy();
  }
}
