// Draws the charts of the overview from their data attributes with uPlot; redraws them when their width or the colors change.
"use strict";

const FORMATS = {
  count: value => value.toLocaleString("en"),
  usd: value => "$" + value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  ms: value => value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} s`,
  share: value => `${Math.round(value * 100)}%`,
};
const HEIGHT = 180;
const HOUR = 3600;

const color = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function stacked(series) {
  const sums = [];
  return series.map(each => each.values.map((value, at) => (sums[at] = (sums[at] || 0) + (value || 0))));
}

function when(seconds, step) {
  const options = step <= HOUR
    ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" }
    : { day: "numeric", month: "short", timeZone: "UTC" };
  return new Date(seconds * 1000).toLocaleString("en-GB", options);
}

// the axis ends at a round value, so that its highest mark is not below the highest bar
function roundUp(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map(factor => factor * size).find(mark => mark >= value);
}

// without a pointer, the legend shows the last point
function showLast(plot) {
  plot.setLegend({ idx: plot.data[0].length - 1 });
}

function options(chart, width) {
  const format = FORMATS[chart.unit];
  const bars = chart.kind === "bars";
  const step = chart.x.length > 1 ? chart.x[1] - chart.x[0] : 24 * HOUR;
  const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const drawn = chart.series.map(each => ({
    label: each.label,
    stroke: color(each.color),
    fill: bars ? color(each.color) : undefined,
    width: bars ? 0 : 1.75,
    paths: bars ? uPlot.paths.bars({ size: [0.72, 28], radius: 0.12 }) : undefined,
    points: { show: !bars && chart.x.length < 12 },
    spanGaps: true,
    value: (plot, _, index, at) => at == null || each.values[at] == null ? "–" : format(each.values[at]),
  }));
  return {
    width,
    height: HEIGHT,
    series: [{ label: "Time", value: (plot, seconds) => seconds == null ? "–" : when(seconds, step) }, ...(bars ? drawn.reverse() : drawn)],
    axes: [
      { ...axis, size: 26, grid: { show: false }, values: (plot, marks) => marks.map(mark => when(mark, step)), space: 64, incrs: [HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR, 336 * HOUR, 720 * HOUR] },
      { ...axis, size: 54, values: (plot, marks) => marks.map(format), space: 34, incrs: chart.unit === "count" ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] : undefined },
    ],
    scales: {
      x: { time: false, range: () => [chart.x[0] - step / 2, chart.x[chart.x.length - 1] + step / 2] },
      y: { range: (plot, low, high) => chart.unit === "share" ? [Math.min(0.5, low || 0), 1] : [0, roundUp(high || 1)] },
    },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
    legend: { live: true },
    hooks: { ready: [showLast], setCursor: [plot => plot.cursor.idx == null && showLast(plot)] },
  };
}

function draw(place) {
  const chart = JSON.parse(place.dataset.chart);
  const values = chart.kind === "bars" ? stacked(chart.series).reverse() : chart.series.map(each => each.values);
  place.replaceChildren();
  place.plot = new uPlot(options(chart, place.clientWidth), [chart.x, ...values], place);
}

function follow(place) {
  draw(place);
  new ResizeObserver(() => {
    if (place.plot.width !== place.clientWidth) place.plot.setSize({ width: place.clientWidth, height: HEIGHT });
  }).observe(place);
}

const places = document.querySelectorAll("[data-chart]");
places.forEach(follow);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => places.forEach(draw));
