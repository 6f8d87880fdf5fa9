// Draws a series with uPlot: the mean as a line, lowest to highest as a band. Everything around it is SVG.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Columns } from "../model/chart";

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
          { points: hidden, stroke: "transparent" },
          { points: hidden, stroke: "transparent" },
        ],
        bands: live ? [] : [{ series: [2, 3], fill: () => tint("--use", 0.22) }],
      },
      [[], [], [], []],
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
    this.plot.setData([data.x, data.mean, data.max, data.min], true);
  }

  destroy(): void {
    this.observer.disconnect();
    this.plot.destroy();
  }
}
